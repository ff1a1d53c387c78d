"""The official archives of the sets that we prepare: where they come from, and what they must hash to.

The addresses and SHA-256 sums of CIFAR-10 and the MNIST family are those that TFDS records; Tiny-ImageNet's is the sum
that others have published for its zip of 248,100,043 bytes.
"""

import dataclasses
import hashlib
import http.client
import logging
import os
import urllib.request
from pathlib import Path

import tqdm

from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Archive:
    """One file to download."""

    url: str
    sha256: str

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[1]


def _mnist_like(base: str, sums: dict[str, str]) -> tuple[Archive, ...]:
    return tuple(Archive(f"{base}/{part}.gz", sha256) for part, sha256 in sums.items())


ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "cifar10": (Archive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),),
    "mnist": _mnist_like("https://storage.googleapis.com/cvdf-datasets/mnist", {
        "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}),
    "fashion_mnist": _mnist_like("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", {
        "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}),
    "kmnist": _mnist_like("http://codh.rois.ac.jp/kmnist/dataset/kmnist", {
        "train-images-idx3-ubyte": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}),
    "tiny_imagenet": (Archive("http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                              "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821"),),
}


def find(dataset: str, folder: Path) -> dict[str, Path]:
    """The archives of `dataset` that lie in `folder`, or in a folder in it that has the dataset's name.

    A file that is not the official one is taken with a warning, unless it is another dataset's official one: the four
    files of the MNIST family have the same names.

    Raises:
      InputError: a file is missing or is another dataset's.
    """
    paths = {}
    for archive in ARCHIVES[dataset]:
        places = [folder / dataset / archive.file, folder / archive.file]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise InputError(f"{folder}: has no {archive.file}; put there what {archive.url} serves")
        found = _sha256(path)
        for other, archives in ARCHIVES.items():
            if other != dataset and found in {each.sha256 for each in archives}:
                raise InputError(f"{path}: this is {other}'s file, not {dataset}'s; "
                                 f"put there what {archive.url} serves")
        if found != archive.sha256:
            _log.warning("%s is not the official file (its SHA-256 is %s): what it holds is prepared as %s",
                         path, found, dataset)
        paths[archive.file] = path
    return paths


def fetch(dataset: str, cache: Path) -> dict[str, Path]:
    """The archives of `dataset` in `cache`, downloaded where they are not there yet.

    TFDS's own download manager is not used: without a network it tried for more than three minutes before it said so.

    Raises:
      InputError: an archive cannot be downloaded, or is not what it should be.
    """
    paths = {}
    for archive in ARCHIVES[dataset]:
        path = paths[archive.file] = cache / archive.file
        try:
            if not path.is_file() or _sha256(path) != archive.sha256:
                _download(archive, path)
        except (OSError, http.client.HTTPException) as error:
            raise InputError(f"{archive.url}: cannot be downloaded to {cache} ({reason(error)}); "
                             "download it elsewhere into a folder and add --archives FOLDER") from error
    return paths


def _download(archive: Archive, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    request = urllib.request.Request(archive.url, headers={"User-Agent": "netspace_jax"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response, partial.open("wb") as file:
            total = int(response.headers.get("Content-Length", 0)) or None
            with tqdm.tqdm(total=total, desc=archive.file, unit="B", unit_scale=True) as bar:
                while block := response.read(1 << 18):
                    file.write(block)
                    bar.update(len(block))
        found = _sha256(partial)
        if found != archive.sha256:
            raise OSError(f"its SHA-256 is {found}, not {archive.sha256}")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
