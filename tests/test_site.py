"""Formulas of the documents as the site shows them."""

import runpy
from pathlib import Path

import pytest

from tests.browser import browser  # noqa: F401  (a fixture)
from tests.commands import ROOT

markdown = pytest.importorskip("markdown")
pytest.importorskip("latex2mathml")
draw = runpy.run_path(str(ROOT / "docs" / "mathml.py"))["on_page_content"]


def page(path: Path) -> str:
    extensions = {"pymdownx.arithmatex": {"generic": True}}
    return draw(markdown.markdown(path.read_text(), extensions=[*extensions, "tables"], extension_configs=extensions))


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_no_formula_is_left_as_latex(path):
    shown = page(path)
    assert "arithmatex" not in shown
    assert shown.count("<math") >= path.read_text().count("$$\n") // 2


def test_a_formula_that_is_not_known_ends_the_build():
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw(r'<span class="arithmatex">\(\nonsense x\)</span>')


def test_formulas_are_drawn(browser, tmp_path):  # noqa: F811
    """By the browser alone: a fraction is as high as what stands above and below its line."""
    place = tmp_path / "method.html"
    place.write_text(f"<meta charset=utf-8>{page(ROOT / 'docs' / 'method.md')}")
    browser.get(place.as_uri())
    whole, above, below = browser.execute_script(
        "const height = element => element.getBoundingClientRect().height;"
        "const fraction = document.querySelector('#equation-2 mfrac');"
        "return [fraction, ...fraction.children].map(height);"
    )
    assert above > 5 and below > 5 and whole >= above + below
