"""The command line: what it prints, writes and answers with."""

import json
import re
import shutil

import pytest
from book.__main__ import main
from click.testing import CliRunner
from helpers import Project, copy, move_in

pytest_plugins = "helpers"

GOOD = """# %% first
import warnings

from _helper import ROOT
import matplotlib.pyplot as plt

loss, name = 0.25, "정확도"
print(loss)
numbers = open(f"{ROOT}/data/numbers.csv").readlines()
warnings.warn("old ways", DeprecationWarning)
plt.plot([1, 2])
plt.show()

# %% first-holds tags=["check"]
assert loss < 1

# %% second
accuracy = 1 - loss
"""
CHAPTER = """# Title

{{ cell("first") }}

{{ figure("first", alt="a line", caption="A line.") }}

{{ cell("second") }}

{{ accuracy | percent }}
"""
BAD = """# %% define
def f(x):
    return 1 / x

# %% call
f(0)
"""
SHOWS = '# Title\n\n{{ cell("define") }}\n\n{{ cell("call") }}\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A project of two examples that `python -m book run` has recorded."""
    project = copy(tmp_path_factory.mktemp("cli") / "project")
    numbers = project.write("data/numbers.csv", "1,2\n")
    project.write("examples/_helper.py", "import os\nROOT = os.path.dirname(os.path.dirname(__file__))\n")
    project.write("examples/good.py", GOOD)
    project.example("other", only="x = 1")
    project.chapters("good", CHAPTER)
    project.chapters("other", '# Other\n\n{{ cell("only") }}\n')
    project.chapters("index", '# Home\n\n{{ value("accuracy", of="good") | percent }}\n')
    status, out, err = project.book("run", "--jobs", 2)
    assert status == 0, err
    assert "2 example" in err and "0 error" in err and out == "" and numbers.exists()
    return project


@pytest.fixture
def project(recorded, tmp_path, monkeypatch):
    """A clone of it in a folder of another name, records included, which the commands take for theirs."""
    shutil.copytree(recorded.root, tmp_path / "clone")
    move_in(tmp_path / "clone", monkeypatch)
    return Project(tmp_path / "clone")


def book(*arguments):
    """(exit status, stdout, stderr) of a command."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["run", "status", "values", "expand", "serve"]),
        (["run"], ["NAME", "--fresh", "--jobs"]),
        (["status"], ["NAME"]),
        (["values"], ["NAME"]),
        (["expand"], ["--to"]),
        (["serve"], ["--port"]),
    ],
)
def test_every_command_explains_itself(command, words):
    status, out, _ = book(*command, "--help")
    assert status == 0 and [word for word in words if word not in out] == []


@pytest.mark.parametrize("arguments", [["walk"], ["run", "--jobs", "many"], ["values"], ["status", "--fast"]])
def test_what_is_no_command_is_refused(arguments):
    status, out, err = book(*arguments)
    assert status != 0 and out == "" and err


@pytest.mark.parametrize("command", ["run", "status", "values"])
def test_an_unknown_example_is_answered_with_those_there_are(project, command):
    status, out, err = book(command, "god")
    assert status != 0 and out == ""
    assert re.search("no example god.*good, other", err)


def test_with_valid_records_nothing_runs_and_tensorflow_is_not_imported(project):
    trap = "open(__file__ + '.imported', 'w').close()\nraise ImportError('not now')\n"
    for name in ("tensorflow", "keras"):
        project.write(f"docs/{name}.py", trap)
    for command in (["run"], ["status"], ["values", "good"], ["expand"]):
        status, _, err = project.book(*command, light=False)
        assert status == 0, err
    assert list(project.root.rglob("*.imported")) == []


def test_status_tells_what_is_recorded_how_long_it_took_and_what_it_warned_of(project):
    status, out, _ = book("status")
    line = 1 + GOOD[: GOOD.index("import warnings")].count("\n")
    assert status == 0
    assert re.search(r"^good +recorded +[\d.]+ s ", out, re.MULTILINE) and re.search(
        "^other +recorded", out, re.MULTILINE
    )
    assert re.search(rf"examples/good\.py:{line}: .*DeprecationWarning: old ways", out)
    assert book("status", "other")[1].splitlines()[0].startswith("other")


STALE = {
    "cell": ("examples/good.py", "1 - loss", "2 - loss", "cell second changed: .*"),
    "module": ("examples/_helper.py", "import os", "import os ", r"module examples/_helper\.py changed: .*"),
    "the style of figures": (
        "docs/book/book.mplstyle",
        "figure.figsize",
        "figure.dpi: 90\nfigure.figsize",
        ".*mplstyle changed: .*",
    ),
    "data": ("data/numbers.csv", "1,2", "1,3", r"data data/numbers\.csv changed: .*"),
}


@pytest.mark.parametrize(("path", "old", "new", "why"), STALE.values(), ids=STALE)
def test_status_names_what_changed_and_only_that_example_is_stale(project, path, old, new, why):
    project.write(path, (project.root / path).read_text(encoding="utf-8").replace(old, new))
    status, out, _ = book("status")
    assert status == 1 and re.search(rf"^good +stale +{why}$", out, re.MULTILINE)
    assert bool(re.search("^other +recorded", out, re.MULTILINE)) == ("mplstyle" not in path)


def test_in_a_clone_elsewhere_with_other_prose_everything_stays_recorded(project):
    project.chapters("good", f"New words.\n\n{CHAPTER}")
    status, out, _ = book("status")
    assert status == 0, out


def test_a_damaged_record_is_named_and_run_again(project):
    (record,) = (project.root / "build" / "records").glob("other-*.json")
    intact = record.read_bytes()
    record.write_bytes(intact[:-20])
    status, out, _ = book("status")
    assert status == 1 and record.name in out
    assert book("run")[0] == 0
    assert book("status")[0] == 0


def test_machines_that_ran_one_example_each_make_the_book_when_their_stores_are_copied_together(project, tmp_path):
    shutil.rmtree(project.root / "build")
    for name in ("good", "other"):
        shutil.copytree(project.root, tmp_path / name)
        status, _, err = Project(tmp_path / name).book("run", name)
        assert status == 0, err
        assert Project(tmp_path / name).book("status")[0] == 1
    for name in ("good", "other"):
        shutil.copytree(tmp_path / name / "build", project.root / "build", dirs_exist_ok=True)
    assert book("status")[0] == 0 and book("expand")[0] == 0


def test_a_record_made_elsewhere_for_other_versions_is_refused_with_its_reason_and_run_again(project, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    status, out, _ = book("status", "other")
    assert status == 1 and re.search(r"^other +stale +machine changed: linux \w+ → linux abacus$", out, re.MULTILINE)
    monkeypatch.undo()


def test_values_are_the_recorded_scalars_as_json(project):
    status, out, _ = book("values", "good")
    assert status == 0 and json.loads(out) == {"loss": 0.25, "name": "정확도", "accuracy": 0.75}


@pytest.mark.parametrize("command", [["values", "good"], ["expand"]])
def test_without_a_valid_record_nothing_is_told_but_how_to_make_one(project, command):
    project.write("examples/good.py", GOOD.replace("1 - loss", "2 - loss"))
    status, out, err = book(*command)
    assert status == 1 and out == ""
    assert re.search(r"examples/good\.py.*cell second changed.*python -m book run good", err)
    assert list(project.root.rglob("expanded")) == []


def test_expand_writes_both_editions_with_all_figures_and_twice_the_same(project, tmp_path):
    for name in ("one", "two"):
        status, _, err = book("expand", "--to", tmp_path / name)
        assert status == 0, err
    written = [
        {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
        for top in (tmp_path / "one", tmp_path / "two")
    ]
    assert written[0] == written[1]
    pages = {name: text.decode() for name, text in written[0].items() if name.endswith(".md")}
    assert set(pages) == {f"{language}/{name}.md" for language in ("ko", "en") for name in ("good", "other", "index")}
    assert "75.0%" in pages["en/index.md"] and "0.25" in pages["ko/good.md"]
    shown = {f"{page[:3]}{path}" for page, text in pages.items() for path in re.findall(r"\]\((figures.*?\.svg)", text)}
    assert shown == written[0].keys() - pages.keys() and len(shown) == 4


def test_an_exception_shows_the_scripts_line_its_trace_and_the_chapters_lines(project):
    project.write("examples/bad.py", BAD)
    project.chapters("bad", SHOWS)
    status, out, err = book("run")
    assert status == 1 and out == ""
    assert "examples/bad.py:3: cell 'call': ZeroDivisionError: division by zero" in err
    assert re.search(r'File "bad\.py", line 6.*f\(0\).*File "bad\.py", line 3.*return 1 / x', err, re.DOTALL)
    assert re.findall(r"shown in (docs/\w+/bad\.md:\d+)", err) == ["docs/en/bad.md:5", "docs/ko/bad.md:5"]
    assert "run.py" not in err and "IPython" not in err
    assert book("status", "good", "other")[0] == 0  # nothing is lost
    assert book("expand")[0] == 1


def test_in_githubs_ci_every_error_is_an_annotation_on_its_line(project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.write(
        "examples/bad.py", '# %% a\n1 / 0\n# %% b tags=["check"]\nassert False, "one\\ntwo"\n'.replace("1 / 0", "x = 1")
    )
    project.chapters("bad", '{{ cell("a") }}\n')
    status, out, _ = book("run")
    assert status == 1
    assert out.splitlines() == ["::error file=examples/bad.py,line=4::cell 'b': AssertionError: one%0Atwo"]


CHAPTERS = {
    "a cell shown twice": (CHAPTER + '\n{{ cell("second") }}\n', r"examples/good\.py:\d+: .*docs/ko/good\.md", [7, 11]),
    "a cell never shown": (CHAPTER.replace('{{ cell("second") }}', ""), r"examples/good\.py:\d+: .*docs/ko/good\.md", []),
    "an unknown cell": (CHAPTER + '\n{{ cell("third") }}\n', r"docs/ko/good\.md:11: no cell 'third'", None),
    "an unknown value": (CHAPTER + "\n{{ acuracy }}\n", r"docs/ko/good\.md:11: .*acuracy", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words", "lines"), CHAPTERS.values(), ids=CHAPTERS)
def test_a_wrong_chapter_is_an_error_with_its_place_and_no_page_is_written_from_it(project, text, words, lines):
    project.write("docs/ko/good.md", text)
    status, _, err = book("expand", "--to", project.root / "out")
    assert status == 1 and re.search(words, err)
    assert not (project.root / "out" / "ko" / "good.md").exists()
    if lines is not None:
        assert [int(line) for line in re.findall(r"shown in docs/ko/good\.md:(\d+)", err)] == lines


@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_example_in_one_language_only_is_an_error(project, language):
    (project.root / "docs" / language / "other.md").unlink()
    status, _, err = book("expand", "--to", project.root / "out")
    assert status == 1 and re.search(rf"examples/other\.py:1: .*docs/{language}/other\.md", err)


def test_a_broken_script_stops_every_command_with_its_line(project):
    project.write("examples/other.py", "# %% only\nx = = 1\n")
    for command in (["run"], ["status"], ["expand"]):
        status, _, err = book(*command)
        assert status == 1 and "examples/other.py:2: cell 'only'" in err


def test_fresh_runs_also_what_is_valid(project):
    before = {path.name: path.stat().st_mtime_ns for path in (project.root / "build" / "records").iterdir()}
    status, _, err = book("run", "other", "--fresh")
    assert status == 0 and "1 example" in err
    after = {path.name: path.stat().st_mtime_ns for path in (project.root / "build" / "records").iterdir()}
    new = [name for name in after if after[name] != before.get(name)]
    assert len(new) == 1 and new[0].startswith("other-")


def test_declared_data_is_found_from_the_project(project):
    front = "# ---\n# jupyter:\n#   book:\n#     data: [data/numbers.csv]\n# ---\n"
    project.write("examples/other.py", f"{front}\n# %% only\nx = 1\n")
    status, _, err = project.book("run")
    assert status == 0, err
    assert book("status", "other")[1].split()[:2] == ["other", "recorded"]
    project.write("data/numbers.csv", "1,3\n")
    assert re.search(r"^other +stale +data data/numbers\.csv changed: .*$", book("status", "other")[1], re.MULTILINE)
