"""A run's report: one HTML file that opens without a server or a network."""

import base64
import datetime
import html
import io
import math
import os
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from etils import epath

from netspace_jax.config import RunConfig
from netspace_jax.files import location, packaged, write_bytes, write_text
from netspace_jax.report.section import Section
from netspace_jax.space.artefact import version

STYLE = packaged("netspace_jax.report", "style.css")
"""What report and explorer look like."""


DPI = 160
"""Pixels for an inch in the files of figures."""
# Pixels for an inch in the page. Letters of 10 points are 14 pixels high then, and never less than 8: on a narrow
# screen a wide figure is scrolled.
_WIDTH, _LEAST_WIDTH = 100, 58


def filled(template: str, **values: str) -> str:
    """A template with each `__NAME__` replaced; what replaces it is not looked at again."""
    return re.sub("__(" + "|".join(values) + ")__", lambda found: values[found[1]], template)


def save_figures(sections: Sequence[Section], directory: epath.PathLike) -> dict[str, bytes]:
    """Write each section's figure as PNG, in the first process only, and close it; returns the pictures by section."""
    pictures = {section.name: _png(section.figure) for section in sections if section.figure is not None}
    for name, picture in pictures.items():
        write_bytes(location(directory) / f"{name}.png", picture)
    return pictures


def write_report(
    path: epath.PathLike,
    title: str,
    command: str,
    sections: Sequence[Section],
    pictures: Mapping[str, bytes],
    metrics: dict[str, int | float],
    *,
    notes: Sequence[str] = (),
    explorer: bool = False,
) -> None:
    """Write the report; pictures are embedded, so that the file stands alone.

    Under each heading stands what it answers, and the command that makes the section again.
    """
    folder = location(path).parent
    run = os.path.relpath(folder)
    figures = ((name, f"{value:.6g}" if math.isfinite(value) else "–") for name, value in sorted(metrics.items()))
    numbers = _table((("figure", "value"), *figures))
    contents = "".join(
        f'<li><a href="#{section.name}">{html.escape(section.question or section.title)}</a></li>'
        for section in sections
    )
    play = (
        '<p><a href="explore.html"><b>Open the explorer</b></a>: an interactive map, networks run in your browser.</p>'
    )
    text = filled(
        packaged("netspace_jax.report", "report.html"),
        TITLE=html.escape(title),
        STYLE=STYLE,
        COMMAND=html.escape(command),
        NOTES=html.escape(" · ".join(notes)),
        EXPLORER=play if explorer else "",
        CONTENTS=contents,
        BODY="\n".join(_section(section, pictures.get(section.name), run) for section in sections),
        NUMBERS=numbers,
    )
    write_text(path, text)


def _section(section: Section, picture: bytes | None, run: str) -> str:
    command = f"python eval {section.name} {run}"
    parts = [f'<section id="{section.name}"><h2>{html.escape(section.title)}</h2>']
    if section.question:
        parts.append(f'<p class="question">{html.escape(section.question)}</p>')
    parts.append(f"<p>{html.escape(section.text)}</p>")
    if section.table:
        parts.append(_table(section.table))
    if picture is not None:
        data = base64.b64encode(picture).decode()
        alt = html.escape(f"{section.title}. {section.text}", quote=True)
        inches = int.from_bytes(picture[16:20], "big") / DPI  # PNG: its width in pixels
        size = f"width:{_WIDTH * inches:.0f}px;min-width:{_LEAST_WIDTH * inches:.0f}px"
        parts.append(
            f'<div class="wide" tabindex="0" role="group" aria-label="Figure"><img alt="{alt}" style="{size}" '
            f'src="data:image/png;base64,{data}"></div>'
        )
    parts += [section.fragment, f'<p class="note">Made again by <code>{html.escape(command)}</code></p></section>']
    return "\n".join(parts)


def _png(figure: Any) -> bytes:
    import matplotlib.pyplot as plt  # it is there already, since it drew the figure

    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=DPI)
    plt.close(figure)
    return image.getvalue()


def _table(rows: Sequence[Sequence[str]]) -> str:
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    lines = line(rows[0], "th") + "".join(line(row, "td") for row in rows[1:])
    return f'<div class="wide" tabindex="0" role="group" aria-label="Table"><table>{lines}</table></div>'


def made_by(config: RunConfig) -> list[str]:
    """What a reader should know of how a report was made."""
    devices = jax.devices()
    return [
        f"{datetime.date.today().isoformat()}",
        f"netspace_jax {version()}, JAX {jax.__version__}, Python {platform.python_version()}",
        f"{len(devices)} × {devices[0].device_kind}, {os.cpu_count()} cores of {platform.machine()}",
        f"seeds {config.zoo.seed} (zoo) and {config.netspace.seed} (space)",
        "all settings: config.json",
    ]
