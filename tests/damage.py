"""Damage by seed: something in a copy of a finished tiny run is damaged, a command runs on it, and the contract holds.

The contract: exit status 0, 1 or 2; at most one line of error; no traceback; nothing of the user's changed; what ends
well says what it says of the undamaged; and what was refused, once repaired, ends well.

Thousands of cases: tests/fuzz.py.
"""

import contextlib
import importlib.util
import io
import json
import logging
import os
import random
import re
import shutil
import tempfile
import traceback
from pathlib import Path

import numpy as np

from netspace_jax import cli, load
from netspace_jax.cli import progress
from netspace_jax.data.images import load_images
from netspace_jax.domains.fields import deepsdf, meshes
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_network
from netspace_jax.files import BESIDE
from netspace_jax.jobs import Callbacks
from tests import tiny

SIZES = {
    "zoo": {
        "architectures": tiny.perceptron().name,
        "members": 12,
        "steps": 10,
        "chunk": 4,
        "validation": 2,
        "test": 3,
    },
    "netspace": {"networks": 4, "batch": 16, "hidden": 16, "embedding": 4, "probes": 8, "steps": 20, "rank": 0}
    | {"prep": "16 16", "corrections": 0, "validations": 2, "log-every": 5},
    "refine": {"steps": 0},
}
FLAGS = [
    word
    for part, sizes in SIZES.items()
    for name, size in sizes.items()
    for word in (f"--{part}.{name}", *str(size).split())
] + ["--no-explorer"]
TRAIN, HALF = ("train", *FLAGS), ("train", *FLAGS, "--out", "runs/half")


class Stop(Exception):
    """Ends a training in its middle."""


def prepare(place):
    """A finished run with its zoo, one that was interrupted, an export, and files of others."""
    with _inside(place):
        assert _command(TRAIN)[0] == 0

        def stop(step, steps, loss):
            if step > 10:
                raise Stop

        shown, progress.bars = progress.bars, lambda: contextlib.nullcontext(Callbacks(netspace=stop))
        with contextlib.suppress(Stop), contextlib.redirect_stderr(io.StringIO()):
            cli.train(list(HALF[1:]))
        progress.bars = shown
        assert _command(("eval", "export", "runs/digits", "--out", "exported"))[0] == 0
        random_ = np.random.default_rng(0)
        x, y = random_.integers(0, 256, (60, 4, 4), np.uint8), np.arange(60, dtype=np.int32) % 3
        np.savez_compressed("mine.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
        rows = random_.uniform(0, 1, (120, 4)).astype(np.float32)
        np.savez("shape.npz", pos=rows, neg=rows * [1, 1, 1, -1])
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
        cube = meshes.trimesh.Trimesh(corners).convex_hull
        for suffix in meshes.SUFFIXES:
            cube.export(f"cube{suffix}")


# Reader: the part of the place that is damaged, and what is done with it; all of it in a copy of the place.


def _network(path):
    return lambda: np.asarray(load_network(path(), load("runs/digits").architectures[0]))


def _exported(name):
    return _network(lambda: next(Path("exported").glob(f"*/{name}")))


def _space():
    space = load("runs/digits")
    return np.concatenate([np.asarray(space.decode(z).flat) for z in space.embeddings["perceptron3"][:1]])


def _mesh(suffix):
    return lambda: (meshes.load_mesh(Path(f"cube{suffix}")), None)[1]


def _images():
    found = load_images("mine.npz")
    return np.concatenate([part.x.ravel() for part in (found.train, found.validation, found.test)])


READERS = {
    "space": ("runs/digits/space", _space),
    "safetensors": ("exported", _exported("network.safetensors")),
    "torch": ("exported", _exported("network.pt")),
    "orbax": ("exported", _exported("orbax")),
    "images": ("mine.npz", _images),
    "deepsdf": ("shape.npz", lambda: np.concatenate(deepsdf.read(Path("shape.npz")))),
    **{f"mesh{suffix}": (f"cube{suffix}", _mesh(suffix)) for suffix in meshes.SUFFIXES},
}
COMMANDS = {
    "show": ("zoos", lambda: ("zoo", "show", os.fspath(next(Path("zoos").iterdir(), Path("zoos/none"))))),
    "zoo": ("zoos", lambda: TRAIN),
    "run": ("runs/digits", lambda: TRAIN),
    "half": ("runs/half", lambda: HALF),
    "eval": ("runs/digits", lambda: ("eval", "prep", "runs/digits")),
}
if importlib.util.find_spec("torch") is None:
    del READERS["torch"]
KINDS = [*READERS, "show"] * 4 + ["show", "show", "eval", "run", "half", "zoo"]  # seldom what takes seconds


def case(seed, pristine, known):
    """Outcome of one case; raises AssertionError where the contract is broken.

    Args:
      known: what undamaged things give, by kind, which is filled here.
    """
    rng = random.Random(seed)
    kind = rng.choice(KINDS)
    part = (READERS.get(kind) or COMMANDS[kind])[0]
    act = _reading if kind in READERS else _commanding
    if kind not in known:
        with _copied(pristine) as place, _inside(place):
            known[kind] = act(kind)
            assert known[kind][0] == 0, (kind, known[kind])
    with _copied(pristine) as place, _inside(place):
        (place / "notes.txt").write_text("mine")
        names = [_damage(rng, place / part) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        before = _content(place)
        status, result, error = act(kind)
        after = _content(place)
        said = f"seed {seed}, {kind}, {names}: status {status}, {error[-2000:]}"
        assert status in (0, 1, 2), said
        assert "Traceback" not in error and _errors(error) <= 1, said
        assert (place / "notes.txt").read_text() == "mine", said
        if status:
            assert _errors(error) == 1, said
            changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
            assert not changed, f"{said}; changed {changed}"
            assert "delete" not in error, said
            if kind in COMMANDS:  # nothing but the damage was in its way
                shutil.rmtree(place / part)
                shutil.copytree(pristine / part, place / part)
                assert _commanding(kind)[:2] == known[kind][:2], f"{said}; not right once it is repaired"
            return f"{kind}: refused"
        same = known[kind][1] is None or kind.startswith("mesh") or np.array_equal(known[kind][1], result)
        assert same, f"{said}: other values in silence: {result} in place of {known[kind][1]}"
        return f"{kind}: right"


def _errors(text):
    """How many lines say that something is wrong."""
    return len(re.findall(r"(?:^|[\r\n])error: ", text))


def _reading(kind):
    try:
        return 0, READERS[kind][1](), ""
    except (InputError, meshes.UnusableMesh) as error:
        return 2, None, f"error: {error}\n{'Traceback' if chr(10) in str(error) else ''}"
    except StopIteration:  # the file is not there any more, which the reader's caller would say
        return 2, None, "error: missing"
    except Exception:
        return 3, None, traceback.format_exc()


def _commanding(kind):
    words = COMMANDS[kind][1]()
    status, out, error = _command(words)
    if status or words[0] != "train":
        return status, out, error
    out = Path(words[words.index("--out") + 1] if "--out" in words else "runs/digits")
    figures = json.loads((out / "metrics.json").read_text())
    return 0, str({name: value for name, value in figures.items() if "seconds" not in name}), error


def _command(words):
    """Exit status, standard output and standard error of a command, run in this process."""
    out, error = io.StringIO(), io.StringIO()
    command = {"train": cli.train, "zoo": cli.zoo, "eval": cli.evaluate}[words[0]]
    logging.getLogger().handlers.clear()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            command(list(words[1:]))
            status = 0
        except SystemExit as ended:
            status = ended.code
        except Exception:
            traceback.print_exc()
            status = 3
    return status, out.getvalue().replace(os.getcwd(), ""), error.getvalue()


def _damage(rng, target):
    """Damage something at or below a path, and say what was done to what."""
    files = sorted(path for path in [target, *target.rglob("*")] if path.is_file() and not path.is_symlink())
    if not files:
        return "nothing is left"
    path = rng.choice(files)
    data = path.read_bytes()
    ways = [
        "flip",
        "flips",
        "cut",
        "empty",
        "delete",
        "directory",
        "noise",
        "double",
        "digit",
        "deep",
        "swap",
        "parent",
    ]
    way = rng.choice(ways)
    match way:
        case "flip" | "flips":
            changed = bytearray(data)
            for _ in range(1 if way == "flip" else 20):
                if changed:
                    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            path.write_bytes(bytes(changed))
        case "cut":
            path.write_bytes(data[: rng.randrange(len(data) + 1)])
        case "empty":
            path.write_bytes(b"")
        case "delete":
            path.unlink()
        case "directory":
            path.unlink()
            path.mkdir()
        case "noise":
            path.write_bytes(rng.randbytes(rng.randrange(1, 4000)))
        case "double":
            path.write_bytes(data + data)
        case "digit":
            places = [i for i, byte in enumerate(data) if 48 <= byte < 58]
            if places:
                place = rng.choice(places)
                path.write_bytes(
                    data[:place] + rng.choice([b"7", b"-", b"nan", b"9" * 5000, b"1e400"]) + data[place + 1 :]
                )
        case "deep":
            path.write_bytes(b"[" * 100_000)
        case "swap":
            path.write_bytes(rng.choice(files).read_bytes())
        case "parent" if path.parent != target.parent:
            shutil.rmtree(path.parent)
    return f"{way} {path.name}"


def _content(place):
    """What is there, by path; what commands may write beside it does not count."""
    made = {"figures", "report.html", "metrics.json"}
    return {
        path.relative_to(place): path.read_bytes() if path.is_file() else b""
        for path in place.rglob("*")
        if path.name not in BESIDE and not made & {path.name, path.parent.name}
    }


@contextlib.contextmanager
def _copied(pristine):
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(pristine, Path(place) / "copy")
        yield Path(place) / "copy"


@contextlib.contextmanager
def _inside(place):
    before = Path.cwd()
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(before)
