"""MkDocs hook: formulas become MathML as the site is built, which browsers draw without a script or a network."""

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_NUMBER = re.compile(r"\\tag\{(\d+)\}")
# What the converter does not know, in words that it does.
_WORDS = {r"\arg": r"\mathrm{arg}\,", r"\thinspace": r"\,", r"\Big\|": r"\Vert"}


def on_page_content(content: str, **_: object) -> str:
    """The page with each formula that arithmatex marked as MathML; a formula that cannot be read ends the build."""
    return _FORMULA.sub(_drawn, content)


def _drawn(found: re.Match[str]) -> str:
    tag, opening, formula = found.groups()
    formula = html.unescape(formula).strip()
    number = _NUMBER.search(formula)
    formula = _NUMBER.sub(lambda tag: rf"\qquad\text{{({tag[1]})}}", formula)
    for latex, known in _WORDS.items():
        formula = formula.replace(latex, known)
    drawn = convert(formula, display="block" if opening == "[" else "inline")
    if "\\" in drawn:
        raise ValueError(f"a formula cannot be drawn: {formula}")
    anchor = f' id="equation-{number[1]}"' if number else ""
    return f'<{tag} class="formula"{anchor}>{drawn}</{tag}>'
