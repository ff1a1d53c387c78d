"""The report's page: all of it in one file, and nothing in it taken for markup but what is."""

import base64
import re

import matplotlib.pyplot as plt

from netspace_jax.report import Section
from netspace_jax.report.page import save_figures, write_report


def section(name, figure=None, **parts):
    return Section(name, f"Title of <{name}>", "a < b & c", {}, figure, **parts)


def written(tmp_path, sections, pictures, metrics):
    write_report(tmp_path / "report.html", "A & B", "python train.py --a <b>", sections, pictures, metrics)
    return (tmp_path / "report.html").read_text()


def test_figures_are_written_and_closed_and_embedded(tmp_path):
    figure, _ = plt.subplots()
    sections = [section("drawn", figure), section("plain")]
    pictures = save_figures(sections, tmp_path / "figures")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["drawn.png"] and pictures.keys() == {"drawn"}
    assert (tmp_path / "figures" / "drawn.png").read_bytes() == pictures["drawn"]
    assert pictures["drawn"].startswith(b"\x89PNG") and not plt.fignum_exists(figure.number)
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', written(tmp_path, sections, pictures, {}))
    assert [base64.b64decode(data) for data in found] == [pictures["drawn"]]


def test_text_is_escaped_and_fragments_are_not(tmp_path):
    table = (("way", "figure"), ("x < y", "0.5"))
    page = written(tmp_path, [section("one", table=table, fragment="<canvas></canvas>")], {}, {})
    for part in (
        "<title>A &amp; B</title>",
        "<code>python train.py --a &lt;b&gt;</code>",
        "Title of &lt;one&gt;",
        "a &lt; b &amp; c",
        "<tr><th>way</th><th>figure</th></tr><tr><td>x &lt; y</td><td>0.5</td></tr>",
        "<canvas></canvas>",
    ):
        assert part in page


def test_all_figures_are_listed_by_name(tmp_path):
    page = written(tmp_path, [], {}, {"b/two": 0.123456789, "a/one": 3, "c": float("nan")})
    listed = page[page.index("<details>") :]
    assert "<td>c</td><td>–</td>" in listed and "nan" not in listed
    assert listed.index("<td>a/one</td><td>3</td>") < listed.index("<td>b/two</td><td>0.123457</td>")


def test_the_page_asks_for_nothing_else(tmp_path):
    figure, _ = plt.subplots()
    sections = [section("drawn", figure)]
    page = written(tmp_path, sections, save_figures(sections, tmp_path), {})
    assert not re.search(r'(?:src|href)="(?!data:|#)', page) and "http" not in page
