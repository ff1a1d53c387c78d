"""The reference's own figures, and the parameters and inputs they were computed from.

`data_files/parity.json` lists, for each key, a seed and the parameters in the reference's names, layouts and order;
`data_files/parity.npz` holds what the reference computed with them. Parameters are drawn again here.
"""

import json
import math
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data_files"
INDEX = json.loads((DATA / "parity.json").read_text())
TOLERANCE = 1e-5
STRIDE = 997  # parity.npz keeps every 997th value of long vectors, from the first


def reference_parameters(key: str) -> dict[str, np.ndarray]:
    """Float32 parameters by reference name, in the reference's order.

    Args:
      key: a key of parity.json; of the autoencoders with the half, as in `autoencoder_single/encoder`.
    """
    name, _, half = key.rpartition("/") if key.startswith("autoencoder") else (key, "", "")
    entry = INDEX[name]
    listed, seed = (entry[f"{half}_params"], entry[f"{half}_seed"]) if half else (entry["params"], entry["seed"])
    random = np.random.RandomState(seed)
    batch_norms = {name.removesuffix(".running_var") for name, _ in listed if name.endswith(".running_var")}
    parameters = {}
    for parameter, shape in listed:
        values = random.standard_normal(shape).astype(np.float32)
        if parameter.endswith("running_var"):
            values = np.abs(values) + np.float32(0.5)
        elif len(shape) > 1:
            values = values / np.float32(np.sqrt(math.prod(shape[1:])))
        else:
            values = np.float32(0.1) * values
        if parameter.endswith(".weight") and parameter.removesuffix(".weight") in batch_norms:
            values = values + np.float32(1.0)
        parameters[parameter] = values * np.float32(entry.get("scale_after", 1.0))
    return parameters


def images(height: int, width: int) -> np.ndarray:
    """The reference's four input images as [4, height, width, 3] (it holds them channel first)."""
    drawn = np.random.RandomState(7).standard_normal((4, 3, height, width)).astype(np.float32)
    return drawn.transpose(0, 2, 3, 1)


def points() -> np.ndarray:
    """The 64 points in [-1, 1]^3 at which the reference's SIREN was evaluated."""
    return np.random.RandomState(8).uniform(-1, 1, (64, 3)).astype(np.float32)


def distillation_logits() -> tuple[np.ndarray, np.ndarray]:
    """Teacher's and student's logits, [16, 10] each, of the key `kd/loss`."""
    teacher, student = (3 * np.random.RandomState(seed).standard_normal((16, 10)) for seed in (9, 10))
    return teacher.astype(np.float32), student.astype(np.float32)


def preps(height: int, width: int) -> np.ndarray:
    """The two PReps [2, height, width] that the reference's autoencoders were given."""
    return np.random.RandomState(33).standard_normal((2, 1, height, width)).astype(np.float32)[:, 0]


def figures(key: str) -> np.ndarray:
    """What the reference computed: one array of parity.npz."""
    with np.load(DATA / "parity.npz", allow_pickle=False) as stored:
        return stored[key]


def difference(ours: np.ndarray, key: str) -> float:
    """Largest difference from the reference's array `key`, over its largest value."""
    theirs = figures(key)
    ours = np.asarray(ours)
    assert ours.shape == theirs.shape, f"{key}: ours has shape {ours.shape}, the reference's {theirs.shape}"
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
