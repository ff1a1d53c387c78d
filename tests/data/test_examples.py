"""Examples of one task out of a file: read by any of its usual names, or refused in one line."""

import numpy as np
import pytest

from netspace_jax.data.examples import read_examples
from netspace_jax.errors import InputError

X, Y = np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.array([1, 0])


@pytest.mark.parametrize("names", [("x", "y"), ("inputs", "targets"), ("images", "labels")])
def test_a_channel_that_is_not_there_is_added(tmp_path, names):
    np.savez(tmp_path / "few.npz", **dict(zip(names, (X, Y), strict=True)))
    inputs, targets = read_examples(tmp_path / "few.npz", (3, 4, 1))
    np.testing.assert_array_equal(inputs[..., 0], X)
    np.testing.assert_array_equal(targets, Y)
    assert read_examples(tmp_path / "few.npz", (3, 4))[0].shape == X.shape


def test_files_that_hold_none(tmp_path):
    with pytest.raises(InputError, match="no such file; examples are a .npz with arrays x and y"):
        read_examples(tmp_path / "few.npz", (3, 4))
    np.savez(tmp_path / "few.npz", x=X, z=Y)
    with pytest.raises(InputError, match="holds x, z; examples are arrays x and y"):
        read_examples(tmp_path / "few.npz", (3, 4))
    (tmp_path / "text.npz").write_text("1,2")
    with pytest.raises(InputError, match="not an .npz"):
        read_examples(tmp_path / "text.npz", (3, 4))
