"""DeepSDF's files: what is read, what is dropped, what is refused."""

import io
import zipfile

import numpy as np
import pytest

from netspace_jax.domains.fields import deepsdf
from netspace_jax.errors import InputError


def table(sign, count=150, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-1, 1, (count, 3)), sign * rng.uniform(0.001, 1, count)]).astype(np.float32)


def test_rows_that_are_not_finite_are_dropped(tmp_path):
    outside, inside = table(1), table(-1, seed=1)
    broken = outside.copy()
    broken[[3, 70], [0, 3]] = np.nan
    broken[9, 1] = np.inf
    np.savez(tmp_path / "a.npz", pos=broken, neg=inside)
    pos, neg = deepsdf.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(pos, np.delete(outside, [3, 9, 70], axis=0))
    np.testing.assert_array_equal(neg, inside)
    assert pos.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pos": table(1)}, "no array 'neg' .it holds pos.*DeepSDF"),
        ({"points": table(1)}, "no array 'pos' .it holds points"),
        ({"pos": table(1)[:, :3], "neg": table(-1)}, r"'pos' is float32\[150, 3\]"),
        ({"pos": table(1), "neg": np.zeros((150, 4), int)}, "'neg' is int64"),
        ({"pos": table(1), "neg": table(-1, 20)}, "'neg' has 20 finite rows"),
        ({"pos": np.full((150, 4), np.nan), "neg": table(-1)}, "'pos' has 0 finite rows"),
        ({"pos": table(-1), "neg": table(1)}, "150 of 150 distances in 'pos' are negative"),
        ({"pos": np.array([{}], dtype=object), "neg": table(-1)}, "pos holds Python objects"),
    ],
)
def test_unfit_files_are_refused_in_one_line(tmp_path, arrays, message):
    path = tmp_path / "chair.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as error:
        deepsdf.read(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"no archive at all"])
def test_files_that_are_no_archive(tmp_path, content):
    path = tmp_path / "chair.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an .npz, or cut short; give files made by DeepSDF"):
        deepsdf.read(path)


def test_a_truncated_archive(tmp_path):
    path = tmp_path / "chair.npz"
    np.savez(path, pos=table(1), neg=table(-1))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="not an .npz, or cut short; give files made by DeepSDF"):
        deepsdf.read(path)


def test_a_damaged_member(tmp_path):
    path = tmp_path / "chair.npz"
    np.savez_compressed(path, pos=table(1), neg=table(-1))
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(InputError, match="chair.npz"):
        deepsdf.read(path)


def test_a_single_array_instead_of_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", table(1))
    path = (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(InputError, match="not an .npz, or cut short; give files made by DeepSDF"):
        deepsdf.read(path)


def archive_of(path, **members):
    """An archive of members as they are given, in bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy(array, header=None):
    """The bytes of an .npy file, with another header of the same length if one is given."""
    file = io.BytesIO()
    np.save(file, array)
    content = file.getvalue()
    size = 10 + int.from_bytes(content[8:10], "little")
    return content if header is None else content[:10] + header.encode().ljust(size - 11) + b"\n" + content[size:]


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (150, 4), ",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (150, 4)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1(50, 4), }",
        "{'descr': '<q9', 'fortran_order': False, 'shape': (150, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-150, 4), }",
        "{'descr': '<f4', 1: False, 'shape': (150, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000000000000000, 4), }",
        "(" * 100,
        "\x00\x01",
    ],
)
def test_damaged_headers_and_arrays_that_no_memory_holds(tmp_path, header):
    path = tmp_path / "chair.npz"
    archive_of(path, pos=npy(table(1), header), neg=npy(table(-1)))
    with pytest.raises(InputError, match="chair.npz: pos cannot be read") as error:
        deepsdf.read(path)
    assert "\n" not in str(error.value)


def test_a_member_without_a_header(tmp_path):
    path = tmp_path / "chair.npz"
    archive_of(path, pos=b"no array", neg=npy(table(-1)))
    with pytest.raises(InputError, match="chair.npz: pos is not a NumPy array"):
        deepsdf.read(path)


@pytest.mark.parametrize("column", [0, 3])
def test_rows_beyond_float32_are_refused(tmp_path, column):
    path, far = tmp_path / "chair.npz", table(1).astype(np.float64)
    far[[5, 8], column] = 1e39
    np.savez(path, pos=far, neg=table(-1))
    with pytest.raises(InputError, match="chair.npz: 2 of 150 rows of 'pos' are too large for float32"):
        deepsdf.read(path)
