"""The store of records: what is kept, what is refused, and why a record is stale. And the data set's own store."""

import errno
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
from pathlib import Path

import pytest
from book import data, records
from book.cells import BookError, read
from helpers import move_in

pytest_plugins = "helpers"

READ = [("module", "examples/_helper.py"), ("data", "numbers.csv"), ("package", "numpy")]
PROSE = "# %% [markdown]\n# Words.\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty Keras configuration and no settings."""
    for key in os.environ:
        if key.startswith(("TF_", "KERAS_")):
            monkeypatch.delenv(key)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


@pytest.fixture
def example(home, project):
    project.write("examples/_helper.py", "y = 1\n")
    project.write("numbers.csv", "1,2\n")
    return project.example("a", first="x = 1", last="x + 1")


def keep(example, things=READ, **more):
    """Save a record of `example` and return it."""
    stands = records.depends(example) | records.fingerprints(things)
    made = {"example": example.name, "ran": {"seconds": 1}, "cells": [], "depends": stands}
    records.save(made | more)
    return made | more


def why(example):
    return records.find(read(example.path))[1]


def files():
    return sorted(path for path in records.STORE.rglob("*") if path.is_file())


def test_a_record_comes_back_as_it_was_saved(example):
    made = keep(
        example, cells=[{"name": "first", "stdout": "정확도\u2028\x00", "scalars": {"x": 0.1 + 0.2, "t": True}}]
    )
    assert records.find(example) == (made, None)
    assert [path.parent for path in files()] == [records.STORE]


def test_an_example_without_a_record_never_ran(example):
    assert records.find(example) == (None, "never run")


def rewrite(old, new, name="examples/a.py"):
    def change(project, monkeypatch):
        text = (project.root / name).read_text()
        assert old in text
        project.write(name, text.replace(old, new))

    return change


def setting(key, value):
    return lambda project, monkeypatch: monkeypatch.setenv(key, value)


def patch(target, name, value):
    return lambda project, monkeypatch: monkeypatch.setattr(target, name, lambda *_: value)


def keras_json(**values):
    def change(project, monkeypatch):
        path = Path(os.environ["KERAS_HOME"], "keras.json")
        path.parent.mkdir()
        path.write_text(json.dumps(values))

    return change


LAST = "# %% last\n"
HEX = "[0-9a-f]{8}"
STALE = {
    "a changed cell": (rewrite("x + 1", "x + 2"), f"cell last changed: {HEX} → {HEX}"),
    "a renamed cell": (rewrite("last", "final"), f"cell final changed: none → {HEX}"),
    "a cell added": (rewrite("x + 1", "x + 1\n# %% later\n1"), f"cell later changed: none → {HEX}"),
    "a cell inserted": (rewrite(LAST, f"# %% middle\n1\n{LAST}"), f"cell middle changed: none → {HEX}"),
    "cells in another order": (rewrite(f"# %% first\nx = 1\n\n{LAST}x + 1", f"{LAST}x + 1\n\n# %% first\nx = 1"), "order of cells changed: first last → last first"),
    "a removed cell": (rewrite(f"{LAST}x + 1", ""), f"cell last changed: {HEX} → none"),
    "a removed first cell": (rewrite(f"# %% first\nx = 1\n\n{LAST}", LAST), f"cell first changed: {HEX} → none"),
    "a module": (rewrite("y = 1", "y = 2", "examples/_helper.py"), rf"module examples/_helper\.py changed: {HEX} → {HEX}"),
    "a module that is gone": (lambda project, _: (project.root / "examples/_helper.py").unlink(), rf"module examples/_helper\.py changed: {HEX} → missing"),
    "a data file": (rewrite("1,2", "1,3", "numbers.csv"), rf"data numbers\.csv changed: {HEX} → {HEX}"),
    "a package": (patch(records, "version", "99.1"), r"package numpy changed: \d\S+ → 99\.1"),
    "Python": (patch(platform, "python_version", "3.99.1"), rf"Python changed: {platform.python_version()} → 3\.99\.1"),
    "the architecture": (patch(platform, "machine", "abacus"), rf"machine changed: \S+ {platform.machine()} → \S+ abacus"),
    "Keras's backend": (setting("KERAS_BACKEND", "jax"), "setting KERAS_BACKEND changed: none → jax"),
    "oneDNN": (setting("TF_ENABLE_ONEDNN_OPTS", "0"), "setting TF_ENABLE_ONEDNN_OPTS changed: none → 0"),
    "keras.json": (keras_json(floatx="float16"), r"setting keras\.json changed: none → .*float16.*"),
    "a limit": (rewrite("# %% first", "# ---\n# jupyter:\n#   book:\n#     seconds: 9\n# ---\n# %% first"), "limit seconds changed: 300 → 9"),
    "the record's format": (lambda _, monkeypatch: monkeypatch.setattr(records, "FORMAT", "next"), "record format changed: .* → next"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), STALE.values(), ids=STALE)
def test_a_change_of_what_a_record_stands_on_is_the_reason_given(example, project, monkeypatch, change, reason):
    keep(example)
    other = project.example("b", x="1")
    keep(other, [])
    assert why(example) is None
    with monkeypatch.context() as patched:
        change(project, patched)
        found, said = records.find(read(example.path))
        assert found is None
        assert re.fullmatch(reason, said), said
        if reason.startswith(("cell", "module", "data", "limit", "package")):
            assert why(other) is None
    shutil.rmtree(os.environ["KERAS_HOME"], ignore_errors=True)
    project.example("a", first="x = 1", last="x + 1")
    project.write("examples/_helper.py", "y = 1\n")
    project.write("numbers.csv", "1,2\n")
    assert why(example) is None  # undone, the record stands again


def crlf(name):
    def change(project, monkeypatch):
        path = project.root / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    return change


def moved(project, monkeypatch):
    shutil.copytree(project.root, project.root.with_name("elsewhere"))
    move_in(project.root.with_name("elsewhere"), monkeypatch)


def touched(project, monkeypatch):
    for path in project.root.glob("*/*.*"):
        os.utime(path, (1, 1))


VALID = {
    "prose": rewrite(LAST, PROSE + LAST),
    "comments between cells": rewrite(LAST, f"# a comment\n\n# more\n{LAST}# and below its name\n\n"),
    "a tag": rewrite("# %% last", '# %% last tags=["timing"]'),
    "front matter": rewrite(
        "# %% first",
        "# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n#     display_name: Python\n# ---\n# %% first",
    ),
    "blank lines between cells": rewrite(LAST, f"\n\n\n{LAST}"),
    "file times": touched,
    "line endings of the script": crlf("examples/a.py"),
    "line endings of a module": crlf("examples/_helper.py"),
    "the project's folder": moved,
    "another working directory": lambda project, monkeypatch: monkeypatch.chdir("/"),
    "another example": lambda project, monkeypatch: project.example("b", first="x = 3"),
    "the log level": setting("TF_CPP_MIN_LOG_LEVEL", "3"),
    "an unrelated variable": setting("MY_TF_VARIABLE", "3"),
    "Keras's default configuration": keras_json(**records.KERAS_DEFAULTS),
}


@pytest.mark.parametrize("change", VALID.values(), ids=VALID)
def test_what_cannot_change_a_result_leaves_a_record_valid(example, project, monkeypatch, change):
    keep(example)
    change(project, monkeypatch)
    moved_to = records.STORE.parents[1] / "examples" / "a.py"
    assert records.find(read(moved_to))[1] is None


def test_data_below_the_home_directory_is_the_same_in_another_home(example, tmp_path, monkeypatch):
    for home in ("one", "two"):
        (tmp_path / home / ".keras").mkdir(parents=True)
        (tmp_path / home / ".keras" / "set.npz").write_text("same")
    monkeypatch.setenv("HOME", str(tmp_path / "one"))
    keep(example, [("data", records.portable(tmp_path / "one" / ".keras" / "set.npz"))])
    monkeypatch.setenv("HOME", str(tmp_path / "two"))
    assert why(example) is None
    (tmp_path / "two" / ".keras" / "set.npz").write_text("altered")
    assert why(example).startswith("data ~/.keras/set.npz changed: ")


def test_declared_data_is_found_from_the_project_wherever_the_run_is(example, project, monkeypatch):
    front = "# ---\n# jupyter:\n#   book:\n#     data: [numbers.csv]\n# ---\n"
    declaring = project.example("d", front, a="1")
    monkeypatch.chdir("/")
    keep(declaring, [])
    monkeypatch.chdir(project.root)
    assert why(declaring) is None
    project.write("numbers.csv", "9\n")
    assert why(declaring).startswith("data numbers.csv changed: ")


DAMAGE = {
    "empty": lambda text: b"",
    "truncated": lambda text: text[: len(text) // 2],
    "one byte short": lambda text: text[:-1],
    "longer": lambda text: text + b" ",
    "a flipped bit": lambda text: text[:100] + bytes([text[100] ^ 1]) + text[101:],
    "not text": lambda text: b"\xff" * len(text),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_is_named_and_not_used(example, damage):
    keep(example)
    (path,) = files()
    path.write_bytes(damage(path.read_bytes()))
    assert records.find(example)[0] is None
    assert path.name in why(example)
    keep(example)
    assert why(example) is None  # a run mends it


def test_behind_a_damaged_record_an_older_valid_one_serves(example):
    older = keep(example)
    keep(example, ran={"seconds": 2})
    newest = records.every("a")[0]
    newest.write_bytes(b"")
    assert records.find(example) == (older, None)


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"version": 7, "cells": {}}', b'{"depends": null}'])
def test_an_intact_record_of_a_foreign_kind_is_refused_with_a_reason(example, content):
    records.STORE.mkdir(parents=True)
    (records.STORE / f"a-{records.digest(content)[:16]}.json").write_bytes(content)
    found, reason = records.find(example)
    assert found is None and reason not in (None, "never run")


def test_going_back_to_an_earlier_text_needs_no_run(example, project):
    texts = [f"x = {i}" for i in range(records.KEEP)]
    made = {}
    for text in texts:
        made[text] = keep(project.example("a", only=text))
    for text in texts:
        assert records.find(project.example("a", only=text)) == (made[text], None)
    keep(project.example("a", only="x = 'one more'"))
    assert len(files()) == records.KEEP


def test_copying_one_store_into_another_merges_them(example, project, monkeypatch, tmp_path):
    other = project.example("b", x="1")
    here = keep(example)
    monkeypatch.setattr(records, "STORE", tmp_path / "second machine")
    there = keep(other)
    keep(example)  # in both stores
    assert records.find(other)[0] == there
    shutil.copytree(records.STORE, project.root / "build" / "records", dirs_exist_ok=True)
    monkeypatch.setattr(records, "STORE", project.root / "build" / "records")
    assert [records.find(e)[0] for e in (example, other)] == [here, there]


@pytest.mark.parametrize("module, name", [("os", "fsync"), ("os", "replace"), ("builtins", "open"), ("os", "mkdir")])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_store_that_cannot_be_written_is_one_clear_error_and_keeps_what_it_had(example, project, monkeypatch, module, name, code):  # fmt: skip
    if name != "mkdir":
        keep(example)
    before = {path: path.read_bytes() for path in files()}

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(__import__(module), name, refuse)
        with pytest.raises(BookError, match=f"cannot write build/records/a-.*{os.strerror(code)}"):
            keep(example, ran={"seconds": 2})
    assert {path: path.read_bytes() for path in files()} == before


def test_write_tells_whether_anything_changed(tmp_path):
    path = tmp_path / "deep" / "file"
    assert [records.write(path, text) for text in (b"one", b"one", b"two")] == [True, False, True]
    assert path.read_bytes() == b"two" and list(path.parent.iterdir()) == [path]


# --- Fashion-MNIST's own files ----------------------------------------------------------------------------------------

RAW = bytes(range(40)) * 3


@pytest.fixture
def cache(home, monkeypatch):
    """Keras's cache for one small file `set.gz` of a known digest, and a package that holds it."""
    monkeypatch.setattr(data, "FASHION", {"set.gz": hashlib.sha256(RAW).hexdigest()})
    monkeypatch.setattr(data, "PACKAGE", home / "package")
    (home / "package").mkdir()
    (home / "package" / "set.gz").write_bytes(gzip.compress(RAW, 1))
    folder = home / "keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    return folder / "set.gz"


@pytest.fixture
def loads(project):
    return project.example("f", a="import keras\n(x, y), _ = keras.datasets.fashion_mnist.load_data()")


BAD = {
    "truncated": gzip.compress(RAW)[:-9],
    "altered": gzip.compress(RAW[:-1] + b"!"),
    "not gzip": RAW,
    "empty": b"",
}


@pytest.mark.parametrize("content", [None, *BAD.values()], ids=["missing", *BAD])
def test_missing_or_damaged_data_comes_from_the_local_package(cache, loads, capsys, content):
    if content is not None:
        cache.write_bytes(content)
    data.ensure(loads)
    assert gzip.decompress(cache.read_bytes()) == RAW
    assert ("truncated or altered" in capsys.readouterr().err) == (content is not None)


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_damaged_data_is_removed_for_keras_to_fetch_where_no_package_is_sound(cache, loads, capsys, content):
    cache.write_bytes(content)
    (data.PACKAGE / "set.gz").write_bytes(content)
    data.ensure(loads)
    assert not cache.exists() and str(cache) in capsys.readouterr().err


def test_without_a_package_missing_data_is_left_to_keras(cache, loads, capsys):
    shutil.rmtree(data.PACKAGE)
    data.ensure(loads)
    assert not cache.exists() and capsys.readouterr().err == ""


def test_sound_data_stays_also_when_packed_in_another_way(cache, loads):
    cache.write_bytes(gzip.compress(RAW, 9, mtime=1))
    before = cache.read_bytes()
    data.ensure(loads)
    assert cache.read_bytes() == before != (data.PACKAGE / "set.gz").read_bytes()


def test_an_example_that_loads_no_data_leaves_the_cache_alone(cache, example):
    cache.write_bytes(b"damaged")
    data.ensure(example)
    assert cache.read_bytes() == b"damaged"


def test_no_truncation_and_no_flipped_bit_passes_for_sound_data(tmp_path):
    packed, path = gzip.compress(RAW), tmp_path / "set.gz"
    digest = hashlib.sha256(RAW).hexdigest()
    broken = [packed[:n] for n in range(len(packed))]
    broken += [
        packed[:i] + bytes([packed[i] ^ 1 << bit]) + packed[i + 1 :] for i in range(len(packed)) for bit in range(8)
    ]
    for content in broken:
        path.write_bytes(content)
        assert not data.sound(path, digest) or gzip.decompress(content) == RAW
    path.write_bytes(packed)
    assert data.sound(path, digest) and not data.sound(tmp_path / "none", digest)
