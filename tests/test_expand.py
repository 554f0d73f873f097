"""Chapter + record → page, notebook and figures."""

import colorsys
import copy
import html
import io
import re

import markdown
import nbformat
import pytest
from book import expand, figures, records
from book.cells import BookError
from pytest_codeblocks.main import extract_from_buffer

pytest_plugins = "helpers"

EXTENSIONS = ["admonition", "attr_list", "md_in_html", "tables", "pymdownx.details", "pymdownx.highlight", "pymdownx.superfences"]  # fmt: skip
SVG = '<svg width="360.2pt" height="216pt" viewBox="0 0 1 1"><path d="M 0 {}" style="fill: #0068a8"/></svg>\n'
CELLS = """# %% first
loss, name = 0.25, "a"
print(loss)

# %% first-holds tags=["check"]
assert loss < 1

# %% second
for step in range(2):
    loss = step / 3

# %% answer tags=["solution"]
accuracy = 0.9125
parameters = 1234567
tiny = 5.93e-07
many = [1]
"""
CHAPTER = """---
title: A
---
# Title {: #title }

Before.

{{ cell("first") }}

Between: {{ accuracy | percent }}, see [losses](losses.md#why).

{{ figure("first", alt="a curve", caption="A *curve*.") }}
{{ figure("first", 2, alt="two curves", caption="Two.") }}

{{ cell("second") }}

!!! warning "Mind **this**"
    Boxed words.

    - boxed list

??? solution "Answer"

    Folded words.

    {{ cell("answer") }}

## After {#after}

Last words.
"""


def recorded(example, **given):
    """A record of `example` in which the cells (`_` is `-`) gave what `given` says and else nothing."""
    nothing = {"stdout": "", "result": "", "figures": [], "error": None, "warnings": "", "scalars": {}}
    cells = [{"name": c.name} | nothing | given.get(c.name.replace("-", "_"), {}) for c in example.cells]
    return {"example": example.name, "cells": cells, "depends": {}, "ran": {"seconds": 1}}


@pytest.fixture
def book(project):
    """page(chapter's text, language) of an example `a` with a record, beside an example `b` without one."""
    project.example("a", CELLS)
    project.example("b", "# %% only", "x = 1\nprint(x)", "\n# %% also", "y = 2")
    project.chapters("b", '{{ cell("only") }}\n\n{{ cell("also") }}\n')
    project.chapters("index", "# Home\n")
    example = expand.examples(["a"])[0]
    record = recorded(
        example,
        first={"stdout": "0.25\n", "figures": [SVG.format(1), SVG.format(2)], "scalars": {"loss": 0.25, "name": "a"}},
        second={"result": "<class 'int'>", "scalars": {"loss": 1 / 3, "step": 1}},
        answer={"scalars": {"accuracy": 0.9125, "parameters": 1234567, "tiny": 5.93e-07}},
    )

    def page(text=CHAPTER, language="ko", name="a", records=None):
        project.chapters("a", CHAPTER)
        project.chapters(name, text)
        return expand.pages(language, {"a": record} if records is None else records)[name]

    return page


def rendered(text):
    return markdown.markdown(text, extensions=EXTENSIONS)


def code(page):
    return [block.code for block in extract_from_buffer(io.StringIO(page.markdown())) if block.syntax == "python"]


def texts(markup, tag):
    """The text inside each element of that tag."""
    found = re.findall(rf"<{tag}\b.*?</{tag}>", markup, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]*>", "", part)) for part in found]


# --- cells and their output -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["recorded", "not yet recorded"])
def test_the_code_that_pytest_codeblocks_extracts_is_the_visible_cells_in_order(book, known):
    page = book(records=None if known else {})
    assert code(page) == ["".join(c.source + "\n" for c in page.example.cells if c.visible)]


def test_a_page_is_the_same_each_time_and_leaves_the_record_alone(book):
    page = book()
    before = copy.deepcopy(page.records)
    assert (page.markdown(), page.images(), page.notebook()) == (page.markdown(), page.images(), page.notebook())
    assert page.records == before


def test_code_and_then_what_it_gave_stand_where_the_chapter_calls_for_them(book):
    blocks = texts(rendered(book().markdown()), "pre")
    first, second, answer = (c.source for c in book().example.cells if c.visible)
    assert [block.strip("\n") for block in blocks] == [first, "0.25", second, "<class 'int'>", answer]


def test_prose_is_kept_as_written(book):
    lines = book().markdown().splitlines()
    written = [line for line in CHAPTER.splitlines() if "{{" not in line and line.strip()]
    assert [line for line in lines if line in written] == written


def test_an_indented_cell_keeps_its_indentation(book):
    below = book().markdown().partition('??? solution "Answer"\n')[2].partition("## After")[0]
    assert [line for line in below.splitlines() if line and not line.startswith("    ")] == []
    (folded,) = re.findall(r"<details.*?</details>", rendered(book().markdown()), re.DOTALL)
    assert texts(folded, "pre")[0].strip("\n") == book().example["answer"].source


@pytest.mark.parametrize(
    "output",
    [
        "plain",
        "<b>no tag</b> &amp; {{ loss }} {% raw %} `x` *y* # z",
        "    indented first\nthen not",
        "# no title\n- no list\n\n\n| no | table |",
        "```\nno fence\n```",
        "Traceback:\n    ~~^~~\n~~~ {.text .output}\nno fence\n~~~",
        "정확도 │ 91.3 %  \\n",
    ],
)
@pytest.mark.parametrize("above", [0, 100], ids=["short", "long"])
def test_output_is_shown_as_it_was_printed_and_folds_when_longer_than_a_screen(book, output, above):
    printed = "\n".join([*(f"line {i}" for i in range(above)), output])
    page = book()
    page.records["a"]["cells"][0]["stdout"] = printed + "\n"
    made = rendered(page.markdown())
    assert texts(made, "pre")[1].strip("\n") == printed
    folded = re.search(r"<details[^>]*>\s*<summary>(.*?)</summary>", made.partition("Between")[0], re.DOTALL)
    assert bool(folded) == (above > 0)
    assert not folded or str(len(printed.splitlines())) in folded[1]


@pytest.mark.parametrize(
    "source", ['print("{{ loss }} {% x %} {# y #}")', 'x = """\n\n    deep\n"""', "# 주석\nx = r'\\1 \\g<0>'"]
)
def test_code_is_shown_as_it_stands_in_the_script(book, project, source):
    example = project.example("c", only=source)
    page = book('A\n\n{{ cell("only") }}\n', name="c", records={"c": recorded(example)})
    assert code(page) == [source + "\n"]
    assert texts(rendered(page.markdown()), "pre")[0].strip("\n") == source


def test_a_warning_is_shown_where_the_cell_is_there_for_it_and_always_in_the_notebook(book, project):
    example = project.example("c", "# %% first", "x = 1\n", '# %% last tags=["warns"]', "x")
    record = recorded(example, first={"warnings": "loud\n"}, last={"warnings": "old ways\n", "result": "1"})
    page = book('{{ cell("first") }}\n\n{{ cell("last") }}\n', name="c", records={"c": record})
    assert [block.strip("\n") for block in texts(rendered(page.markdown()), "pre")] == ["x = 1", "x", "1\nold ways"]
    outputs = [output for cell in page.notebook().cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == ["loud\n", "old ways\n"]
    assert records.warned(example, record) == [(2, "loud")]
    record["cells"][1]["warnings"] = ""
    assert records.warned(example, record) == [(2, "loud"), (5, "warns of nothing")]


# --- values and filters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "ko", "en"),
    [
        ("{{ accuracy }}", "0.9125", None),
        ("{{ accuracy | percent }}", "91.2%", None),
        ("{{ accuracy | percent(2) }}", "91.25%", None),
        ("{{ accuracy | digits }}", "0.912", None),
        ("{{ accuracy | digits(1) }}", "0.9", None),
        ("{{ parameters | thousands }}", "1,234,567", None),
        ("{{ tiny | scientific }}", "5.9×10⁻⁷", None),
        ("{{ (12.4 + accuracy - accuracy) | seconds }}", "12초", "12 s"),
        ('{{ value("loss", after="first") }}', "0.25", None),
        ('{{ value("loss", after="second") | digits(2) }}', "0.33", None),
        ('{{ value("accuracy", of="a") }}', "0.9125", None),
        ("{% set half = accuracy / 2 %}{{ half }}", "0.45625", None),
        ("{% for name in [1, 2] %}{{ name }}{% endfor %}", "12", None),
        ("{{ name }}", "a", None),
    ],
)
def test_a_value_is_written_as_its_filter_says(book, written, ko, en):
    for language, text in (("ko", ko), ("en", en or ko)):
        assert f"<{text}>" in book(f"{CHAPTER}\n<{written}>\n", language).markdown()


def test_a_page_reaches_another_examples_cells_figures_and_values(book):
    text = 'A\n\n{{ cell("a/second") }}\n\n{{ figure("a/first", 2, alt="x", caption="y") }}\n\n{{ value("loss", of="a", after="first") }}\n'
    page = book(text, name="index")
    assert code(page) == [page.found["a"]["second"].source + "\n"]
    assert page.markdown().endswith("\n\n0.25\n")
    assert set(page.images().values()) > {SVG.format(2)}


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_figure_has_its_text_alternative_its_caption_and_a_file_for_each_scheme(book):
    page = book()
    made = rendered(page.markdown())
    assert [re.findall('alt="(.*?)"', part) for part in re.findall("<figure.*?</figure>", made, re.DOTALL)] == [
        ["a curve"] * 2,
        ["two curves"] * 2,
    ]
    assert texts(made, "figcaption") == ["A curve.", "Two."] and "<em>curve</em>" in made
    sources = [address.partition("#only-") for address in re.findall('src="(.*?)"', made)]
    assert {path: page.images()[path] for path, _, _ in sources} == page.images()
    assert [scheme for *_, scheme in sources] == ["light", "dark"] * 2
    assert [page.images()[path] for path, _, scheme in sources if scheme == "light"] == [SVG.format(1), SVG.format(2)]
    assert set(re.findall(r'width="(\d+)"', made)) == {"360"} and set(re.findall(r'height="(\d+)"', made)) == {"216"}


@pytest.mark.parametrize("alt", ["구간 [0, 1)의 곡선", "x² < 1 & y > 2", "a 'quoted' word", "loss_train and loss_val", "2 * 3 * 4", "f(x) = (a)"])  # fmt: skip
def test_a_text_alternative_arrives_as_written(book, alt):
    text = CHAPTER.replace('alt="a curve"', f'alt="{alt}"')
    assert html.unescape(re.findall('alt="(.*?)"', rendered(book(text).markdown()))[0]) == alt


# --- what a chapter gets wrong ----------------------------------------------------------------------------------------

WORDS = 'alt="x", caption="y"'
WRONG = {
    "an unknown cell": ('{{ cell("nope") }}', "no cell 'nope'.*first, first-holds, second, answer"),
    "an unknown example": ('{{ cell("nope/first") }}', "no example 'nope'"),
    "an unknown example of a value": ('{{ value("loss", of="nope") }}', "no example 'nope'"),
    "a check": ('{{ cell("first-holds") }}', "first-holds.*check"),
    "a figure of an unknown cell": (f'{{{{ figure("nope", {WORDS}) }}}}', "no cell 'nope'"),
    "a figure too many": (f'{{{{ figure("first", 3, {WORDS}) }}}}', "drew 2 .*3"),
    "a figure number zero": (f'{{{{ figure("first", 0, {WORDS}) }}}}', "drew 2 .*0"),
    "a figure that was not drawn": (f'{{{{ figure("second", {WORDS}) }}}}', "drew 0 .*1"),
    "a figure without alt": ('{{ figure("first", caption="y") }}', "alt"),
    "a figure with a blank alt": ('{{ figure("first", alt=" ", caption="y") }}', "alt"),
    "a figure without caption": ('{{ figure("first", alt="x") }}', "caption"),
    "a value inside a caption's text": ('{{ figure("first", alt="x", caption="{{ loss }}") }}', "write|Syntax"),
    "an unknown value": ("{{ acuracy }}", "acuracy"),
    "an unknown value asked for": ('{{ value("acuracy") }}', "acuracy"),
    "a value that is no scalar": ("{{ many }}", "many"),
    "an ambiguous value": ("{{ loss }}", r'several.*value\("loss", after="first"\), value\("loss", after="second"\)'),
    "an ambiguous value asked for": ('{{ value("loss") }}', r'value\("loss", after="second"\)'),
    "a value of the wrong cell": ('{{ value("accuracy", after="first") }}', "accuracy.*first"),
    "a value after an unknown cell": ('{{ value("loss", after="nope") }}', "no cell 'nope'"),
    "an unknown filter": ("{{ accuracy | percents }}", "percents"),
    "broken Jinja": ("{{ accuracy | }}", "Syntax"),
    "a calculation that fails": ("{{ accuracy / 0 }}", "ZeroDivisionError"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "words"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_what_a_chapter_gets_wrong_is_an_error_with_its_line(book, written, words, language):
    page = book(f"{CHAPTER}\n{written}\n\nMore.\n", language)
    with pytest.raises(BookError) as raised:
        page.markdown()
    line = len(CHAPTER.splitlines()) + 2
    assert (raised.value.path, raised.value.line) == (page.path, line)
    assert str(raised.value).startswith(f"docs/{language}/a.md:{line}: ")
    assert re.search(words, raised.value.message, re.DOTALL)


def test_a_page_without_an_example_says_how_to_reach_one(book):
    with pytest.raises(BookError, match=r"docs/ko/index\.md:3: .*other/name"):
        book('# Home\n\n{{ cell("first") }}\n', name="index").markdown()


FIRST, SECOND, ANSWER = (f'{{{{ cell("{name}") }}}}' for name in ("first", "second", "answer"))
ORDER = {
    "a missing cell": (CHAPTER.replace(SECOND, ""), "second"),
    "a missing last cell": (CHAPTER.replace(ANSWER, ""), "answer"),
    "a cell shown twice": (CHAPTER.replace(SECOND, f"{SECOND}\n\n{SECOND}"), "second|answer"),
    "a cell shown again at the end": (f"{CHAPTER}\n{FIRST}\n", "first"),
    "cells out of order": (CHAPTER.replace(SECOND, "@").replace(FIRST, SECOND).replace("@", FIRST), "first"),
    "a figure that was drawn but is not shown": (re.sub(r".*two curves.*\n", "", CHAPTER), "first"),
    "no cell at all": ("# Title\n", "first"),
}


@pytest.mark.parametrize(("text", "cell"), ORDER.values(), ids=ORDER)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_each_visible_cell_and_figure_is_due_once_in_order_else_script_line_and_page_are_named(
    book, text, cell, language
):
    page = book(text, language)
    with pytest.raises(BookError) as raised:
        page.markdown()
    headers = [i for i, line in enumerate(CELLS.splitlines(), 1) if re.fullmatch(rf"# %% ({cell})\b(?!-).*", line)]
    assert raised.value.path == page.example.path and raised.value.line in headers
    assert f"docs/{language}/a.md" in raised.value.message


@pytest.mark.parametrize("written", [f"Words {SECOND}", f"{SECOND} words", f"> {SECOND}"])
def test_a_cell_in_the_middle_of_a_line_is_an_error(book, written):
    with pytest.raises(BookError, match=r"docs/ko/a\.md.*alone on"):
        book(CHAPTER.replace(SECOND, written)).markdown()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_example_without_a_chapter_in_one_language_is_an_error(book, project, language):
    book()
    (project.root / "docs" / language / "b.md").unlink()
    other = {"ko": "en", "en": "ko"}[language]
    assert "b" in expand.pages(other, {})
    with pytest.raises(BookError, match=rf"examples/b\.py:1: .*docs/{language}/b\.md"):
        expand.pages(language, {})


# --- while an example still runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_page_whose_example_has_not_run_shows_its_code_and_says_so(book, language):
    page = book(language=language, records={})
    made = rendered(page.markdown())
    assert [block.strip("\n") for block in texts(made, "pre")] == [c.source for c in page.example.cells if c.visible]
    assert "pending" in made and page.images() == {}
    assert not re.search(r"\{\{|\}\}|\x02|None|Undefined", page.markdown())


def test_a_note_that_the_run_is_on_its_way_is_in_the_pages_language(book):
    ko, en = (re.findall(r'class="pending">(.*?)<', book(language=x, records={}).markdown()) for x in ("ko", "en"))
    assert len(ko) == len(en) > 0 and re.search("[가-힣]", ko[0]) and not re.search("[가-힣]", en[0])


@pytest.mark.parametrize(
    "written",
    [
        '{{ cell("b/only") }}',
        '{{ figure("b/only", alt="x", caption="y") }}',
        'Words {{ value("x", of="b") }} more.',
        'Words {{ value("x", of="b") | percent }} more.',
        '{% if value("x", of="b") > 0 %}more{% endif %}',
    ],
)
@pytest.mark.parametrize("name", ["a", "index"])
def test_a_page_that_borrows_from_an_example_that_has_not_run_is_still_made(book, written, name):
    start = CHAPTER if name == "a" else "# Home\n"
    page = book(f"{start}\n{written}\n\nThe end.\n", name=name)
    assert "The end." in page.markdown() and not re.search(r"\{\{|\x02", page.markdown())


def test_a_condition_on_a_value_that_is_not_yet_there_stops_no_page(book):
    assert "Last words." in book(f"{CHAPTER}\n{{% if accuracy > 0.9 %}}good{{% endif %}}\n", records={}).markdown()


# --- the notebook -----------------------------------------------------------------------------------------------------


def test_a_notebook_is_valid_and_has_all_cells_of_the_script_in_order(book):
    page = book()
    made = page.notebook()
    nbformat.validate(made)
    assert nbformat.reads(nbformat.writes(made), as_version=4) == made
    codes = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [cell.source for cell in codes] == [cell.source for cell in page.example.cells]
    counts = [cell.execution_count for cell in codes]
    assert counts == sorted(set(counts)) and all(counts)
    assert len({cell.id for cell in made.cells}) == len(made.cells)


def test_a_notebook_has_what_each_cell_gave(book):
    first, _, second, _ = (cell for cell in book().notebook().cells if cell.cell_type == "code")
    assert [o.output_type for o in first.outputs] == ["stream", "display_data", "display_data"]
    assert first.outputs[0].text == "0.25\n"
    assert [o.data["image/svg+xml"] for o in first.outputs[1:]] == [SVG.format(1), SVG.format(2)]
    assert [o.data["text/plain"] for o in second.outputs] == ["<class 'int'>"]


def test_a_notebook_keeps_the_prose_between_the_cells_and_flattens_boxes(book):
    made = book().notebook()
    kinds = "".join(cell.cell_type[0] for cell in made.cells)
    assert re.fullmatch("mc+mc+mc+m", kinds)
    prose = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    order = ["# Title", "Before.", "Between: 91.2%", "A *curve*.", "Two.", "Mind **this**", "Boxed words.", "- boxed list", "Answer", "Folded words.", "Last words."]  # fmt: skip
    assert [word for word in order if word not in prose] == []
    assert sorted(order, key=prose.index) == order
    assert not re.search(r"^(!!!|\?\?\?|    )|\{:|title: A|pytest-codeblocks|\x02|losses\.md", prose, re.MULTILINE)


def test_a_notebook_of_a_page_that_borrows_a_cell_still_has_its_own_beside_their_prose(book):
    text = CHAPTER.replace("Before.", 'Borrowed.\n\n{{ cell("b/only") }}\n\nBefore.')
    page = book(text)
    made = page.notebook()
    nbformat.validate(made)
    codes = [cell.source for cell in made.cells if cell.cell_type == "code" and cell.source != "x = 1\nprint(x)"]
    assert codes == [cell.source for cell in page.example.cells]
    sources = [cell.source for cell in made.cells]
    before = next(i for i, source in enumerate(sources) if "Before." in source)
    assert sources.index(page.example["first"].source) > before


@pytest.mark.parametrize("source", ['print("{:.2f} {: d}".format(1, 2))', 'print("<!-- x -->")', 'x = """\n!!! note "x"\n    y\n"""', "print('''\n```\n''')"])  # fmt: skip
def test_a_notebooks_code_is_the_scripts_whatever_it_looks_like(book, project, source):
    example = project.example("c", only=source, last="x = 1")
    page = book('A\n\n{{ cell("only") }}\n\nB\n\n{{ cell("last") }}\n', name="c", records={"c": recorded(example)})
    assert [cell.source for cell in page.notebook().cells if cell.cell_type == "code"] == [source, "x = 1"]


# --- the dark scheme --------------------------------------------------------------------------------------------------


def shade(colour):
    """A colour through `dark`."""
    return re.findall("#[0-9a-f]{6}", figures.dark(f'<svg ><path style="fill: {colour}"/></svg>'))[-1]


def hls(colour):
    return colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))


def test_in_the_dark_scheme_the_order_of_greys_is_turned_and_greys_stay_grey():
    greys = [shade(f"#{level:02x}{level:02x}{level:02x}") for level in range(0, 256, 5)]
    lights = [hls(grey)[1] for grey in greys]
    assert lights == sorted(lights, reverse=True) and len(set(lights)) == len(lights)
    assert {hls(grey)[2] for grey in greys} == {0.0}
    assert lights[0] > 0.9 and lights[-1] < 0.15


@pytest.mark.parametrize("colour", ["#0068a8", "#d55e00", "#008a64", "#b3568c", "#a97400", "#ff0000", "#3b8fc4"])
def test_in_the_dark_scheme_a_colour_keeps_its_hue(colour):
    turn = abs(hls(shade(colour))[0] - hls(colour)[0])
    assert min(turn, 1 - turn) < 0.02 and hls(shade(colour))[2] > 0.3


def test_in_the_dark_scheme_only_colours_differ():
    image = '<image xlink:href="data:image/png;base64,iVBO#0068a8Rw0KGgo="/>'.replace("#0068a8", "")
    svg = f'<svg width="1pt" ><defs><clipPath id="pab12cd34ef"/></defs><g clip-path="url(#pab12cd34ef)">{image}<use xlink:href="#mabcdef0123" style="stroke: #000000"/><use xlink:href="#DejaVuSans-30"/></g></svg>'
    assert figures.dark(svg).replace(shade("#000000"), "#000000").replace(' fill="#000000"', "") == svg


def test_tidying_a_figure_twice_is_tidying_it_once():
    svg = '<?xml version="1.0"?>\n<!-- made -->\n<svg width="1pt">\n  <metadata>\n  2026 </metadata>\n <path d="M 1.23456 2 \nL 0.5 7.0000001"/>\n</svg>\n'
    once = figures.tidy(svg)
    assert figures.tidy(once) == once and "1.23 2" in once and not re.search("metadata|<!--|xml version", once)
