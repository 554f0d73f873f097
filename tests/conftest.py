"""pytest's view of the book: each chapter's code, as a reader gets it, and each check cell is a test of its own."""

import io
from functools import cache

import pytest
from book import expand, run
from book.cells import ROOT, read
from pytest_codeblocks.main import extract_from_buffer
from pytest_codeblocks.plugin import MarkdownFile


def pytest_addoption(parser):
    parser.addoption("--fresh", action="store_true", help="run all examples anew, whatever is recorded")


@cache
def recorded(fresh=False):
    """({name: record or None}, [BookError]) of all examples. What is stale runs, once a session."""
    return run.ensure(fresh=fresh)


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".py" and file_path.parent == ROOT / "examples":
        return Script.from_parent(parent, path=file_path)
    if file_path.suffix == ".md" and file_path.parent.parent == ROOT / "docs":
        return Chapter.from_parent(parent, path=file_path)
    return None


class Script(pytest.File):
    """An example: each of its check cells is a test with the cell's name, at the cell's line."""

    def collect(self):
        for cell in read(self.path).cells:
            if not cell.visible:
                yield Check.from_parent(self, name=cell.name, cell=cell)


class Check(pytest.Item):
    def __init__(self, name, parent, cell):
        super().__init__(name, parent)
        self.cell = cell

    def runtest(self):
        records, errors = recorded(self.config.getoption("--fresh"))
        mine = [error for error in errors if error.path == self.path]
        for error in mine:
            if error.cell == self.cell.name:
                raise error
        others = [error for error in mine if read(self.path)[error.cell].visible] if mine else []
        if others or not (records[self.path.stem] or mine):
            raise RuntimeError(f"the check did not run: {'; '.join(map(str, others)) or 'no record'}")

    def repr_failure(self, excinfo):
        return f"{excinfo.value}\n{getattr(excinfo.value, 'trace', '')}"

    def reportinfo(self):
        return self.path, self.cell.line - 1, f"check {self.name}"


class Chapter(MarkdownFile):
    """A chapter as expanded: the code that pytest-codeblocks extracts is the example's visible code, and it ran."""

    def collect(self):
        yield Code.from_parent(self, name="code")


class Code(pytest.Item):
    def runtest(self):
        records, errors = recorded(self.config.getoption("--fresh"))
        for error in errors:
            if error.path and error.path.stem == self.path.stem:
                raise error
        page = expand.pages(self.path.parent.name, records)[self.path.stem]
        found = [block for block in extract_from_buffer(io.StringIO(page.markdown())) if block.syntax]
        cells = [cell.source + "\n" for cell in page.example.cells if cell.visible] if page.example else []
        assert [block.code for block in found] == (["".join(cells)] if cells else [])
        assert all(block.syntax == "python" for block in found)

    def repr_failure(self, excinfo):
        return getattr(excinfo.value, "trace", "") + "\n" + str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, "the page's code is the example's, and it ran"
