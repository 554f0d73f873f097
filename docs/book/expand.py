"""Chapter + record → Markdown. Pure: the site, the notebooks, the tests and the command line use it alike.

A chapter is Jinja2 over Markdown. `{{ cell("name") }}` puts a cell's code and output, `{{ figure("name", alt="…",
caption="…") }}` what it drew; each scalar of the run is a variable. `cell("other/name")`, `figure("other/name", …)` and
`value("name", of="other")` reach another example's record. A page whose example still runs shows its code alone.
"""

import itertools
import json
import re
import textwrap
import traceback
from functools import cached_property, lru_cache
from pathlib import Path

import jinja2

from . import figures
from .cells import ROOT, BookError, examples, shown

LANGUAGES = ("ko", "en")
MARK = re.compile(r"^([ \t]*)\x02(\d+)\x03[ \t]*$", re.MULTILINE)
BOX = re.compile(r'(?:!!!|\?\?\?\+?) \w+ "(.*)"')
BLOCKS = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True).from_string(
    Path(__file__).with_name("blocks.jinja").read_text(encoding="utf-8")
)


def scientific(number, digits=1):
    """5.9e-07 → 5.9×10⁻⁷."""
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


FILTERS = {
    "percent": lambda number, digits=1: f"{100 * number:.{digits}f}%",
    "digits": lambda number, digits=3: f"{number:.{digits}f}",
    "thousands": lambda number: f"{number:,}",
    "scientific": scientific,
}


class Page:
    """One chapter of an edition, its example (or None), all examples and their records (None: not yet) by name."""

    def __init__(self, path, source, found, records):
        self.path, self.source, self.found, self.records = path, source, found, records
        self.language, self.pieces, self.written = path.parent.name, [], set()  # `written` is the hook's
        self.example, self.record = found.get(path.stem), records.get(path.stem)

    def other(self, name):
        """The named example and its record, the page's own for an empty name."""
        if name not in self.found and (name or not self.example):
            raise BookError(f"no example {name!r}" if name else "this page has no example: write other/name or of=…")
        return (self.found[name], self.records.get(name)) if name else (self.example, self.record)

    def piece(self, name, number=None, alt="", caption=""):
        """A mark for a cell or for its figure of that number; `pieces` has what it stands for."""
        (example, record), name = self.other(name.rpartition("/")[0]), name.rpartition("/")[2]
        cell = example[name]
        result = record and next(c for c in record["cells"] if c["name"] == name)
        if not cell.visible:
            raise BookError(f"cell {name!r} is a check: a test, not part of the page")
        if result and number is not None and not 1 <= number <= len(result["figures"]):
            raise BookError(f"cell {name!r} drew {len(result['figures'])} figure(s); the page asks for number {number}")
        self.pieces.append((example, cell, result, number, alt, caption))
        return f"\x02{len(self.pieces) - 1}\x03"

    def figure(self, name, number=1, alt="", caption=""):
        if not (alt.strip() and caption.strip()):
            raise BookError(f"figure {name!r} needs both `alt` and `caption`")
        if "{{" in alt + caption:
            raise BookError(f'figure {name!r}: inside a text write "… " ~ (value | digits) ~ " …", not {{{{ }}}}')
        return self.piece(name, number, alt, caption)

    def value(self, name, after=None, of=""):
        """A scalar of the run, from the one cell that assigns it or from the cell `after`."""
        example, record = self.other(of)
        origins = [c.name for c in ([example[after]] if after else example.cells) if name in c.assigns]
        if len(origins) > 1:
            choices = ", ".join(f'value("{name}", after="{origin}")' for origin in origins)
            raise BookError(f"several cells assign {name!r}; say which: {choices}")
        for cell in record["cells"]:
            if [cell["name"]] == origins and name in cell["scalars"]:
                return cell["scalars"][name]
        raise BookError(f"{name!r} is no number, truth value or short text that {after or example.path.name} assigns")

    @cached_property
    def needs(self):
        """The examples that the page shows something of."""
        others = re.findall(r'"([\w-]+)/[\w-]+"|of="([\w-]+)"', self.source)
        return sorted({self.path.stem, *itertools.chain(*others)} & self.found.keys())

    @cached_property
    def waits(self):
        return not all(self.records.get(name) for name in self.needs)

    @cached_property
    def skeleton(self):
        """The page with a mark for each cell and figure; fills `pieces`. Raises `BookError` with the page's line."""
        calls, source = {"cell": self.piece, "figure": self.figure, "value": self.value}, self.source
        own = {name for cell in self.example.cells for name in cell.assigns} - calls.keys() if self.example else set()

        class Values(jinja2.runtime.Context):
            def resolve_or_missing(values, key):
                if key not in own or key in values.vars:
                    return super().resolve_or_missing(key)
                try:
                    return self.value(key)
                except BookError as error:  # raised where it is used: names are resolved at the template's start
                    return env.undefined(error.message)

        marks = {"comment_start_string": "{##", "comment_end_string": "##}"}  # {# begins an anchor
        env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, **marks)
        env.context_class, env.globals = Values, calls
        env.filters |= FILTERS | {"seconds": ("{:.0f}초" if self.language == "ko" else "{:.0f} s").format}
        self.pieces.clear()
        if self.waits:
            source = re.sub(r"\{%.*?%\}", "", source, flags=re.DOTALL)
            source = re.sub(r"\{\{(?!\s*cell\().*?\}\}", "…", source, flags=re.DOTALL)
        try:
            text = env.from_string(source).render()
        except Exception as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "<template>"]
            message = error.message if isinstance(error, BookError) else f"{type(error).__name__}: {error}"
            raise BookError(message, self.path, getattr(error, "lineno", None) or [None, *lines][-1]) from error
        self.check(text)
        return text

    def check(self, text):
        """Marks stand alone; each visible cell is there once, in the script's order; each figure drawn is there."""
        where, own = shown(self.path), [piece for piece in self.pieces if piece[0] is self.example]
        if len(MARK.findall(text)) != len(self.pieces):
            raise BookError("`{{ cell(…) }}` and `{{ figure(…) }}` stand alone on their line", self.path)
        order = [cell for _, cell, _, number, *_ in own if not number]
        wanted = [cell for cell in self.example.cells if cell.visible] if self.example else []
        for here, right in itertools.zip_longest(order, wanted):
            if here is not right:
                at, here, right = right or here, here and here.name, right and right.name
                due = f"where {right!r} is due: each visible cell once, in the script's order"
                raise BookError(f"{where} shows {here!r} {due}", self.example.path, at.line - 1, at.name)
        seen = {(cell.name, number) for _, cell, _, number, *_ in own}
        for cell in self.record["cells"] if self.record and not self.waits else ():
            for number, _ in enumerate(cell["figures"], 1):
                if (cell["name"], number) not in seen:
                    line = self.example[cell["name"]].line - 1
                    raise BookError(f"{where} lacks figure {number} of {cell['name']!r}", self.example.path, line)

    def markdown(self):
        """The page as plain Markdown."""
        text, cells = self.skeleton, itertools.count()

        def put(mark):
            example, cell, result, number, alt, caption = self.pieces[int(mark[2])]
            if number:
                place = figures.path(example, cell, number), *figures.size(result["figures"][number - 1])
                block = BLOCKS.module.figure(*place, alt, caption)
            else:
                lines = printed(cell, result) if result else []
                block = BLOCKS.module.cell(cell.source, lines, not result, next(cells) == 0, self.language)
            return textwrap.indent(block.strip("\n") + "\n", mark[1])

        return MARK.sub(put, text)

    def images(self):
        """{path: SVG} of the figures that the page shows, in both schemes."""
        _, pieces = self.skeleton, self.pieces  # which the first of them fills
        drawn = [(figures.path(e, c, n), r["figures"][n - 1]) for e, c, r, n, *_ in pieces if n and r]
        light = {f"{path}-light.svg": svg for path, svg in drawn}
        return light | {f"{path}-dark.svg": figures.dark(svg) for path, svg in drawn}

    @lru_cache(1024)  # noqa: B019
    def files(self, home):
        """{path: text} of all that the page is in its edition; `home` as for `notebook`."""
        found, name = {self.path.name: self.markdown(), **self.images()}, self.path.stem
        if self.example:
            found[f"scripts/{name}.py"] = self.example.text
        if self.record:
            found[f"notebooks/{name}.ipynb"] = found[f"downloads/{name}.ipynb"] = json.dumps(
                self.notebook(home), indent=1
            )
        return found

    def notebook(self, home="../../"):
        """The chapter as an executed notebook: its prose and all cells, checks too, with what they gave.

        Links to chapters begin with `home`, the edition's address (as seen from `notebooks/name/`).
        """
        import nbformat.v4 as nb

        text, lines, inside = re.sub(r"\A---\n.*?\n---\n", "", self.skeleton, flags=re.DOTALL), [], False
        text = re.sub(r"\]\(#", f"]({home}{self.path.stem}/#", re.sub(r"\]\(([\w-]+)\.md", rf"]({home}\1/", text))
        for line in re.sub(r"[ ]*\{: ?[^}\n]*\}", "", text).splitlines():  # Material's boxes → bold titles
            box = BOX.match(line)
            inside = bool(box) or (inside and not line[:1].strip())
            lines.append(f"**{box[1]}**" if box else line[4:] if inside and line.startswith("    ") else line)
        rest, cells, prose = iter(zip(self.example.cells, self.record["cells"], strict=True)), [], ""
        for number, part in enumerate(re.split(r"^[ ]*\x02(\d+)\x03$", "\n".join(lines), flags=re.MULTILINE)):
            example, cell, _, figure, _, caption = self.pieces[int(part)] if number % 2 else [None] * 6
            if cell and example is self.example and not figure:
                cells += [nb.new_markdown_cell(prose.strip(), id=f"text-{len(cells)}")] if prose.strip() else []
                prose = ""
                for mine, result in rest:
                    cells.append(executed(nb, mine, result, len(cells)))
                    if mine is cell:
                        break
            else:
                prose += f"*{caption}*" if figure else f"~~~python\n{cell.source}\n~~~" if cell else part
        cells.append(nb.new_markdown_cell(prose.strip(), id=f"text-{len(cells)}"))
        cells += [executed(nb, *pair, len(cells)) for pair in rest]
        return nb.new_notebook(cells=cells, metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}})


def printed(cell, result):
    """The lines that a cell printed, the value of its last expression, and the warning that it is there for."""
    parts = [result["stdout"], result["result"], result["warnings"] if "warns" in cell.tags else ""]
    return "\n".join(part.rstrip() for part in parts if part.strip()).splitlines()


def executed(nb, cell, result, number):
    """A notebook's code cell with its outputs."""
    streams = {"stdout": result["stdout"], "stderr": result["warnings"]}
    outputs = [nb.new_output("stream", name=name, text=text) for name, text in streams.items() if text]
    outputs += [nb.new_output("display_data", {"image/svg+xml": svg}) for svg in result["figures"]]
    if result["result"]:
        outputs.append(nb.new_output("execute_result", {"text/plain": result["result"]}, execution_count=number + 1))
    about = {"id": cell.name, "execution_count": number + 1, "metadata": {"tags": list(cell.tags)}}
    return nb.new_code_cell(cell.source, outputs=outputs, **about)


PAGES = {}  # by path, with what they stand on: a page is made anew when that changes


def pages(language, records):
    """{stem: Page} of an edition. Raises `BookError` for an example without a chapter."""
    found = {example.name: example for example in examples()}
    paths = {path.stem: path for path in sorted((ROOT / "docs" / language).glob("*.md"))}
    for name in found.keys() - paths:
        raise BookError(f"example without a chapter: write docs/{language}/{name}.md", found[name].path, 1)
    for path in paths.values():
        page = Page(path, path.read_text(encoding="utf-8"), found, records)
        stands = page.source, [(found[name], id(records.get(name))) for name in page.needs]
        if stands != PAGES.get(path, [None])[0]:
            PAGES[path] = stands, page
    return {stem: PAGES[path][1] for stem, path in paths.items()}
