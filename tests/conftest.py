"""pytest's view of the book: each chapter's code, as a reader gets it, and each check cell is a test of its own."""

import io
from functools import cache

import pytest
from book import expand, run
from book.cells import ROOT, read
from book.records import warned
from pytest_codeblocks.main import extract_from_buffer
from pytest_codeblocks.plugin import MarkdownFile


@cache
def recorded():
    """({name: record or None}, [BookError]) of all examples. What is stale runs, once a session."""
    return run.ensure()


def pytest_configure(config):
    config.pluginmanager.register(Everywhere())  # a conftest's own hooks see the files below it alone


class Everywhere:
    def pytest_collect_file(self, file_path, parent):
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
                yield Part.from_parent(self, name=cell.name, cell=cell)
        yield Quiet.from_parent(self, name="warns only where the page is about it")


class Chapter(MarkdownFile):
    """A chapter as expanded: the code that pytest-codeblocks extracts is the example's visible code, and it ran."""

    def collect(self):
        yield Part.from_parent(self, name="code")


class Part(pytest.Item):
    def __init__(self, name, parent, cell=None):
        super().__init__(name, parent)
        self.cell = cell

    def runtest(self):
        records, errors = recorded()
        for error in errors:  # a check fails for itself alone, or when the example did not get so far
            if error.path and error.path.stem == self.path.stem:
                other = error.cell and not read(error.path)[error.cell].visible and error.cell != self.name
                if not self.cell or not other:
                    raise error
        if not self.cell:
            page = expand.pages(self.path.parent.name, records)[self.path.stem]
            found = [block for block in extract_from_buffer(io.StringIO(page.markdown())) if block.syntax]
            cells = [cell.source for cell in page.example.cells if cell.visible] if page.example else []
            assert [block.syntax for block in found] == ["python"] * bool(cells)
            assert lines(*(block.code for block in found)) == lines(*cells)

    def repr_failure(self, excinfo):
        return f"{excinfo.value}\n{getattr(excinfo.value, 'trace', '')}"

    def reportinfo(self):
        return self.path, self.cell.line - 1 if self.cell else 0, self.name


def lines(*sources):
    """Their lines but blank ones, which pytest-codeblocks drops from a fence inside a box."""
    return [line for source in sources for line in source.splitlines() if line.strip()]


class Quiet(Part):
    """No cell warns (of a deprecation, say) but those tagged `warns`, and they do."""

    def runtest(self):
        records, errors = recorded()
        record = records[self.path.stem]
        assert record, [str(error) for error in errors if error.path == self.path]
        assert warned(read(self.path), record) == []
