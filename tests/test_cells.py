"""A script → named cells: what `book.cells` promises."""

import pytest
from book.cells import BookError, Cell, examples, read
from helpers import script

pytest_plugins = "helpers"

FRONT = "# ---\n# jupyter:\n#   book:\n#     seconds: 7\n#     data: [numbers.csv]\n# ---\n"
PROSE = "# %% [markdown]\n# Words between cells, with `x = 1` in them.\n"


def test_cells_have_their_names_order_sources_and_kinds(project):
    text = script(FRONT, PROSE, first="x = 1") + script(
        '# %% holds tags=["check"]\nassert x', '# %% answer tags=["solution"]\nx + 1', '# %% time tags=["timing"]\n2'
    )
    found = read(project.write("examples/a.py", text))
    assert [(c.name, c.source, c.tags, c.visible) for c in found.cells] == [
        ("first", "x = 1", (), True),
        ("holds", "assert x", ("check",), False),
        ("answer", "x + 1", ("solution",), True),
        ("time", "2", ("timing",), True),
    ]
    assert found.name == "a" and found["answer"] is found.cells[2]
    assert found.limits["seconds"] == 7 and found.limits["data"] == ["numbers.csv"]


@pytest.mark.parametrize(
    "text",
    [
        script(a="x = 1\n\ny = 2", b="x = 1"),
        script(FRONT, PROSE, PROSE, a="x = 1", b="print(\n    x\n)"),
        script(a="x = 1") + PROSE + script(b="x = 1") + PROSE + script(c="x = 1"),
        "# %% a\n\n\nx = 1\n\n\n\n# %% b\n\ny = 2\n",
        "# %% x\nx\n# %% loss\nloss\n",
        script(a="print('x = 1')", b="x = 1", c="x"),
        PROSE + "# %% x\nx = 1\n",
    ],
    ids=["plain", "front matter and prose", "equal cells", "blank lines", "name is code", "part of another", "prose"],
)
def test_a_cells_lines_are_the_scripts_lines_below_its_name(project, text):
    lines = text.splitlines()
    headers = [i for i, line in enumerate(lines, 1) if line.startswith("# %%") and "[markdown]" not in line]
    found = read(project.write("examples/a.py", text)).cells
    assert [cell.line - 1 for cell in found] == headers
    for cell in found:
        code = cell.source.splitlines()
        assert lines[cell.line - 1 :][: len(code)] == code


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# %% a\nx = 1\n\n# %%\ny = 2\n", 4, ["kebab-case"]),
        ("# %% a\nx = 1\n\n# %%\n\n\ny = 2\n", 4, ["kebab-case"]),
        ("import os\n\n# %% a\nx = 1\n", 1, ["kebab-case"]),
        ("# %% a\nx = 1\n\n# %% Not Kebab\ny = 2\n", 4, ["kebab-case", "Not Kebab"]),
        ("# %% a\nx = 1\n\n# %% b\ny = 2\n\n# %% a\nz = 3\n", 7, ["'a'", "already", "line 1"]),
        ("# %% a\nx = 1\n\n# %% b\n\n\n# %% c\nz = 3\n", 4, ["'b'", "empty"]),
        ("# %% a\nx = 1\n\n# %% b\n", 4, ["'b'", "empty"]),
        ("# %% a\nx = 1\n\n# %% b\ny = 2\nz = = 3\n", 6, ["'b'", "invalid syntax"]),
        ("# %% a\nx = 1\n\n# %% b\n\n\nz = = 3\n", 7, ["'b'", "invalid syntax"]),
        ('# %% a\nx = 1\n\n# %% b tags=["chek"]\ny = 2\n', 4, ["chek", "check", "solution"]),
        ("# ---\n# jupyter:\n#   book:\n#     secs: 9\n# ---\n\n# %% a\nx = 1\n", 1, ["secs", "seconds", "memory_gb"]),
        ("x = 1\n", 1, ["kebab-case"]),
        ("", 1, ["no cells"]),
        (PROSE, 1, ["no cells"]),
    ],
    ids=lambda value: None if isinstance(value, list) else repr(value)[:40],
)
def test_a_wrong_script_names_its_file_and_line(project, text, line, words):
    path = project.write("examples/wrong.py", text)
    with pytest.raises(BookError) as raised:
        read(path)
    assert (raised.value.path, raised.value.line) == (path, line)
    assert str(raised.value).startswith(f"examples/wrong.py:{line}: ")
    assert [word for word in words if word not in str(raised.value)] == []


def test_a_cell_mark_inside_a_string_begins_no_cell(project):
    code = 'text = """\n# %% not-a-cell\n"""\nprint(text)'
    assert [(c.name, c.source) for c in project.example("a", only=code).cells] == [("only", code)]


def test_line_endings_change_no_cell(project):
    text = script(FRONT, PROSE, a='x = """one\ntwo"""', b="print(x)")
    path = project.root / "examples" / "a.py"
    path.write_bytes(text.encode())
    unix = read(path)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert read(path) == unix


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1\nc: int = 2\nd: int", "a b c"),
        ("a, (b, *c) = 1, (2, 3)", "a b c"),
        ("a += 1", "a"),
        ("for a, b in c: d = a", "a b d"),
        ("with open(f) as a, open(g) as (b, c): d = 1", "a b c d"),
        ("if (a := 1): b = 2\nelse: c = 3", "a b c"),
        ("while a < 3: a += 1", "a"),
        ("try: a = 1\nexcept ValueError: b = 2\nfinally: c = 3", "a b c"),
        ("match x:\n    case 1: a = 2", "a"),
        ("def f(p):\n    a = 1\n    return a\nclass C:\n    b = 2", ""),
        ("async def f(p):\n    a = 1", ""),
        ("f = lambda p: (q := p)", "f"),
        ("a = [x for x in y]", "a"),
        ("a = {x for x in y}", "a"),
        ("a = {k: v for k, v in y}", "a"),
        ("a = sum(x for x in y)", "a"),
        ("x.a = 1\nx[0] = 2\nprint(x)", ""),
    ],
)
def test_a_cell_assigns_the_names_that_its_top_level_binds(source, names):
    made = {"f", "C"} if "def" in source else set()  # functions and classes are never values
    assert Cell("a", source, 1, ()).assigns - made == set(names.split())


def test_a_name_without_a_script_or_cell_is_answered_with_those_there_are(project):
    project.example("tensors", a="1")
    project.write("examples/_helper.py", "x = 1")
    assert [example.name for example in examples()] == ["tensors"]
    with pytest.raises(BookError, match=r"no example tensor;.* tensors"):
        examples(["tensor"])
    with pytest.raises(BookError, match=r"no cell 'b' in tensors\.py;.* a"):
        examples()[0]["b"]
