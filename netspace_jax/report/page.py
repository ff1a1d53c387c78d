"""A run's report: one HTML file that opens without a server or a network."""

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from etils import epath
from matplotlib.figure import Figure

from netspace_jax.files import is_remote, location, write_bytes, write_text
from netspace_jax.report.section import Section

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
td, th { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #e4e4e4; }
code { background: #f3f3f3; padding: 0 .25rem; }
details { margin: 1.5rem 0; } .lead { color: #444; }
"""


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
) -> None:
    """Write the report; pictures are embedded, so that the file stands alone.

    Under each heading stands the command that makes the section again.
    """
    folder = location(path).parent
    run = os.fspath(folder) if is_remote(folder) else os.path.relpath(folder)
    body = "\n".join(_section(section, pictures.get(section.name), run) for section in sections)
    numbers = _table((("figure", "value"), *((name, f"{value:.6g}") for name, value in sorted(metrics.items()))))
    write_text(
        path,
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{html.escape(title)}</h1><p class="lead">Made by <code>{html.escape(command)}</code></p>
{body}
<details><summary>All figures of metrics.json</summary>{numbers}</details>
</body></html>
""",
    )


def _section(section: Section, picture: bytes | None, run: str) -> str:
    command = f"python eval {section.name} {run}"
    parts = [
        f'<h2>{html.escape(section.title)}</h2><p class="lead"><code>{html.escape(command)}</code></p>'
        f"<p>{html.escape(section.text)}</p>"
    ]
    if section.table:
        parts.append(_table(section.table))
    if picture is not None:
        data = base64.b64encode(picture).decode()
        parts.append(f'<img alt="{html.escape(section.title)}" src="data:image/png;base64,{data}">')
    parts.append(section.fragment)
    return "\n".join(parts)


def _png(figure: Figure) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png")
    plt.close(figure)
    return image.getvalue()


def _table(rows: Sequence[Sequence[str]]) -> str:
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(rows[0], "th") + "".join(line(row, "td") for row in rows[1:]) + "</table>"
