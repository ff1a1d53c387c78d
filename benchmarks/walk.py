"""The animated picture of README: walks between networks that hold pictures, by embeddings and by weights.

python train.py pictures
python benchmarks/walk.py runs/pictures docs/images/walk.gif
"""

import itertools
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import netspace_jax
from netspace_jax.domains.fields.members import items_of
from netspace_jax.latent import line
from netspace_jax.metrics.outputs import outputs_on
from netspace_jax.space.batched import generate_many

COLUMNS, FRAMES, HOLD, SIDE, GAP, LEFT = 6, 18, 5, 72, 8, 168


def main(run_path: str, out: str, zoos: str = "zoos") -> None:
    """Write the walks between the first test members of consecutive classes, there and back."""
    run = netspace_jax.open_run(run_path, zoos)
    truth, networks = run.dataset.truth, run.networks(0, "test")
    classes = np.asarray(truth.classes)[items_of(run, "test")]
    first = [int(np.flatnonzero(classes == which)[0]) for which in range(COLUMNS + 1)]
    z, architecture = run.reconstruction(0, "test").embedding, run.space.architectures[0]
    points = run.dataset.train[0].points[0][: int(np.prod(truth.size))]

    def pictures(flats):
        return truth.images(outputs_on(architecture, flats, points))[..., 0]

    rows = []
    for way in ("embeddings", "weights"):
        columns = []
        for a, b in itertools.pairwise(first):
            if way == "embeddings":
                columns.append(pictures(generate_many(run.space, 0, np.asarray(line(z[a], z[b], FRAMES)))))
            else:
                columns.append(pictures(np.asarray(line(networks.parameters[a], networks.parameters[b], FRAMES))))
        rows.append(columns)
    order = [*[0] * HOLD, *range(FRAMES), *[FRAMES - 1] * HOLD, *range(FRAMES - 2, 0, -1)]
    frames = [_frame([[column[step] for column in columns] for columns in rows]) for step in order]
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=80, loop=0, optimize=True)
    print(f"{out}: {Path(out).stat().st_size / 1e3:.0f} kB")


def _frame(rows: list[list[np.ndarray]]) -> Image.Image:
    size = (LEFT + COLUMNS * (SIDE + GAP), len(rows) * (SIDE + GAP) + GAP)
    frame, font = Image.new("L", size, 255), ImageFont.load_default(15)
    pen = ImageDraw.Draw(frame)
    for row, (label, pictures) in enumerate(zip(("through embeddings", "through weights"), rows, strict=True)):
        y = GAP + row * (SIDE + GAP)
        pen.text((GAP, y + SIDE // 2 - 8), label, fill=0, font=font)
        for column, picture in enumerate(pictures):
            levels = Image.fromarray(np.round(picture * 15).astype(np.uint8) * 17)  # sixteen greys keep the file small
            frame.paste(levels.resize((SIDE, SIDE), Image.Resampling.NEAREST), (LEFT + column * (SIDE + GAP), y))
    return frame.quantize(16)


if __name__ == "__main__":
    main(*sys.argv[1:])
