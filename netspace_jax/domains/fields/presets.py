"""Presets of networks that hold fields. `python train.py NAME` runs one; any field can be changed by a flag."""

import dataclasses

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig


def chairs() -> RunConfig:
    """1,024 procedural chairs, each in a SIREN of 64 hidden units, and a space of them.

    `python train.py chairs`: generated against its SIREN: within 0.01 0.906 ± 0.002, IoU 0.921 ± 0.002, refined 0.936 ±
    0.001, IoU 0.951 ± 0.001 (mean of 5 seeds of NetSpace, one of the zoo).
    """
    zoo = FieldZooConfig(
        dataset="chairs",
        architectures=("siren-64-64-w20",),
        members=(1024,),
        validation=32,
        test=32,
        stops="end",
        steps=12_000,
        batch=256,
        points=65_536,
        learning_rate=1e-3,
        schedule="cosine",
    )
    netspace = FieldNetSpaceConfig(
        prep=(64, 72),
        probes=1024,
        hidden=1024,
        rank=32,
        noise=0.0,
        center="network",
        initial_scale=0.03,
        networks=64,
        batch=128,
        steps=15_000,
        error="absolute",
        select="agreement",
    )
    refine = RefineConfig(steps=1000, batch=2048)
    return RunConfig("chairs", "fields", zoo, netspace, refine)


def meshes() -> RunConfig:
    """The shapes of a folder of meshes.

    `python train.py meshes --dataset FOLDER`: not measured in this version.
    """
    return _shapes_of_files("meshes")


def deepsdf() -> RunConfig:
    """The shapes of a folder of DeepSDF's .npz files: `python train.py deepsdf --dataset FOLDER`. Not measured yet."""
    return _shapes_of_files("deepsdf")


def _shapes_of_files(name: str) -> RunConfig:
    base = chairs()
    zoo = dataclasses.replace(base.zoo, dataset="", members=(10_000,), validation=1 / 8, test=1 / 8)
    return dataclasses.replace(base, name=name, zoo=zoo)


def pictures() -> RunConfig:
    """scikit-learn's 1,797 digits, each in a SIREN of its own (2→32→32→1, ω 30, own starts), and a space of them.

    `python train.py pictures`: 0.6 minutes on two CPU cores; PSNR of members 95.3, encoder alone 25.7, refined 29.8,
    class from the embedding 0.970, from pixels 0.960, from weights 0.117 (mean of 1 seed).
    """
    zoo = FieldZooConfig(
        dataset="digits",
        kind="pictures",
        architectures=("siren-32-32-w30",),
        members=(1_000_000,),
        stops="end",
        steps=150,
        batch=64,
        learning_rate=2e-3,
        schedule="cosine",
    )
    netspace = FieldNetSpaceConfig(
        prep=(32, 40),
        embedding=32,
        probes=64,
        noise=0.0,
        center="network",
        initial_scale=0.1,
        networks=64,
        batch=64,
        steps=6000,
        select="agreement",
    )
    refine = RefineConfig(steps=300, learning_rate=0.05, batch=64)
    return RunConfig("pictures", "fields", zoo, netspace, refine)


def fashion_pictures() -> RunConfig:
    """The images of a set, each in a SIREN of its own: Fashion-MNIST once prepared, or `--dataset FILE.npz` of yours.

    `python train.py fashion-pictures`: 2.1 minutes on two CPU cores; PSNR of members 39.9, encoder alone 21.9, refined
    25.0, class from the embedding 0.851, from pixels 0.853, from weights 0.108 (mean of 1 seed).
    """
    base = pictures()
    zoo = dataclasses.replace(base.zoo, dataset="fashion_mnist", batch=392, steps=200, learning_rate=3e-3)
    netspace = dataclasses.replace(base.netspace, embedding=256, hidden=1024, skip=True, probes=784, batch=256)
    refine = dataclasses.replace(base.refine, steps=200, batch=256)
    return RunConfig("fashion-pictures", "fields", zoo, netspace, refine)


def pictures_large() -> RunConfig:
    """The sizes of the literature: 55,000 / 5,000 / 10,000 networks of Fashion-MNIST, or of MNIST by `--dataset mnist`.

    `python train.py pictures-large`, after `python -m netspace_jax.data.prepare fashion_mnist`: not measured in this
    version.
    """
    base = fashion_pictures()
    zoo = dataclasses.replace(base.zoo, held_pictures=5000)
    netspace = dataclasses.replace(base.netspace, steps=20_000)
    return RunConfig("pictures-large", "fields", zoo, netspace, base.refine)


def signals() -> RunConfig:
    """3,000 sines a·sin(b·x), a and b uniform in (0, 10), each in a SIREN of its own, and a space of them.

    The procedural benchmark of Navon et al. 2023 (arXiv 2301.12780).

    `python train.py signals`: amplitude and frequency by linear regression: mean squared error 0.298, from weights 16.6
    (mean of 1 seed).
    """
    base = pictures()
    zoo = dataclasses.replace(
        base.zoo,
        dataset="sines",
        kind="signals",
        members=(3000,),
        validation=250,
        test=250,
        steps=500,
        batch=256,
        learning_rate=3e-3,
    )
    netspace = dataclasses.replace(base.netspace, embedding=512, probes=256, batch=128)
    refine = dataclasses.replace(base.refine, batch=256)
    return RunConfig("signals", "fields", zoo, netspace, refine)


def series() -> RunConfig:
    """Series of sensors, each in a SIREN of its own: a day of Italy's demand for power in 24 values, 1,096 days.

    `pip install --no-deps aeon` ships them; `--dataset FOLDER` takes a set of the UCR archive.

    `python train.py series`: class from the embedding 0.984, from the values 0.977, a gap filled: error 0.133, by a
    straight line 0.620 (mean of 1 seed).
    """
    base = signals()
    zoo = dataclasses.replace(
        base.zoo,
        dataset="aeon:ItalyPowerDemand",
        members=(100_000,),
        validation=128,
        test=128,
        batch=24,
        redraw_splits=True,
    )
    netspace = dataclasses.replace(base.netspace, embedding=64, probes=64, batch=24)
    return RunConfig("series", "fields", zoo, netspace, dataclasses.replace(base.refine, batch=24))


PRESETS = {
    "chairs": chairs,
    "meshes": meshes,
    "deepsdf": deepsdf,
    "pictures": pictures,
    "fashion-pictures": fashion_pictures,
    "pictures-large": pictures_large,
    "signals": signals,
    "series": series,
}
