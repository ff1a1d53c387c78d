"""Official archives in miniature, prepared without TensorFlow and read back pixel by pixel."""

import gzip
import hashlib
import http.server
import io
import logging
import shutil
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from functools import partial

import numpy as np
import PIL.Image
import pytest

from netspace_jax.data import archives
from netspace_jax.data.images import load_images
from netspace_jax.data.prepare import prepare
from netspace_jax.errors import InputError

CIFAR, TINY = "cifar-10-binary.tar.gz", "tiny-imagenet-200.zip"
CIFAR_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def pixels(seed, *shape):
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def write_cifar(folder, batch=6, change=None):
    """cifar-10-binary.tar.gz: five training batches and a test batch; returns images and labels of both."""
    splits, members = {}, {"batches.meta.txt": ("\n".join(CIFAR_NAMES) + "\n\n").encode(), "readme.html": b"<html>"}
    for split, names in (("train", [f"data_batch_{i}.bin" for i in range(1, 6)]), ("test", ["test_batch.bin"])):
        x, y = pixels(len(names), batch * len(names), 32, 32, 3), np.arange(batch * len(names), dtype=np.uint8) % 10
        for i, name in enumerate(names):
            rows = slice(i * batch, (i + 1) * batch)
            members[name] = b"".join(
                bytes([label]) + image.transpose(2, 0, 1).tobytes()
                for label, image in zip(y[rows], x[rows], strict=True)
            )
        splits[split] = x, y
    if change:
        change(members)
    with tarfile.open(folder / CIFAR, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return splits


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, train=36, test=12, seed=0):
    splits = {}
    for split, prefix, count in (("train", "train", train), ("test", "t10k", test)):
        x, y = pixels(seed + count, count, 28, 28), np.arange(count, dtype=np.uint8) % 10
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y)))
        splits[split] = x, y
    return splits


def jpeg(image):
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG")
    return buffer.getvalue()


def decoded(content):
    return np.asarray(PIL.Image.open(io.BytesIO(content)).convert("RGB"))


def write_tiny(folder, wnids=("n03", "n01", "n02"), each=10, change=None):
    """tiny-imagenet-200.zip: train/<wnid>/images, val with its annotations, test without labels; one grey JPEG."""
    members = {"wnids.txt": "".join(f"{wnid}\n" for wnid in wnids).encode(), "words.txt": b"n01\tthing\n"}
    splits = {"train": ([], []), "test": ([], [])}
    for label, wnid in enumerate(sorted(wnids)):
        members[f"train/{wnid}/{wnid}_boxes.txt"] = b"\n"
        for i in range(each):
            shape = (64, 64) if (label, i) == (0, 2) else (64, 64, 3)
            content = jpeg(pixels(100 * label + i, *shape))
            members[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = content
            splits["train"][0].append(decoded(content))
            splits["train"][1].append(label)
    rows = []
    for i in range(6):
        members[f"val/images/val_{i}.JPEG"] = content = jpeg(pixels(1000 + i, 64, 64, 3))
        rows.append(f"val_{i}.JPEG\t{sorted(wnids)[i % len(wnids)]}\t0\t0\t62\t62\n")
        splits["test"][0].append(decoded(content))
        splits["test"][1].append(i % len(wnids))
    members["val/val_annotations.txt"] = "".join(rows).encode()
    members["test/images/test_0.JPEG"] = jpeg(pixels(5, 64, 64, 3))
    if change:
        change(members)
    with zipfile.ZipFile(folder / TINY, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"tiny-imagenet-200/{name}", content)
    return {split: (np.stack(x), np.array(y)) for split, (x, y) in splits.items()}


def assert_same(images, expected):
    x, y = expected
    np.testing.assert_array_equal(images.x, x.reshape(images.x.shape))
    np.testing.assert_array_equal(images.y, y)


def test_cifar10_round_trip_in_the_official_order(tmp_path):
    splits = write_cifar(tmp_path)
    prepare("cifar10", str(tmp_path / "sets"), str(tmp_path))
    images = load_images("cifar10", str(tmp_path / "sets"))
    x, y = splits["train"]
    assert images.classes == 10 and images.shape == (32, 32, 3)
    assert_same(images.train, (x[:24], y[:24]))  # four fifths, as 40,000 of 50,000
    assert_same(images.validation, (x[24:], y[24:]))
    assert_same(images.test, splits["test"])
    assert images.mean == (0.485, 0.456, 0.406) and images.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_mnist_family_round_trip(tmp_path, name):
    splits = write_mnist(tmp_path)
    prepare(name, str(tmp_path / "sets"), str(tmp_path))
    images = load_images(name, str(tmp_path / "sets"))
    x, y = splits["train"]
    assert images.classes == 10 and images.shape == (28, 28, 1)
    assert len(images.validation.y) == 6  # a sixth
    rows = {image.tobytes(): row for row, image in enumerate(x)}
    found = [rows[image.tobytes()] for part in (images.train, images.validation) for image in part.x]
    assert sorted(found) == list(range(36))
    np.testing.assert_array_equal(y[found], np.concatenate([images.train.y, images.validation.y]))
    assert_same(images.test, splits["test"])
    np.testing.assert_allclose(images.mean, [(images.train.x / 255).mean()], rtol=1e-12)
    np.testing.assert_allclose(images.std, [(images.train.x / 255).std()], rtol=1e-12)


def test_tiny_imagenet_round_trip(tmp_path):
    splits = write_tiny(tmp_path)
    prepare("tiny_imagenet", str(tmp_path / "sets"), str(tmp_path))
    images = load_images("tiny_imagenet", str(tmp_path / "sets"))
    x, y = splits["train"]
    assert images.classes == 3 and images.shape == (64, 64, 3)
    np.testing.assert_array_equal(np.bincount(images.validation.y), [2, 2, 2])  # a fifth of each class
    rows = {image.tobytes(): row for row, image in enumerate(x)}
    found = [rows[image.tobytes()] for part in (images.train, images.validation) for image in part.x]
    assert sorted(found) == list(range(30))
    np.testing.assert_array_equal(y[found], np.concatenate([images.train.y, images.validation.y]))
    assert_same(images.test, splits["test"])


def test_the_command_prepares_and_says_where_without_tensorflow(tmp_path):
    write_mnist(tmp_path)
    command = [sys.executable, "-m", "netspace_jax.data.prepare", "mnist", "--data-dir", str(tmp_path / "sets")]
    done = subprocess.run([*command, "--archives", str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"mnist is prepared in {tmp_path / 'sets/mnist/1.0.0'}"
    again = subprocess.run(command, capture_output=True, text=True, check=True)  # needs no archives any more
    assert again.stdout == done.stdout.splitlines()[-1] + "\n"
    wrong = subprocess.run([*command[:3], "minst"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "fashion_mnist" in wrong.stderr and "Traceback" not in wrong.stderr
    nowhere = ["--data-dir", str(tmp_path / "sets"), "--archives", str(tmp_path / "no")]
    missing = subprocess.run([*command[:3], "kmnist", *nowhere], capture_output=True, text=True)
    assert missing.returncode == 2
    assert missing.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'no'}: has no train-images-idx3-ubyte.gz")
    code = "import sys, netspace_jax.data.prepared; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_archives_may_lie_in_a_folder_of_the_sets_name(tmp_path):
    (tmp_path / "kmnist").mkdir()
    splits = write_mnist(tmp_path / "kmnist")
    write_mnist(tmp_path, seed=50)
    prepare("kmnist", str(tmp_path / "sets"), str(tmp_path))
    assert_same(load_images("kmnist", str(tmp_path / "sets")).test, splits["test"])


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    splits = write_mnist(tmp_path)
    assert prepare("mnist", "~/sets", "~") == tmp_path / "sets" / "mnist" / "1.0.0"
    assert_same(load_images("mnist", "~/sets").test, splits["test"])


def test_ours_goes_before_a_set_of_the_same_name_that_needs_tensorflow(tmp_path):
    splits = write_mnist(tmp_path)
    ours = prepare("mnist", str(tmp_path / "sets"), str(tmp_path))
    theirs = shutil.copytree(ours, ours.with_name("3.0.1"))
    about = (theirs / "dataset_info.json").read_text().replace("1.0.0", "3.0.1")
    (theirs / "dataset_info.json").write_text(about.replace('"array_record"', '"tfrecord"'))
    assert_same(load_images("mnist", str(tmp_path / "sets")).test, splits["test"])
    with pytest.raises(InputError, match="cannot be read without TensorFlow"):
        load_images("mnist:3.0.1", str(tmp_path / "sets"))


def test_a_foreign_archive_is_taken_with_a_warning(tmp_path, caplog):
    write_cifar(tmp_path)
    with caplog.at_level(logging.WARNING):
        archives.get("cifar10", tmp_path / "none", str(tmp_path))
    assert "cifar-10-binary.tar.gz is not the official file" in caplog.text


def test_another_sets_official_archive_is_refused(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    for key in [key for key in archives.SHA256 if key.startswith("fashion_mnist/")]:
        content = (tmp_path / key.split("/")[1]).read_bytes()
        monkeypatch.setitem(archives.SHA256, key, hashlib.sha256(content).hexdigest())
    with pytest.raises(InputError, match="this is fashion_mnist's file, not mnist's"):
        archives.get("mnist", tmp_path / "none", str(tmp_path))
    assert len(archives.get("fashion_mnist", tmp_path / "none", str(tmp_path))) == 4


@pytest.fixture
def server(tmp_path):
    """A local server of the folder it gives, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def test_archives_are_downloaded_once_and_checked(tmp_path, monkeypatch, server):
    folder, address = server
    splits = write_cifar(folder)
    content = (folder / CIFAR).read_bytes()
    monkeypatch.setitem(archives.ADDRESSES, "cifar10", address)
    monkeypatch.setitem(archives.SHA256, "cifar10/cifar-10-binary.tar.gz", hashlib.sha256(content).hexdigest())
    prepare("cifar10", str(tmp_path / "sets"))
    assert_same(load_images("cifar10", str(tmp_path / "sets")).test, splits["test"])
    cached = tmp_path / "sets" / "downloads" / "cifar10" / CIFAR
    assert cached.read_bytes() == content

    cached.write_bytes(content[:100])  # cut short: it is fetched again
    assert archives.get("cifar10", cached.parent)[0].read_bytes() == content
    (folder / cached.name).unlink()  # there: it is not fetched
    assert archives.get("cifar10", cached.parent)[0].read_bytes() == content


@pytest.mark.parametrize(("served", "says"), [(b"something else", "hash"), (None, "404")])
def test_a_failed_download_leaves_nothing(tmp_path, monkeypatch, server, served, says):
    folder, address = server
    if served:
        (folder / TINY).write_bytes(served)
    monkeypatch.setitem(archives.ADDRESSES, "tiny_imagenet", address)
    says = f"tiny-imagenet-200.zip: cannot be downloaded .*{says}.*--archives"
    with pytest.raises(InputError, match=says) as error:
        prepare("tiny_imagenet", str(tmp_path / "sets"))
    assert "\n" not in str(error.value)
    assert list((tmp_path / "sets" / "downloads" / "tiny_imagenet").iterdir()) == []


def test_no_network_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(archives.ADDRESSES, "mnist", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="train-images-idx3-ubyte.gz: cannot be downloaded .*refused") as error:
        prepare("mnist", str(tmp_path / "sets"))
    assert "\n" not in str(error.value)


def cut(name, keep=0.5):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(keep * len(content))])

    return change


def rewrite(name, content):
    return lambda folder: (folder / name).write_bytes(gzip.compress(content))


def member(write, **members):
    """Writes the archive with members changed, or left out where None. Dots in names are given as __."""

    def change(folder):
        def edit(found):
            for name, content in members.items():
                name = name.replace("__", ".")
                path = next(path for path in found if path.rsplit("/", 1)[-1] == name)
                if content is None:
                    del found[path]
                else:
                    found[path] = content

        write(folder, change=edit)

    return change


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("name", "write", "damage", "says"),
    [
        ("cifar10", write_cifar, cut(CIFAR), CIFAR),
        ("cifar10", write_cifar, cut(CIFAR, 0), CIFAR),
        ("cifar10", write_cifar, member(write_cifar, data_batch_3__bin=None), "data_batch_3.bin"),
        ("cifar10", write_cifar, member(write_cifar, test_batch__bin=bytes(3072)), "size 3072"),
        ("cifar10", write_cifar, member(write_cifar, data_batch_2__bin=b"\x0a" + bytes(3072)), "holds 10, first at 6"),
        ("mnist", write_mnist, cut(IMAGES), IMAGES),
        ("mnist", write_mnist, rewrite(IMAGES, b"\0\0\x0d\3" + bytes(12)), "not an IDX file of images"),
        ("mnist", write_mnist, rewrite(IMAGES, idx(pixels(0, 36, 28, 28))[:-1]), "size 28223"),
        ("mnist", write_mnist, rewrite(IMAGES, idx(pixels(0, 36, 27, 28))), "images of 28×28"),
        ("mnist", write_mnist, rewrite(LABELS, idx(np.zeros(35, np.uint8))), "one label for each of the 36 images"),
        (
            "mnist",
            write_mnist,
            rewrite(LABELS, idx(np.full(36, 10, np.uint8))),
            f"{LABELS}: cannot be used (the label array holds 10",
        ),
        ("tiny_imagenet", write_tiny, cut(TINY), TINY),
        ("tiny_imagenet", write_tiny, member(write_tiny, wnids__txt=None), "wnids.txt"),
        ("tiny_imagenet", write_tiny, member(write_tiny, wnids__txt=b"n01\nn02\n"), "not of the classes in wnids.txt"),
        (
            "tiny_imagenet",
            write_tiny,
            member(write_tiny, n01_4__JPEG=jpeg(pixels(0, 32, 64, 3))),
            "n01_4.JPEG is 32×64",
        ),
        ("tiny_imagenet", write_tiny, member(write_tiny, n02_1__JPEG=b"no image"), "cannot identify image"),
        ("tiny_imagenet", write_tiny, member(write_tiny, val_3__JPEG=None), "val_3.JPEG"),
    ],
)
def test_damaged_archives_are_refused_by_name_and_leave_no_set(tmp_path, name, write, damage, says):
    write(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError) as error:
        prepare(name, str(tmp_path / "sets"), str(tmp_path))
    message = str(error.value)
    assert message.startswith(str(tmp_path)) and says in message and "\n" not in message
    assert not (tmp_path / "sets" / name / "1.0.0").exists()
    with pytest.raises(InputError, match=f"{name}: not prepared in .*; get it by: python .*prepare {name} "):
        load_images(name, str(tmp_path / "sets"))


def test_a_folder_that_is_no_prepared_set_is_not_touched(tmp_path):
    folder = tmp_path / "mnist" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is there but is no prepared set"):
        prepare("mnist", str(tmp_path))
    assert (folder / "mine.txt").read_text() == "mine"
