"""Running examples: what a cell gave, what goes wrong, limits, isolation, and that no process is left."""

import contextlib
import json
import multiprocessing.forkserver
import os
import random
import re
import shutil
import signal
import time
import uuid

import psutil
import pytest
from book import records, run
from book.cells import read
from helpers import Project, copy, move_in, processes, until

pytest_plugins = "helpers"

CHECK = 'tags=["check"]'
MARK = f"mark-{uuid.uuid4().hex}"  # in the command line of what the examples start
SLEEP = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{MARK}"])
"""
FRONT = "# ---\n# jupyter:\n#   book:\n#     {}\n# ---\n"
PLOT = (
    "import matplotlib.pyplot as plt\n\nplt.figure()\nplt.plot([1, 2], [3, 4], label='line')\nplt.legend()\nplt.show()"
)


@contextlib.contextmanager
def inside(project):
    """With `project` as the machinery's own."""
    with pytest.MonkeyPatch.context() as patched:
        move_in(project.root, patched)
        yield project


def plain(record):
    """What a record says, its times aside."""
    return record["depends"], record["cells"]


# --- what a cell gave -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """(the project's folder, {name: {cell: what it gave}}) of examples that succeed."""
    with inside(Project(tmp_path_factory.mktemp("good") / "project")) as project:
        project.write("examples/_helper.py", "from _deeper import y\n")
        project.write("examples/_deeper.py", "y = 1\n")
        numbers = project.write("numbers.csv", "1,2\n")
        made = [
            project.example(
                "gives",
                printed="print('one')\nprint('two')",
                returned="1\n40 + 2",
                none="None",
                both="print('first')\n'then'",
                nothing="def f():\n    return 1",
                colour="print('\\x1b[31mred\\x1b[0m')",
                progress="for i in (1, 2, 3):\n    print(f'\\r{i}/3 ' + '.' * i, end='' if i < 3 else '\\n')",
                erased="print('10', end='')\nprint('\\b\\b', end='')\nprint('99')",
                warned="import warnings\n\nwarnings.warn('old ways', DeprecationWarning)",
                native="import sys\n\nimport tensorflow as tf\n\ntf.print('from C++', output_stream=sys.stdout)",
                program="import subprocess, sys\n\nprint('before')\ndone = subprocess.run([sys.executable, '-c', 'print(1)'])\nprint('after')",
                logged="import logging\n\nlogging.getLogger('tensorflow').warning('deprecated')\ntf.get_logger().warning('too')",
            ),
            project.example(
                "draws",
                one=PLOT,
                two=f"{PLOT}\nprint('between')\n{PLOT}\nplt.close()",
                again=PLOT,
                none="x = 1",
                value="class Picture:\n    def _repr_svg_(self):\n        return '<svg />'\n\n\nPicture()",
                displayed="from IPython.display import display\n\nprint('a')\ndisplay(Picture(), {'b': 1})",
            ),
            project.example(
                "scalars",
                python="i, f, t, s = 1, 0.1 + 0.2, True, '정확도'",
                numpy="import numpy as np\n\ni, f, t, z = np.int64(2), np.float32(0.5), np.bool_(True), np.array(3)",
                tensorflow="import tensorflow as tf\n\ni, f, v = tf.constant(4), tf.reduce_mean([1.0, 2.0]), tf.Variable(5)",
                others="n, c, b, text, many, one = None, 1j, b'', 'x' * 1000, [1], np.ones(1)\ndef i(): pass",
                again="i = 6",
            ),
            project.example(
                "graph",
                define="import tensorflow as tf\n\n\n@tf.function\ndef size(x):\n    if tf.reduce_sum(x) > 3:\n        return 'big'\n    return 'small'",
                call="print([size(tf.constant(x)).numpy().decode() for x in ([1.0], [4.0])])",
            ),
            project.example(
                "reads",
                module="import _helper",
                data=f"print(open({str(numbers)!r}).read())",
                own="open('own.txt', 'w').write('x')\nopen('own.txt').read()",
            ),
            project.example("open", draws=PLOT.removesuffix("\nplt.show()").replace("plt.legend()", "x = 1"), shows=PLOT),
            project.example("sets", setting="import os\n\nos.environ['TF_DETERMINISTIC_OPS'] = '1'\nos.environ['KERAS_BACKEND'] = 'tensorflow'"),
        ]  # fmt: skip
        errors = run.run(made, jobs=2)
        assert [str(error) for error in errors] == []
        stored = [records.load(records.every(example.name)[0]) for example in made]
    return project, {r["example"]: r | {"cells": {cell["name"]: cell for cell in r["cells"]}} for r in stored}


@pytest.mark.parametrize(
    ("cell", "stdout", "result"),
    [
        ("printed", "one\ntwo\n", ""),
        ("returned", "", "42"),
        ("none", "", ""),
        ("both", "first\n", "'then'"),
        ("nothing", "", ""),
        ("colour", "red\n", ""),
        ("progress", "3/3 ...\n", ""),
        ("erased", "99\n", ""),
        ("warned", "", ""),
        ("native", "from C++\n", ""),
        ("program", "before\n1\nafter\n", ""),
        ("logged", "", ""),
    ],
)
def test_a_cell_gives_what_it_printed_and_its_last_value(good, cell, stdout, result):
    found = good[1]["gives"]["cells"][cell]
    assert (found["stdout"], found["result"], found["figures"]) == (stdout, result, [])
    told = {"warned": r"gives.py:\d+: DeprecationWarning: old ways", "logged": "WARNING.*deprecated\\n.*WARNING.*too"}
    assert re.fullmatch(told.get(cell, ""), found["warnings"].strip(), re.DOTALL), found["warnings"]


def test_a_cell_gives_the_figures_that_it_showed_as_svg(good):
    cells = good[1]["draws"]["cells"]
    assert {name: len(cell["figures"]) for name, cell in cells.items()} == {
        "one": 1,
        "two": 2,
        "again": 1,
        "none": 0,
        "value": 1,
        "displayed": 1,
    }
    assert cells["value"]["result"] == "" and cells["displayed"]["stdout"] == "a\n{'b': 1}\n"
    cells = {name: cells[name] for name in ("one", "two", "again", "none")}
    for svg in (svg for cell in cells.values() for svg in cell["figures"]):
        assert svg.startswith("<svg ") and svg.rstrip().endswith("</svg>")
        assert not re.search(r"<metadata|<dc:date|<!--|20\d\d-\d\d-\d\d", svg)
    assert {(cell["stdout"], cell["result"]) for cell in cells.values()} == {("", ""), ("between\n", "")}
    assert cells["one"]["figures"] == cells["again"]["figures"]  # equal code, equal bytes


def test_a_figure_left_open_belongs_to_the_cell_that_drew_it_as_in_a_notebook(good):
    figures = {name: len(cell["figures"]) for name, cell in good[1]["open"]["cells"].items()}
    assert figures == {"draws": 1, "shows": 1}


@pytest.mark.parametrize(
    ("cell", "scalars"),
    [
        ("python", {"i": 1, "f": 0.1 + 0.2, "t": True, "s": "정확도"}),
        ("numpy", {"i": 2, "f": 0.5, "t": True, "z": 3}),
        ("tensorflow", {"i": 4, "f": 1.5, "v": 5}),
        ("others", {}),
        ("again", {"i": 6}),
    ],
)
def test_a_cells_scalars_are_plain_python_values_as_they_were_after_it(good, cell, scalars):
    found = good[1]["scalars"]["cells"][cell]["scalars"]
    assert found == scalars
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in scalars.items()}


def test_a_graph_function_finds_its_source(good):
    assert good[1]["graph"]["cells"]["call"]["stdout"] == "['small', 'big']\n"


def test_modules_data_and_packages_that_a_run_read_are_found_by_themselves(good):
    _, found = good
    read_by = {
        name: {key.rpartition("/")[2] for key in found[name]["depends"] if key.startswith(("module", "data"))}
        for name in ("reads", "gives")
    }  # what it wrote into its own folder is none
    assert read_by["reads"] - read_by["gives"] == {"_helper.py", "_deeper.py", "numbers.csv"}
    assert read_by["gives"] <= {"book.mplstyle"}
    assert {"package tensorflow", "package matplotlib", "package ipython"} <= found["graph"]["depends"].keys()


def test_a_change_in_what_a_run_read_makes_that_example_alone_stale(good):
    project, _ = good
    with inside(project):
        for path, text, changed in (("examples/_deeper.py", "y = 1\n", "y = 2\n"), ("numbers.csv", "1,2\n", "1,3\n")):
            project.write(path, changed)
            stale = {example.name: records.find(example)[1] for example in run.examples()}
            assert [name for name, why in stale.items() if why and name != "sets"] == ["reads"]
            assert re.fullmatch(rf"(module|data) \S*{path} changed: .*", stale["reads"])
            project.write(path, text)


def test_what_an_example_sets_in_its_own_environment_leaves_its_record_valid(good):
    with inside(good[0]):
        assert {example.name: records.find(example)[1] for example in run.examples()}["sets"] is None


def test_a_second_run_gives_the_same_bytes(good):
    project, first = good
    with inside(project):
        made = run.examples(["draws", "scalars"])
        shutil.rmtree(records.STORE / "..", ignore_errors=True)
        assert run.run(made) == []
        again = {example.name: records.load(records.every(example.name)[0]) for example in made}
    for name, record in again.items():
        assert plain(record) == plain(first[name] | {"cells": list(first[name]["cells"].values())})


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """(project, {name: its errors}) of examples that fail, each in its way, and of one that does not."""
    with inside(Project(tmp_path_factory.mktemp("bad") / "project")) as project:
        hog = "x = b'x' * int(1.5e9)\nimport time\ntime.sleep(600)"
        made = [
            project.example("raises", define="def f(x):\n    y = x\n\n    return 1 / y", call="print('here')\n\nf(0)", after="print('never')"),
            project.example("checks", f"# %% one {CHECK}\nassert 1 == 2, 'one is not two'", f"# %% two {CHECK}\nassert True", f"# %% three {CHECK}\n\nassert 3 == 4", visible="x = 1", last="x"),
            project.example("slow", FRONT.format("seconds: 2"), quick="x = 1", sleeps=f"{SLEEP}\nimport time\ntime.sleep(600)"),
            project.example("fat", FRONT.format("memory_gb: 1"), hog=SLEEP + hog),
            project.example("segv", a=f"{SLEEP}\nimport os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
            project.example("killed", first="x = 1", second=f"{SLEEP}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
            project.example("exits", a="import os\nos._exit(3)"),
            project.example("offline", a="x = 1\nraise Exception('URL fetch failure on https://host/train.gz: None -- unreachable')"),
            project.example("leaves", a=SLEEP + "print('done')"),
            project.example("fine", a="print('done')"),
        ]  # fmt: skip
        errors = run.run(made, jobs=2)
    return project, {example.name: [error for error in errors if error.path == example.path] for example in made}


ENDS = {
    "raises": ("call", 9, "ZeroDivisionError: division by zero"),
    "slow": ("sleeps", None, "more than 2 s"),
    "fat": ("hog", None, r"more than 1 GB"),
    "segv": ("a", None, "SIGSEGV.* GB"),
    "killed": ("second", None, "SIGKILL.* GB"),
    "exits": ("a", None, "status 3"),
    "offline": ("a", None, "no internet.*apt-get install dataset-fashion-mnist"),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_example_that_fails_says_how_and_where_and_leaves_no_record(bad, name):
    project, errors = bad
    cell, _, words = ENDS[name]
    (error,) = errors[name]
    assert error.cell == cell and re.search(words, error.message, re.DOTALL)
    place = read(error.path)[cell]
    if name not in ("raises", "offline"):
        assert error.line == place.line
    with inside(project):
        assert records.every(name) == []
        assert str(error).startswith(f"examples/{name}.py:{error.line}: cell {cell!r}: ")


def test_an_exception_names_the_scripts_line_and_its_trace_begins_in_the_script(bad):
    (error,) = bad[1]["raises"]
    lines = error.path.read_text().splitlines()
    assert "1 / y" in lines[error.line - 1]
    places = re.findall(r'File "(.*?)", line (\d+), in (\S+)\n +(.*)', error.trace)
    assert [(name, function) for name, _, function, _ in places] == [("raises.py", "<module>"), ("raises.py", "f")]
    assert [lines[int(number) - 1].strip() for _, number, _, _ in places] == [code for *_, code in places]
    assert error.trace.startswith("Traceback") and error.trace.endswith("ZeroDivisionError: division by zero\n")


def test_a_failing_check_hides_no_other_and_each_names_its_cell_and_line(bad):
    project, errors = bad
    found = [(error.cell, error.message) for error in errors["checks"]]
    assert found == [("one", "cell 'one': AssertionError: one is not two"), ("three", "cell 'three': AssertionError")]
    lines = errors["checks"][0].path.read_text().splitlines()
    assert [lines[error.line - 1] for error in errors["checks"]] == ["assert 1 == 2, 'one is not two'", "assert 3 == 4"]
    with inside(project):
        assert records.every("checks") == []


def test_when_others_crash_the_sound_examples_are_recorded(bad):
    project, errors = bad
    with inside(project):
        for name in ("fine", "leaves"):
            assert errors[name] == [] and len(records.every(name)) == 1


def test_no_process_is_left_by_any_end_of_an_example(bad):
    until(lambda: processes(MARK) == [])
    server = multiprocessing.forkserver._forkserver._forkserver_pid
    until(lambda: [p for p in psutil.Process(server).children(recursive=True) if p.status() != "zombie"] == [])


# --- limits and ends that must not stop the others --------------------------------------------------------------------


@pytest.fixture
def fine(project):
    return project.example("fine", a="x = 1")


def test_a_limit_shorter_than_the_start_of_a_child_is_an_error_like_any_other(project, fine):
    hasty = project.example("hasty", FRONT.format("seconds: 0"), a="x = 1")
    (error,) = run.run([hasty, fine])
    assert error.path == hasty.path and "more than 0 s" in error.message
    assert records.find(fine)[0]


def test_what_a_cell_leaves_can_be_of_a_class_of_its_own(project, fine):
    enum = project.example(
        "enum", a="import enum\n\n\nclass Colour(enum.IntEnum):\n    RED = 1\n\n\nx = Colour.RED\ny = 2"
    )
    assert run.run([enum, fine]) == []
    assert records.find(enum)[0]["cells"][0]["scalars"]["y"] == 2 and records.find(fine)[0]


def test_a_crash_is_named_although_a_process_that_the_example_forked_lives_on(project):
    code = "import os, signal, time\nif os.fork() == 0:\n    time.sleep(600)\nos.kill(os.getpid(), signal.SIGKILL)"
    (error,) = run.run([project.example("forks", FRONT.format("seconds: 6"), a=code)])
    assert "SIGKILL" in error.message


def test_a_full_disk_is_one_clear_error_for_each_example(project, fine, monkeypatch):
    other = project.example("other", a="x = 2")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        errors = run.run([fine, other])
    assert [re.sub("-[0-9a-f]{16}", "", error.message).partition(";")[0] for error in errors] == [
        f"cannot write build/records/{name}.json: No space left on device" for name in ("fine", "other")
    ]
    assert run.run([fine, other]) == [] and records.find(fine)[0]


def test_examples_run_longest_first_and_the_watcher_hears_of_every_cell(project):
    heard = []
    for name, seconds in (("short", 1), ("long", 9)):
        project.example(name, a="import time\ntime.sleep(0.3)", b="time.sleep(0.3)")
        made = {"example": name, "ran": {"seconds": seconds}, "cells": [], "depends": {}}
        records.save(made)
    assert run.run(run.examples(), jobs=1, heard=lambda now, left: heard.append((*now.items(), left))) == []
    steps = list(dict.fromkeys(step[0] for step in heard if len(step) == 2))
    assert steps == [("long", "a"), ("long", "b"), ("short", "a"), ("short", "b")]
    lefts = [step[-1] for step in heard]
    assert lefts == sorted(lefts, reverse=True) and set(lefts) == {1, 2}


# --- isolation --------------------------------------------------------------------------------------------------------

POLLUTE = """
import os, random, sys, warnings
import keras, matplotlib.pyplot as plt, numpy as np

open("left", "w").write("x")
os.chdir("/")
os.environ["POLLUTED"] = "1"
sys.path.insert(0, "/nowhere")
sys.modules["polluted"] = sys
warnings.simplefilter("error")
plt.rcParams["lines.linewidth"] = 9
plt.figure()
keras.config.set_floatx("float16")
np.set_printoptions(precision=1)
np.random.seed(0)
random.seed(0)
"""
SEE = """
import os, random, sys, warnings
import keras, matplotlib.pyplot as plt, numpy as np

print(os.listdir("."), "POLLUTED" in os.environ, "/nowhere" in sys.path, "polluted" in sys.modules)
print([str(f) for f in warnings.filters if f[0] == "error" and f[2] is Warning])
print(plt.rcParams["lines.linewidth"] == 9, plt.get_fignums(), keras.config.floatx(), np.array([1 / 3]))
print(np.random.get_state()[1][0] == 0, random.random() == 0.8444218515250481)
plt.figure()
plt.plot([1, 2])
plt.show()
"""


def test_what_an_example_does_to_its_process_no_other_notices_in_any_order(project):
    see = project.example("see", a=SEE)
    project.example("pollute", a=POLLUTE, b=SEE)

    def seen(names, jobs):
        shutil.rmtree(records.STORE, ignore_errors=True)
        assert run.run(run.examples(names), jobs) == []
        return plain(records.find(see)[0]), records.every("pollute")

    alone, _ = seen(["see"], 1)
    assert alone[1][0]["stdout"].splitlines()[0] == "[] False False False"
    for names, jobs in ((["pollute", "see"], 1), (["see", "pollute"], 1), (["pollute", "see"], 2)):
        after, polluted = seen(names, jobs)
        assert after == alone
        assert records.load(polluted[0])["cells"][1]["stdout"] != alone[1][0]["stdout"]  # it can be seen


# --- when the run itself is ended -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A project with a process of its own: one example that is done at once, one that sleeps until `go` is there."""
    project = copy(tmp_path_factory.mktemp("copied") / "project")
    project.example("done", a="print('done')")
    go, asleep = (str(project.root / name) for name in ("go", "asleep"))
    project.example(
        "sleeps",
        a=f"import os, time\n{SLEEP}\nopen({asleep!r}, 'w').close()\nwhile not os.path.exists({go!r}): time.sleep(0.1)",
    )
    return project


@pytest.mark.parametrize(
    ("whom", "ending", "status"),
    [
        ("group", signal.SIGINT, {130, 1}),  # Ctrl-C
        ("parent", signal.SIGTERM, {-15, 143}),
        ("parent", signal.SIGKILL, {-9}),
        ("group", signal.SIGKILL, {-9}),
    ],
)
def test_however_a_run_is_ended_no_process_is_left_and_what_was_done_is_kept(copied, whom, ending, status):
    for name in ("go", "asleep"):
        (copied.root / name).unlink(missing_ok=True)
    store, mark = copied.root / "build" / "records", uuid.uuid4().hex
    shutil.rmtree(store, ignore_errors=True)
    process = copied.start("run", "--jobs", 2, BOOK_TEST=mark)
    until(lambda: (copied.root / "asleep").exists() and list(store.glob("done-*.json")))
    assert len(processes(mark)) > 2
    (os.kill if whom == "parent" else os.killpg)(process.pid, ending)
    process.communicate()
    assert process.returncode in status
    until(lambda: processes(mark) == [])
    kept = {path.name: path.read_bytes() for path in store.iterdir()}
    assert [name.partition("-")[0] for name in kept] == ["done"]
    if (whom, ending) == ("group", signal.SIGKILL):
        (copied.root / "go").touch()
        assert copied.book("run")[0] == 0
        now = {path.name: path.read_bytes() for path in store.iterdir()}
        assert kept.items() < now.items() and {name.partition("-")[0] for name in now} == {"done", "sleeps"}


def test_two_runs_at_once_on_one_store_both_succeed_and_no_example_runs_twice_at_the_same_time(copied):
    shutil.rmtree(copied.root / "build", ignore_errors=True)
    ran = copied.root / "ran"
    for name in ("one", "two", "three"):
        code = f"import time\nlog = open({str(ran)!r}, 'a')\nprint('{name} +', file=log, flush=True)\ntime.sleep(0.3)"
        copied.example(name, a=f"{code}\nprint('{name} -', file=log, flush=True)")
    both = [copied.start("run", "one", "two", "three", "--jobs", jobs) for jobs in (1, 2)]
    for process in both:
        assert process.wait() == 0, process.stderr.read()
    told = ran.read_text().splitlines()
    for name in ("one", "two", "three"):
        (copied.root / f"examples/{name}.py").unlink()
        assert [line for line in told if line.startswith(name)] == [f"{name} +", f"{name} -"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A project of five trivial examples, and the records of an undisturbed run."""
    project = copy(tmp_path_factory.mktemp("killed") / "project")
    for number in range(5):
        project.example(f"e{number}", a=f"x = {number}\nprint(x)", b=f"y = 'x' * 300 * {number}\nprint(y)")
    status, _, err = project.book("run")
    assert status == 0, err
    return project, stored(project)


def stored(project):
    """{example: what its only record says, its measured times aside}; each must check out."""
    paths = sorted((project.root / "build" / "records").glob("*"))
    assert all(records.digest(path.read_bytes())[:16] == path.stem[-16:] for path in paths), paths
    found = {path.name.partition("-")[0]: json.loads(path.read_bytes()) for path in paths}
    assert len(found) == len(paths)
    return {name: json.dumps(record | {"ran": sorted(record["ran"])}) for name, record in found.items()}


def test_a_run_killed_at_any_moment_loses_no_record_and_the_next_ends_as_if_undisturbed(killed):
    project, undisturbed = killed
    store, chance = project.root / "build" / "records", random.Random(0)
    for kill in range(32):
        if kill % 4 == 0:
            shutil.rmtree(project.root / "build")
        process = project.start("run", "--jobs", 1 + kill % 2)
        done = len(list(store.glob("*.json")))
        until(lambda done=done, p=process: len(list(store.glob("e*.json"))) > done or p.poll() is not None)
        time.sleep(chance.uniform(0, 0.15))  # the next example runs and is written
        kept = {path.name: path.read_bytes() for path in store.glob("e*.json")}
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert kept.items() <= {path.name: path.read_bytes() for path in store.glob("e*.json")}.items()
        if kill % 4 == 3:
            status, _, err = project.book("run")
            assert status == 0, err
            assert stored(project) == undisturbed
            kept = {path.name: path.read_bytes() for path in store.glob("e*.json")}
            assert kept == {path.name: path.read_bytes() for path in store.iterdir()}  # nothing half written stays


def test_a_record_that_a_kill_left_half_written_is_never_read(project, fine):
    """The windows of a few microseconds while a record is written, which a random kill does not meet."""
    assert run.run([fine]) == []
    (record,) = records.every("fine")
    whole = record.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        record.unlink()
        half = record.with_name(f".{record.name}.12345")
        half.write_bytes(whole[:length])
        assert records.find(fine) == (None, "never run")
        assert run.run([fine]) == [] and records.find(fine)[0]
        assert not half.exists()
        (record,) = records.every("fine")
