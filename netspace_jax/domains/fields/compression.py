"""Compression: bits of an embedding and a decoder that all pictures share, against JPEG at the same PSNR."""

import io

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.ticker import NullFormatter
from PIL import Image

from netspace_jax.domains.fields.dataset import FieldData, PictureTruth
from netspace_jax.domains.fields.members import true_values
from netspace_jax.domains.fields.pictures import psnr
from netspace_jax.metrics.outputs import outputs_of
from netspace_jax.report import Section, figures
from netspace_jax.report.words import relation
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many

BITS = (2, 3, 4, 5, 6, 8)  # of one value of an embedding
QUALITIES = (2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
REACH = 4.0  # standard deviations that the steps of a rounded value cover, to each side
PICTURES = 256


def compression(run: Run[FieldData[PictureTruth]]) -> Section:
    """Bits for a picture: rounded embeddings and their shared decoder, against JPEG at the same PSNR."""
    data, space, members = run.dataset, run.space, run.networks(0, "test").indices[:PICTURES]
    pixels, statistics = true_values(run, "test")[:PICTURES], space.statistics
    decoder = sum(leaf.size for leaf in jax.tree.leaves(space.params["decoder"]))
    shared = 32 * decoder / data.items

    def level(embeddings, bits: int) -> float:
        u = rounded(np.asarray(statistics.standardise(jnp.asarray(embeddings))), bits)
        networks = generate_many(space, 0, statistics.restore(jnp.asarray(u)))
        return float(psnr(outputs_of(data, space.architectures[0], networks, members), pixels).mean())

    embeddings = {"encoder": run.reconstruction(0, "test").embedding, "refined": run.refined(0).embedding}
    curves = {
        f"embedding ({name})": np.array([(bits * z.shape[1], level(z[:PICTURES], bits)) for bits in BITS])
        for name, z in embeddings.items()
    }
    whole, scans = jpeg(np.rint(255 * data.truth.images(pixels)).astype(np.uint8))
    curves |= {"JPEG file": whole, "JPEG without its headers": scans}
    rows = [
        (name, f"{bits:.0f}", f"{decibels:.1f}")
        for name, points in curves.items()
        for bits, decibels in points[:: 3 if name.startswith("JPEG") else 1]  # all of them are in the figure
    ]
    best = curves["embedding (refined)"][BITS.index(6)]
    metrics = {
        "compression/decoder_bits": float(shared),
        "compression/bits": float(best[0]),
        "compression/psnr": float(best[1]),
        "compression/jpeg_bits": at_level(whole, best[1]),
        "compression/jpeg_scan_bits": at_level(scans, best[1]),
    }
    text = (
        f"Of {len(pixels)} test pictures. A refined embedding rounded to 6 bits a value takes {best[0]:.0f} bits for "
        f"{best[1]:.1f} dB; JPEG takes {_bits(metrics['compression/jpeg_bits'])} at that PSNR, and "
        f"{_bits(metrics['compression/jpeg_scan_bits'])} if its headers and tables, nearly the same for all, are not "
        f"counted. The decoder, {decoder} values of 32 bits, is not counted either: shared by the {data.items} "
        f"pictures of this set it takes {shared:.0f} bits more for each. With its share the refined embedding's "
        f"number of bits, beside JPEG's whole file, is "
        f"{relation(float(best[0]) + shared, metrics['compression/jpeg_bits'], digits=0, unit=' bits')}."
    )
    return Section(
        "compression", "Bits for a picture", text, metrics, _figure(curves), (("kept as", "bits", "PSNR"), *rows)
    )


def rounded(u: Float[np.ndarray, "network embedding"], bits: int) -> Float[np.ndarray, "network embedding"]:
    """Standardised embeddings of which each value is one of 2^bits, the middles of equal steps from -4 to 4."""
    step = 2 * REACH / 2**bits
    place = np.clip(np.floor((u + REACH) / step), 0, 2**bits - 1)
    return (place + 0.5) * step - REACH


def jpeg(pictures: np.ndarray) -> tuple[Float[np.ndarray, "quality 2"], Float[np.ndarray, "quality 2"]]:
    """Mean bits and PSNR over pictures at each quality: of whole files, and of what follows the headers."""
    whole, scans = [], []
    for quality in QUALITIES:
        sizes, levels = [], []
        for picture in pictures:
            file = io.BytesIO()
            image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
            image.save(file, "JPEG", quality=quality, optimize=True)
            written = file.getvalue()
            # The scan begins after the segment that FF DA opens, whose length stands in its first two bytes.
            scan = written.rindex(b"\xff\xda")
            header = scan + 2 + int.from_bytes(written[scan + 2 : scan + 4], "big")
            sizes.append((8 * len(written), 8 * (len(written) - header)))
            back = np.asarray(Image.open(io.BytesIO(written))).reshape(picture.shape)
            levels.append(psnr((back[None] / 127.5).reshape(1, -1, 1), (picture[None] / 127.5).reshape(1, -1, 1))[0])
        files, bodies = np.mean(sizes, 0)
        whole.append((files, np.mean(levels)))
        scans.append((bodies, np.mean(levels)))
    return np.array(whole), np.array(scans)


def at_level(points: Float[np.ndarray, "n 2"], level: float) -> float:
    """Bits at a PSNR, between those measured; NaN beyond them."""
    order = np.argsort(points[:, 1])
    return float(np.interp(level, points[order, 1], points[order, 0], left=np.nan, right=np.nan))


def _bits(value: float) -> str:
    return f"{value:.0f} bits" if np.isfinite(value) else "no number of bits that was measured"


def _figure(curves: dict[str, np.ndarray]):
    figure, ax = figures.plt.subplots(figsize=(6, 3.8))
    for (name, points), (colour, marker) in zip(curves.items(), figures.styles(len(curves)), strict=True):
        ax.plot(points[:, 0], points[:, 1], marker=marker, color=colour, ms=4, lw=1.4, label=name)
    ax.set(xlabel="bits for a picture, the decoder not counted", ylabel="PSNR (dB)", xscale="log")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()
    return figure
