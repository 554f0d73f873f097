"""What holds for every chapter: the editions agree, the house rules of text, code and figures are kept."""

import base64
import re
import subprocess
import sys

import pytest
from book import expand
from book.cells import ROOT, examples
from conftest import recorded

EXAMPLES = {example.name: example for example in examples()}
CHAPTERS = sorted(EXAMPLES)
STEMS = sorted({path.stem for path in ROOT.glob("docs/[ke][on]/*.md")})
SECTIONS = ["pitfalls", "exercises", "summary", "further-reading"]
FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)\n.*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)


def text(language, stem):
    return (ROOT / "docs" / language / f"{stem}.md").read_text(encoding="utf-8")


def prose(language, stem):
    """The lines of a page with their numbers, less front matter, fences, calls, code, formulas and addresses."""
    source = text(language, stem)
    for pattern in (
        r"\A---\n.*?\n---\n",
        FENCE.pattern,
        r"\{\{.*?\}\}",
        r"\$\$.*?\$\$",
        r"\$[^$\n]*\$",
        r"`[^`\n]*`",
        r"\]\([^)\n]*\)",
    ):
        pattern = re.compile(pattern, re.DOTALL | re.MULTILINE)
        source = pattern.sub(lambda m: "\n" * m[0].count("\n") or "_", source)
    return list(enumerate(source.splitlines(), 1))


def calls(language, stem, name):
    return re.findall(rf'\{{\{{\s*{name}\("([^"]+)"(?:,\s*(\d+))?', text(language, stem))


def headings(language, stem):
    """[(level, id)] of a page. The fences are gone first: a comment in a listing is no heading."""
    found = re.findall(r"^[ ]*(#+) [^\n]*?(?:\{: #([\w-]+) \})?$", FENCE.sub("", text(language, stem)), re.MULTILINE)
    return [(len(marks), anchor) for marks, anchor in found]


def formulas(language, stem):
    """The formulas of a page with what a human language may change in them (words, blanks) left out."""
    source = FENCE.sub("", text(language, stem))
    found = re.findall(r"\$\$(.+?)\$\$", source, re.DOTALL)
    return [re.sub(r"\\text\{[^}]*\}|\s", "", formula) for formula in found]


def test_both_editions_have_the_same_pages():
    assert {p.name for p in ROOT.glob("docs/ko/*.md")} == {p.name for p in ROOT.glob("docs/en/*.md")}


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize(
    "look",
    [
        headings,
        formulas,
        lambda *page: calls(*page, "cell"),
        lambda *page: calls(*page, "figure"),
        lambda *page: re.findall(r"^(?:!!!|\?\?\?\+?) (\w+)", text(*page), re.MULTILINE),
    ],
    ids=["headings", "display formulas", "cells", "figures", "boxes"],
)
def test_editions_agree_in(look, stem):
    assert look("ko", stem) == look("en", stem)


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("language", expand.LANGUAGES)
class TestLint:
    def test_every_heading_has_an_explicit_id(self, language, stem):
        assert [level for level, anchor in headings(language, stem)[1:] if not anchor] == []

    def test_page_has_title_and_description(self, language, stem):
        front = re.match(r"---\n(.*?)\n---\n", text(language, stem), re.DOTALL)
        assert (
            front
            and re.search(r"^title: .+", front[1], re.MULTILINE)
            and re.search(r"^description: .+", front[1], re.M)
        )

    def test_no_fence_is_one_that_pytest_codeblocks_skips_or_that_was_not_run(self, language, stem):
        found = [match[2] + match[3] for match in FENCE.finditer(text(language, stem))]
        assert [
            fence for fence in found if fence.startswith("`") or re.match(r"~+ ?(\{\.?)?(python|py|sh|bash)\b", fence)
        ] == []

    def test_no_measured_number_is_typed_into_prose(self, language, stem):
        typed = re.compile(r"\d\.\d+ ?%|(?<![\w.§])\d+\.\d{3,}(?![\w.])")  # round ones are no measurements
        assert [(number, line) for number, line in prose(language, stem) if typed.search(line)] == []

    def test_no_line_ends_in_blanks_and_the_file_ends_in_a_newline(self, language, stem):
        source = text(language, stem)
        assert source.endswith("\n") and not source.endswith("\n\n")
        assert [n for n, line in enumerate(source.splitlines(), 1) if line != line.rstrip() or "\t" in line] == []


@pytest.mark.parametrize("name", CHAPTERS)
class TestChapter:
    @pytest.mark.parametrize("language", expand.LANGUAGES)
    def test_has_the_parts_that_every_chapter_has(self, language, name):
        anchors = [anchor for _, anchor in headings(language, name)]
        assert [anchor for anchor in anchors if anchor in SECTIONS] == SECTIONS
        exercises = [anchor for anchor in anchors if re.fullmatch(r"exercise-\d", anchor)]
        assert 3 <= len(exercises) <= 6
        after = text(language, name).partition("{: #exercises }")[2].partition("{: #summary }")[0]
        assert len(re.findall(r'^\?\?\? success ".+"', after, re.MULTILINE)) == len(exercises)

    @pytest.mark.parametrize("language", expand.LANGUAGES)
    def test_every_solution_is_folded(self, language, name):
        lines = text(language, name).splitlines()
        for cell in EXAMPLES[name].cells:
            if "solution" in cell.tags:
                assert f'    {{{{ cell("{cell.name}") }}}}' in lines, cell.name

    def test_code_fits_72_columns(self, name):
        lines = EXAMPLES[name].text.splitlines()
        assert [(n, line) for n, line in enumerate(lines, 1) if len(line) > 72 and not line.startswith("# %%")] == []

    def test_has_checks(self, name):
        assert [cell for cell in EXAMPLES[name].cells if "assert" in cell.source and not cell.visible]

    def test_figures_are_light_and_draw_nothing_from_elsewhere(self, name):
        for cell in recorded()[0][name]["cells"]:
            for svg in cell["figures"]:
                assert len(svg.encode()) <= 150_000, cell["name"]
                links = re.findall(r'xlink:href="([^"]+)"', svg)
                assert all(link.startswith(("#", "data:image/png")) for link in links)
                for image in re.findall(r'"data:image/png;base64,([^"]+)"', svg):
                    assert base64.b64decode(image).startswith(b"\x89PNG")

    def test_output_tells_no_path_of_this_machine(self, name):
        for cell in recorded()[0][name]["cells"]:
            shown = cell["stdout"] + cell["result"]
            assert not re.search(r"/(?:home|root|tmp|usr|Users)/|0x[0-9a-f]{8,}", shown), cell["name"]


def test_nothing_names_a_package_registry():
    hosts = re.compile(
        "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    )
    kept = [p for p in ROOT.rglob("*") if p.is_file() and not {".git", ".venv", "build", "node_modules"} & set(p.parts)]
    texts = [
        p for p in kept if p.suffix in {".py", ".md", ".txt", ".json", ".toml", ".yml", ".html", ".css", ".js", ""}
    ]
    assert [p for p in texts if hosts.search(p.read_text(encoding="utf-8", errors="ignore"))] == []


def test_every_check_cell_and_every_chapters_code_is_a_test():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {line.partition(": ")[0]: int(line.partition(": ")[2]) for line in done.stdout.split("\n") if ": " in line}
    for example in EXAMPLES.values():
        checks = sum(not cell.visible for cell in example.cells)
        assert found[f"examples/{example.name}.py"] == checks + 1  # and that it warns of nothing
        assert checks >= 3
    for stem in STEMS:
        assert found[f"docs/ko/{stem}.md"] == found[f"docs/en/{stem}.md"] == 1
