"""The official archives of the image sets that can be prepared here: addresses, SHA-256 sums, downloads.

Addresses and sums of CIFAR-10 and the MNIST family are those that TensorFlow Datasets (TFDS) records; Tiny-ImageNet's
sum is the one that others have published for its zip of 248,100,043 bytes.
"""

import logging
from pathlib import Path

import pooch

from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError

_log = logging.getLogger(__name__)

VERSION = "1.0.0"  # of the sets as prepared here, whatever versions TFDS itself has of them

ADDRESSES = {
    "cifar10": "https://www.cs.toronto.edu/~kriz",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "kmnist": "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist",
    "tiny_imagenet": "http://cs231n.stanford.edu",
}
SHA256 = {
    "cifar10/cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    "fashion_mnist/train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "fashion_mnist/train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "fashion_mnist/t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "fashion_mnist/t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    "kmnist/train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    "kmnist/train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    "kmnist/t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    "kmnist/t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    "mnist/train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "mnist/train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "mnist/t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "mnist/t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "tiny_imagenet/tiny-imagenet-200.zip": "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
}


def get(dataset: str, downloads: Path, folder: str | None = None) -> list[Path]:
    """The archives of `dataset`, from `folder` or else downloaded to `downloads` where they are not there yet.

    In the folder, or in a folder in it that has the dataset's name, a file that is not the official one is taken with a
    warning, unless it is another dataset's official one: the four files of the MNIST family have the same names.

    Raises:
      InputError: a file is missing, is another dataset's, cannot be downloaded, or is not what it should be.
    """
    files = [key.split("/")[1] for key in SHA256 if key.split("/")[0] == dataset]
    place = Path(folder).expanduser() if folder else None
    return [_find(dataset, file, place) if place else _fetch(dataset, file, downloads) for file in files]


def _find(dataset: str, file: str, folder: Path) -> Path:
    remedy = f"put there what {ADDRESSES[dataset]}/{file} serves"
    path = next((place for place in (folder / dataset / file, folder / file) if place.is_file()), None)
    if path is None:
        raise InputError(f"{folder}: has no {file}; {remedy}")
    found = pooch.file_hash(str(path))
    owners = [key.split("/")[0] for key, sha256 in SHA256.items() if sha256 == found]
    if owners and dataset not in owners:
        raise InputError(f"{path}: this is {owners[0]}'s file, not {dataset}'s; {remedy}")
    if found != SHA256[f"{dataset}/{file}"]:
        _log.warning("%s is not the official file (SHA-256 %s); prepared as %s all the same", path, found, dataset)
    return path


def _fetch(dataset: str, file: str, downloads: Path) -> Path:
    address, sha256 = f"{ADDRESSES[dataset]}/{file}", SHA256[f"{dataset}/{file}"]
    try:  # not TFDS's download manager: without a network it tries for minutes before it says so
        return Path(pooch.retrieve(address, f"sha256:{sha256}", file, downloads, progressbar=True))
    except (OSError, ValueError) as error:  # ValueError: another SHA-256
        cause = error
        while cause.__context__:  # the innermost error says it shortest
            cause = cause.__context__
        raise InputError(
            f"{address}: cannot be downloaded ({reason(cause)}); get it elsewhere and name its folder with --archives"
        ) from error
