"""Chapter + record → Markdown. Pure: the site, the notebooks, the tests and the command line use it alike.

A chapter is Jinja2 over Markdown. `{{ cell("name") }}` puts a cell's code and output, `{{ figure("name",
alt="…", caption="…") }}` what it drew; each scalar of the run is a variable. `cell("other/name")`,
`figure("other/name", …)` and `value("name", of="other")` reach another example's record. Without a record
(it still runs) the page shows its code and says so.
"""

import itertools
import re
import textwrap
import traceback

import jinja2
import jupytext
import nbformat.v4 as nb

from . import figures
from .cells import ROOT, BookError, examples, shown

LANGUAGES = ("ko", "en")
WAIT = {
    "ko": "지금 실행하고 있습니다. 끝나면 이 쪽이 저절로 새로워집니다.",
    "en": "Running now; the page refreshes when it is done.",
}
FOLD = {"ko": "출력 {}줄", "en": "{} lines of output"}
LONG = 24  # lines of output that fit a screen
MARK = re.compile(r"^([ \t]*)\x02(\d+)\x03[ \t]*$", re.MULTILINE)
CONT = "<!--pytest-codeblocks:cont-->"
HIGH = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def scientific(number, digits=1):
    """5.9e-07 → 5.9×10⁻⁷."""
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(HIGH)}"


class Page:
    """One chapter of an edition, its example (or None), all examples and their records by name."""

    def __init__(self, path, language, found, records):
        self.path, self.language, self.found, self.records = path, language, found, records
        self.example, self.pieces = found.get(path.stem), []

    def record(self, name=None):
        """The example and its record (None while it still runs), the page's own or the named one's."""
        example = self.found.get(name) if name else self.example
        if not example:
            raise BookError(f"no example {name!r}" if name else "this page has no example: write other/name or of=…")
        return example, self.records.get(example.name)

    def cell(self, name):
        return self._piece("cell", name)

    def figure(self, name, number=1, *, alt, caption):
        if not alt.strip() or not caption.strip():
            raise BookError(f"figure {name!r} needs both `alt` and `caption`")
        return self._piece("figure", name, number, alt, caption)

    def _piece(self, kind, name, number=0, *words):
        example, record = self.record(name.rpartition("/")[0])
        cell = example[name.rpartition("/")[2]]
        result = record and next(c for c in record["cells"] if c["name"] == cell.name)
        if not cell.visible:
            raise BookError(f"cell {name!r} is a check: a test, not part of the page")
        if result and number and not 1 <= number <= len(result["figures"]):
            raise BookError(f"cell {name!r} drew {len(result['figures'])} figure(s); the page asks for number {number}")
        self.pieces.append((kind, example, cell, result, number, *words))
        return f"\x02{len(self.pieces) - 1}\x03"

    def value(self, name, after=None, of=None):
        """A scalar of the run, from the one cell that assigns it or from the cell `after`."""
        example, record = self.record(of)
        origins = [c.name for c in ([example[after]] if after else example.cells) if name in c.assigns]
        if len(origins) > 1:
            choices = ", ".join(f'value("{name}", after="{origin}")' for origin in origins)
            raise BookError(f"several cells assign {name!r}; say which: {choices}")
        for cell in record["cells"]:
            if [cell["name"]] == origins and name in cell["scalars"]:
                return cell["scalars"][name]
        where = f"cell {origins[0]!r} leaves no number, truth value or short text in" if origins else "no cell assigns"
        raise BookError(f"{where} {name!r} ({example.path.name}{f', cell {after}' if after else ''})")

    def skeleton(self):
        """The page with a mark for each cell and figure; fills `pieces`. Raises `BookError` with the page's line."""
        calls = {"cell": self.cell, "figure": self.figure, "value": self.value}
        own = {name for cell in self.example.cells for name in cell.assigns} - calls.keys() if self.example else set()

        class Values(jinja2.runtime.Context):
            def resolve_or_missing(values, key):
                return self.value(key) if key in own and key not in values.vars else super().resolve_or_missing(key)

        marks = {"comment_start_string": "{##", "comment_end_string": "##}"}  # {# is an anchor's beginning
        env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, **marks)
        env.context_class = Values
        env.globals = calls
        env.filters["percent"] = lambda number, digits=1: f"{100 * number:.{digits}f}%"
        env.filters["digits"] = lambda number, digits=3: f"{number:.{digits}f}"
        env.filters["thousands"] = lambda number: f"{number:,}"
        env.filters["seconds"] = lambda number: f"{number:.0f}{'초' if self.language == 'ko' else ' s'}"
        env.filters["scientific"] = scientific
        self.pieces.clear()
        source = self.path.read_text(encoding="utf-8")
        if self.example and not self.records.get(self.example.name):
            source = re.sub(r"\{\{(?!\s*cell\().*?\}\}", "…", source, flags=re.DOTALL)
        try:
            text = env.from_string(source).render()
        except Exception as error:
            lines = [
                frame.lineno for frame in traceback.extract_tb(error.__traceback__) if "<template>" in frame.filename
            ]
            message = error.message if isinstance(error, BookError) else f"{type(error).__name__}: {error}"
            raise BookError(message, self.path, getattr(error, "lineno", None) or (lines or [None])[-1]) from error
        self._check(text)
        return text

    def _check(self, text):
        """Marks stand alone; each visible cell is there once, in the script's order; each figure drawn is there."""
        where, own = shown(self.path), [piece for piece in self.pieces if piece[1] is self.example]
        if len(MARK.findall(text)) != len(self.pieces):
            raise BookError("`{{ cell(…) }}` and `{{ figure(…) }}` stand alone on their line", self.path)
        cells = [piece[2].name for piece in own if piece[0] == "cell"]
        wanted = [cell.name for cell in self.example.cells if cell.visible] if self.example else []
        for here, right in itertools.zip_longest(cells, wanted):
            if here != right:
                rule = "each visible cell is on its page once, in the script's order"
                name = right or here
                message = f"{where} shows {f'cell {here!r}' if here else 'no cell'} where {right or 'nothing'!r} is due: {rule}"
                raise BookError(message, self.example.path, self.example[name].line - 1, name)
        seen = [(piece[2].name, piece[4]) for piece in own if piece[0] == "figure"]
        for cell in ((self.example and self.records.get(self.example.name)) or {"cells": ()})["cells"]:
            for number in range(1, len(cell["figures"]) + 1):
                if (cell["name"], number) not in seen:
                    place = self.example[cell["name"]]
                    raise BookError(
                        f"{where} lacks figure {number} of cell {place.name!r}", self.example.path, place.line
                    )

    def markdown(self, notebook=False):
        """The page as plain Markdown; for a notebook without outputs, but with the checks where they ran."""
        text, first = self.skeleton(), True

        def put(mark):
            nonlocal first
            kind, example, cell, result, number, *words = self.pieces[int(mark[2])]
            if kind == "figure":
                block = f"*{words[1]}*" if notebook else self._figure(example, cell, result, number, *words)
            else:
                lines = ["```python", cell.source, "```", ""]
                if notebook:
                    for check in self._checks_after(cell):
                        lines += ["```python", check.source, "```", ""]
                else:
                    lines = [*([] if first else [CONT]), *lines, *self._output(result)]
                first, block = False, "\n".join(lines)
            return textwrap.indent(block, mark[1])

        return MARK.sub(put, text)

    def _checks_after(self, cell):
        for check in self.example.cells[self.example.cells.index(cell) + 1 :]:
            if check.visible:
                return
            yield check

    def _output(self, result):
        if result is None:
            return [f'<p class="pending">{WAIT[self.language]}</p>', ""]
        printed = "\n".join(part.rstrip() for part in (result["stdout"], result["result"]) if part.strip())
        fence = ["~~~ {.text .output}", *printed.splitlines(), "~~~", ""]
        if len(fence) - 3 > LONG:
            fence = [
                f'??? output "{FOLD[self.language].format(len(fence) - 3)}"',
                "",
                *(f"    {line}" for line in fence),
            ]
        return fence if printed else []

    def _figure(self, example, cell, result, number, alt, caption):
        width, height = figures.size(result["figures"][number - 1])
        image = f"![{alt}]({{}}#only-{{}}){{{{ width={width} height={height} loading=lazy }}}}"
        images = "".join(
            image.format(figures.path(example, cell, number, scheme), scheme) for scheme in ("light", "dark")
        )
        words = f'<figcaption markdown="span">{caption}</figcaption>'
        return f'<figure class="book-figure" markdown="span">\n{images}\n{words}\n</figure>\n'

    def images(self):
        """{path: SVG} of the figures that the page shows, in both schemes."""
        self.skeleton()
        shown = [(e, c, n, r["figures"][n - 1]) for kind, e, c, r, n, *_ in self.pieces if kind == "figure" and r]
        light = {figures.path(e, c, n, "light"): svg for e, c, n, svg in shown}
        return light | {figures.path(e, c, n, "dark"): figures.dark(svg) for e, c, n, svg in shown}

    def notebook(self):
        """The chapter as an executed notebook: its prose and all cells, checks too, with what they gave."""
        text = re.sub(
            r"\A---\n.*?\n---\n|[ ]*\{: ?[^}\n]*\}|<!--.*?-->", "", self.markdown(notebook=True), flags=re.DOTALL
        )
        lines, inside = [], False
        for line in text.splitlines():  # Material's boxes → bold titles
            box = re.match(r'(?:!!!|\?\?\?\+?) \w+ "(.*)"', line)
            inside = bool(box) or (inside and not line[:1].strip())
            lines.append(f"**{box[1]}**" if box else line[4:] if inside and line.startswith("    ") else line)
        book = jupytext.reads("\n".join(lines), "md")
        codes = [cell for cell in book.cells if cell.cell_type == "code"]
        for number, (code, cell, result) in enumerate(
            zip(codes, self.example.cells, self.record()[1]["cells"], strict=True), 1
        ):
            code.update(id=cell.name, execution_count=number, metadata={"tags": list(cell.tags)})
            if result["stdout"]:
                code.outputs.append(nb.new_output("stream", name="stdout", text=result["stdout"]))
            code.outputs += [nb.new_output("display_data", {"image/svg+xml": svg}) for svg in result["figures"]]
            if result["result"]:
                code.outputs.append(
                    nb.new_output("execute_result", {"text/plain": result["result"]}, execution_count=number)
                )
        for number, cell in enumerate(book.cells):
            cell.id = cell.id if cell.cell_type == "code" else f"text-{number}"
        return book


def pages(language, records):
    """{stem: Page} of an edition. Raises `BookError` for an example without a chapter."""
    found = {example.name: example for example in examples()}
    paths = {path.stem: path for path in sorted((ROOT / "docs" / language).glob("*.md"))}
    for name in found.keys() - paths:
        raise BookError(f"example without a chapter: write docs/{language}/{name}.md", found[name].path, 1)
    return {stem: Page(path, language, found, records) for stem, path in paths.items()}
