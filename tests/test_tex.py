"""Formulas at build time."""

import html
import re

import pytest
from book import tex
from book.cells import BookError

pytest_plugins = "helpers"

FORMULAS = {
    r"x^2 < y & z".replace("& z", r"\land z"): "<",
    r"\frac{\partial L}{\partial w_{ij}}": "<mfrac>",
    r"\begin{aligned} a &= b \\ &= c \end{aligned}": "<mtable",
    r"\lVert x \rVert_2": "∥",
    r"\mathbf{W}\boldsymbol{x}": 'mathvariant="bold',
    r"\text{손실 } L": "손실",
    r"\sum_{i=1}^{n} \log p_i": "∑",
}


def tex_of(markup):
    """The formula that a rendered one was made from, as it says itself."""
    return html.unescape(re.search('<annotation encoding="application/x-tex">(.*?)</annotation>', markup)[1])


@pytest.mark.parametrize("display", [False, True], ids=["inline", "display"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_rendered_with_mathml(formula, display):
    made = tex.render(formula, display)
    assert made.startswith("<span") and "<math" in made and tex_of(made) == formula
    assert FORMULAS[formula] in html.unescape(made)
    assert ("katex-display" in made) == display


@pytest.mark.parametrize("formula", [r"\frac{1}{", r"\nosuchcommand x", r"x^^2", r"\begin{aligned} a"])
def test_a_broken_formula_is_an_error_with_katexs_words_and_stops_no_other(formula):
    with pytest.raises(BookError) as raised:
        tex.render(formula)
    assert "KaTeX parse error" in raised.value.message and repr(formula) in raised.value.message
    assert "<math" in tex.render("x + y")


def test_only_what_arithmatex_marked_is_replaced():
    other = r'<p>$x$ \(y\)</p><code>\(z\)</code><span class="other">\(w\)</span><div>arithmatex \[v\]</div>'
    marked = r'<span class="arithmatex">\(a &lt; b\)</span>', '<div class="arithmatex">\\[\nc\n\\]</div>'
    assert tex.replace(other) == other
    made = tex.replace(other.join(["<h1>", *marked, "</h1>"]))
    parts = made.split(other)
    assert (parts[0], parts[3]) == ("<h1>", "</h1>")
    assert [tex_of(part) for part in parts[1:3]] == ["a < b", "c"]
    assert [part.startswith(f"<{tag} ") and part.endswith(f"</{tag}>") for part, tag in zip(parts[1:3], ("span", "div"), strict=True)] == [True] * 2  # fmt: skip
    assert ["katex-display" in part for part in parts[1:3]] == [False, True]


def test_a_broken_formula_on_a_page_is_an_error():
    with pytest.raises(BookError, match="KaTeX"):
        tex.replace(r'<p><span class="arithmatex">\(\frac\)</span></p>')


def test_without_katex_the_error_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(tex, "KATEX", tmp_path / "none")
    tex.node.cache_clear()
    with pytest.raises(BookError, match="make setup"):
        tex.render("never seen before")
