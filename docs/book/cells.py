"""A script in jupytext's percent format → its named cells, with their file and lines.

`# %% name` begins a cell. `tags=["check"]` makes it assertions that are not on the page, `tags=["solution"]` the
solution of an exercise, `tags=["timing"]` code whose output shows times, `tags=["warns"]` code that is there for its
warning. The front matter (`jupyter: book: …`) may set `seconds` and `memory_gb`, the limits of a run, and `data`, files
whose reading Python cannot see.
"""

import dis
import os
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"seconds": 300, "memory_gb": 6, "data": []}
MARKER = re.compile(r"(# ---\n(#.*\n)*?# ---\n)?\s*# %%.*\n?")
TAGS = {"check", "solution", "timing", "warns"}


class BookError(click.ClickException):
    """What is wrong and what to do, where (a path and a 1-based line), in which cell, and the cell's own traceback."""

    def __init__(self, message, path=None, line=None, cell=None, trace=""):
        super().__init__(message)
        self.path, self.line, self.cell, self.trace = path, line, cell, trace

    def __str__(self):
        place = [str(part) for part in (self.path and shown(self.path), self.line) if part]
        return f"{':'.join(place)}: {self.message}" if place else self.message

    def show(self, file=None):
        """Print it all with the chapters' lines that show the cell; in GitHub's CI as an annotation too."""
        click.secho(f"error: {self}\n{self.trace}".rstrip(), fg="red", err=True)
        for path in sorted(ROOT.glob(f"docs/*/{self.path.stem}.md")) if self.cell else ():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if f'cell("{self.cell}")' in line:
                    click.echo(f"  shown in {shown(path)}:{number}", err=True)
        if os.environ.get("GITHUB_ACTIONS") and self.path:
            text = self.message.replace("\n", "%0A")
            click.echo(f"::error file={shown(self.path)},line={self.line or 1}::{text}")


def shown(path):
    """A path as a message shows it: relative to the project where it lies inside."""
    return Path(path).relative_to(ROOT) if Path(path).is_relative_to(ROOT) else path


@dataclass(frozen=True)
class Cell:
    """One named cell. `line` is the script's line (1-based) on which its code begins."""

    name: str
    source: str
    line: int
    tags: tuple

    @property
    def visible(self):
        return "check" not in self.tags

    @cached_property
    def assigns(self):
        """The names that the cell's top level binds, imports aside: a value on a page has one origin."""
        steps = pairwise(dis.get_instructions(compile(self.source, self.name, "exec")))
        return {step.argval for last, step in steps if step.opname == "STORE_NAME" and "IMPORT" not in last.opname}


@dataclass(frozen=True)
class Example:
    """A script: its stem, path, text, cells in order, and the limits of its run."""

    name: str
    path: Path
    text: str
    cells: tuple
    limits: dict

    def __getitem__(self, name):
        """The cell of that name. Raises `BookError` with the names that there are."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        raise BookError(f"no cell {name!r} in {self.path.name}; there are: {', '.join(c.name for c in self.cells)}")


def read(path):
    """Read one script. Raises `BookError` with the line of an unnamed, empty, duplicate or broken cell."""
    return parse(path, path.read_text(encoding="utf-8"))


@lru_cache(512)
def parse(path, text):
    import jupytext  # here, so that no example is taken to depend on it

    cells, position, lines = [], 0, {}
    notebook = jupytext.reads(text, "py:percent")
    limits = notebook.metadata.get("book", {})
    limits = LIMITS | (limits if isinstance(limits, dict) else {"book": limits})
    for key, value in limits.items():
        if key not in LIMITS or not isinstance(value, list if key == "data" else int | float):
            known = "`seconds` and `memory_gb` (numbers), `data` (a list of paths)"
            raise BookError(f"the front matter has {key!r}: {value!r}; under `book` stand {known}", path, 1)
    for found in notebook.cells:
        marker = MARKER.match(text, position)
        start = text.find(found.source, marker.end() if marker else position)
        line, position = text.count("\n", 0, start) + 1, start + len(found.source)
        name, tags = found.metadata.get("title", ""), tuple(found.metadata.get("tags", ()))
        if found.cell_type != "code":
            continue
        for wrong, problem in (
            (not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), f"a cell is named `# %% kebab-case`, not {name!r}"),
            (not found.source.strip(), f"cell {name!r} is empty"),
            (name in lines, f"cell {name!r} is already defined on line {lines.get(name)}; names are unique"),
            (set(tags) - TAGS, f"cell {name!r} has a tag other than {', '.join(sorted(TAGS))}: {', '.join(tags)}"),
        ):
            if wrong:
                raise BookError(problem, path, max(1, line - 1), name)
        try:
            compile(found.source, path, "exec")
        except SyntaxError as error:
            raise BookError(f"cell {name!r}: {error.msg}", path, line + (error.lineno or 1) - 1, name) from None
        lines[name] = line - 1
        cells.append(Cell(name, found.source.rstrip(), line, tags))
    if not cells:
        raise BookError("no cells: begin each with a line `# %% name`", path, 1)
    return Example(path.stem, path, text, tuple(cells), limits)


def examples(names=()):
    """The scripts as `Example`s, all or the named ones. Raises `BookError` for a name without a script."""
    paths = {path.stem: path for path in sorted((ROOT / "examples").glob("[!_]*.py"))}
    if unknown := [name for name in names if name not in paths]:
        raise BookError(f"no example {', '.join(unknown)}; there are: {', '.join(paths) or 'none'}")
    return [read(paths[name]) for name in names or paths]
