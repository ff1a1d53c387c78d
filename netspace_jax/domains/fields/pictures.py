"""Sections of a report about networks that hold pictures: how well, what lies between two, and new ones."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from skimage.transform import resize
from sklearn.neighbors import NearestNeighbors

from netspace_jax.domains.fields.dataset import FieldData, PictureTruth
from netspace_jax.domains.fields.gallery import gallery
from netspace_jax.domains.fields.images import pixel_centres
from netspace_jax.domains.fields.members import (
    LABELS,
    decoded_values,
    true_values,
    unseen_networks,
    unseen_values,
    values_on,
)
from netspace_jax.latent import line
from netspace_jax.memory import refuse_beyond
from netspace_jax.ops.mapping import Rows
from netspace_jax.report import Section
from netspace_jax.report.words import difference, relation
from netspace_jax.rules import Count
from netspace_jax.runs import Run

PEAK = 2.0  # values of pixels go from -1 to 1
SHOWN = 12  # pictures side by side
PAIRS, STEPS = 3, 9  # walks, and pictures of each
MEASURED = 64  # pairs whose middles are measured
_SMALLEST = 1e-15  # mean squared error of what is exact in float32


def psnr(values: Float[Rows, "picture n c"], truth: Float[Rows, "picture n c"]) -> Float[np.ndarray, "picture"]:
    """Peak signal-to-noise ratio of each picture in dB, of pixels from -1 to 1."""
    error = np.square(np.asarray(values, np.float64) - np.asarray(truth)).mean((1, 2))
    return 10 * np.log10(PEAK**2 / np.maximum(error, _SMALLEST))


def pictures(run: Run[FieldData[PictureTruth]]) -> Section:
    """Pictures never seen: each network, the one generated from it and the refined one, against the picture."""
    truth, pixels, values = run.dataset.truth, true_values(run, "test"), unseen_values(run)
    levels = {name: psnr(outputs, pixels) for name, outputs in values.items()}
    metrics = {f"pictures/psnr_{name}": float(level.mean()) for name, level in levels.items()}
    metrics |= {
        "pictures/psnr_members_min": float(levels["members"].min()),
        "pictures/psnr_generated_median": float(np.median(levels["generated"])),
        "pictures/values_per_picture": float(pixels[0].size),
    }
    rows = [
        (LABELS[name], *(f"{value:.1f}" for value in (level.mean(), *np.quantile(level, (0.05, 0.5, 0.95)))))
        for name, level in levels.items()
    ]
    figure = gallery([truth.images(row[:SHOWN]) for row in (pixels, *values.values())], ["picture", *LABELS.values()])
    text = (
        f"Networks of {len(pixels)} pictures that NetSpace never saw; an embedding has {run.config.netspace.embedding} "
        f"values, a picture {pixels[0].size}, a network {run.space.architectures[0].size}. PSNR is in dB against the "
        f"picture. Beside the networks' own that of what encoder and decoder generate is "
        f"{decibel(levels['generated'], levels['members'])}; refinement makes it "
        f"{decibel(levels['refined'], levels['generated'])}."
    )
    header = ("pictures", "PSNR, mean", "5 %", "median", "95 %")
    return Section("pictures", "Pictures that were never seen", text, metrics, figure, (header, *rows))


def decibel(values: Float[np.ndarray, "picture"], others: Float[np.ndarray, "picture"]) -> str:
    """The difference of PSNR from another of the same pictures, in words."""
    return difference(values, others, digits=1, unit=" dB")


def walk(run: Run[FieldData[PictureTruth]]) -> Section:
    """From one picture to another: through embeddings, through weights, and by fading one picture into the other."""
    truth, flats = run.dataset.truth, run.networks(0, "test").parameters
    z, pixels = run.reconstruction(0, "test").embedding, true_values(run, "test")
    count = min(MEASURED, len(z) // 2)
    points = run.dataset.train[0].points[0][: pixels.shape[1]]
    first, second = slice(0, 2 * count, 2), slice(1, 2 * count, 2)
    middles = {
        "embeddings": decoded_values(run, (z[first] + z[second]) / 2, points),
        "weights": values_on(run, (flats[first] + flats[second]) / 2, points),
        "fading": (pixels[first] + pixels[second]) / 2,
    }
    training = true_values(run, "train")
    near = {name: nearest_psnr(values, training) for name, values in middles.items()}
    metrics = {f"walk/{name}_nearest_psnr": float(levels.mean()) for name, levels in near.items()}
    metrics["walk/pictures_nearest_psnr"] = float(nearest_psnr(pixels[: 2 * count], training).mean())
    grids, labels = [], []
    for pair in range(min(PAIRS, count)):
        a, b = 2 * pair, 2 * pair + 1
        grids += [
            truth.images(decoded_values(run, line(z[a], z[b], STEPS), points)),
            truth.images(values_on(run, line(flats[a], flats[b], STEPS), points)),
        ]
        labels += ["embeddings", "weights"]
    figure = gallery(grids, labels, [f"{i / (STEPS - 1):.0%}" for i in range(STEPS)])
    text = (
        f"Half way between {count} pairs of test pictures, PSNR to the training picture that is most like it: "
        f"{metrics['walk/embeddings_nearest_psnr']:.1f} dB by embeddings, {metrics['walk/weights_nearest_psnr']:.1f} "
        f"by weights, {metrics['walk/fading_nearest_psnr']:.1f} by fading the pictures; test pictures themselves have "
        f"{metrics['walk/pictures_nearest_psnr']:.1f}. Beside weights it is by embeddings "
        f"{decibel(near['embeddings'], near['weights'])}, beside fading {decibel(near['embeddings'], near['fading'])}."
    )
    return Section("walk", "From one picture to another", text, metrics, figure)


def samples(run: Run[FieldData[PictureTruth]]) -> Section:
    """New pictures: networks drawn from a density over the embeddings, and the training pictures most like them."""
    truth, training = run.dataset.truth, true_values(run, "train")
    points = run.dataset.train[0].points[0][: training.shape[1]]
    networks = run.space.sample(4 * SHOWN)
    values = values_on(run, jnp.stack([network.flat for network in networks]), points)
    rows = nearest_rows(values, training)[:, 0]
    metrics = {
        "samples/nearest_psnr": float(psnr(values, training[rows]).mean()),
        "samples/test_nearest_psnr": float(nearest_psnr(true_values(run, "test"), training).mean()),
        "samples/different_nearest": float(len(np.unique(rows)) / len(rows)),
    }
    drawn = [truth.images(values[:SHOWN]), truth.images(training[rows[:SHOWN]])]
    text = (
        f"{len(values)} networks drawn. PSNR to the training picture most like each is "
        f"{metrics['samples/nearest_psnr']:.1f} dB (the higher, the nearer to a copy); beside test pictures, which "
        f"have {metrics['samples/test_nearest_psnr']:.1f}, it is "
        f"{relation(metrics['samples/nearest_psnr'], metrics['samples/test_nearest_psnr'], digits=1, unit=' dB')}. "
        f"{len(np.unique(rows))} different training pictures are nearest to the {len(rows)} drawn."
    )
    return Section("samples", "New pictures", text, metrics, gallery(drawn, ["drawn", "nearest in training"]))


@dataclasses.dataclass(frozen=True)
class SuperOptions:
    """At how many more coordinates a network is asked."""

    times: Count = 4
    """Coordinates along each side for one pixel."""


def super_resolution(run: Run[FieldData[PictureTruth]], options: SuperOptions) -> Section:
    """Networks asked between their pixels, beside bicubic interpolation of the picture."""
    truth, times = run.dataset.truth, options.times
    size = tuple(times * side for side in truth.size)
    refuse_beyond(8 * size[0] * size[1], "so many coordinates", "lower --times")
    points = pixel_centres(*size)
    pixels = truth.images(true_values(run, "test")[:SHOWN])
    bicubic = np.stack([np.clip(np.asarray(resize(picture, size, order=3)), 0, 1) for picture in pixels])
    finer = {
        name: np.clip(values_on(run, flats[:SHOWN], points) / 2 + 0.5, 0, 1)
        for name, flats in unseen_networks(run).items()
    }
    guess = bicubic.reshape(len(bicubic), *finer["members"].shape[1:])
    levels = {name: float(psnr(2 * values, 2 * guess).mean()) for name, values in finer.items()}
    text = (
        f"Asked at {times} times as many coordinates along each side. Nobody knows what is between pixels: bicubic "
        "interpolation is a smooth guess. PSNR against it: "
        + ", ".join(f"{LABELS[name]} {level:.1f} dB" for name, level in levels.items())
        + f". Nearest to it: {LABELS[max(levels, key=lambda name: levels[name])]}."
    )
    figure = gallery(
        [bicubic, *(values.reshape(bicubic.shape) for values in finer.values())], ["bicubic", *LABELS.values()]
    )
    metrics = {f"super/{name}_against_bicubic": level for name, level in levels.items()}
    return Section("super_resolution", "Between the pixels", text, metrics, figure)


def nearest_rows(
    values: Float[Rows, "picture *features"], others: Float[Rows, "other *features"], count: int = 1
) -> Int[np.ndarray, "picture nearest"]:
    """For each row of `values` the rows of `others` with the smallest mean squared errors, the nearest first."""
    search = NearestNeighbors(n_neighbors=min(count, len(others))).fit(others.reshape(len(others), -1))
    return search.kneighbors(values.reshape(len(values), -1), return_distance=False)


def nearest_psnr(values: Float[Rows, "picture n c"], others: Float[Rows, "other n c"]) -> Float[np.ndarray, "picture"]:
    """PSNR of each picture to that one of the others that is most like it."""
    return psnr(values, others[nearest_rows(values, others)[:, 0]])
