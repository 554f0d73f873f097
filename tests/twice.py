"""`make twice`: a second cold build in another folder, with another hash seed and one job, is byte for byte the first.

What may differ is told from the records: how long a run took and when, and the output of cells tagged `timing`. The
labs, whose runs take minutes, keep their records.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys

import pytest
from book import records
from book.cells import ROOT, examples

LABS = os.environ.get("LAB_PAGES", "").split()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A clone of the project elsewhere, its examples but the labs run anew and both editions built."""
    root = tmp_path_factory.mktemp("another place") / "clone"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    (root / "docs" / "node_modules").symlink_to(ROOT / "docs" / "node_modules")
    (root / "build" / "records").mkdir(parents=True)
    for example in examples():
        if example.name in LABS:
            shutil.copy(records.every(example.name)[0], root / "build" / "records")
    begin(root, "-m", "book", "run", "--jobs", "1")
    for example in examples():
        if example.name not in LABS:
            take_times(root / "build" / "records", example)
    for config in ("mkdocs.yml", "docs/mkdocs.en.yml"):
        begin(root, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", config)
    return root


def begin(root, *arguments):
    env = os.environ | {"PYTHONPATH": str(root / "docs"), "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, *arguments], cwd=root, env=env, check=True)


def take_times(store, example):
    """Put the first run's times into the second's record, which is then to be the first's, name and all."""
    (path,) = store.glob(f"{example.name}-*.json")
    first, second = (json.loads(at.read_bytes()) for at in (records.every(example.name)[0], path))
    second["ran"] = first["ran"]
    for cell, there, here in zip(example.cells, first["cells"], second["cells"], strict=True):
        if "timing" in cell.tags:
            here.update(there)
    path.unlink()
    data = json.dumps(second, ensure_ascii=False, indent=1).encode()
    (store / f"{example.name}-{records.digest(data)[:16]}.json").write_bytes(data)


@pytest.mark.parametrize("name", [example.name for example in examples() if example.name not in LABS])
def test_a_second_cold_run_records_the_same_bytes(other, name):
    (path,) = (other / "build" / "records").glob(f"{name}-*.json")
    first, second = json.loads(records.every(name)[0].read_bytes()), json.loads(path.read_bytes())
    assert first["depends"] == second["depends"]
    for there, here in zip(first["cells"], second["cells"], strict=True):
        assert {key: there[key] == here[key] for key in there} == dict.fromkeys(there, True), there["name"]
    assert path.name == records.every(name)[0].name


def test_both_editions_notebooks_and_figures_have_the_same_bytes(other):
    first, second = ROOT / "build" / "site", other / "build" / "site"
    names = [{str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()} for top in (first, second)]
    assert names[0] == names[1] and len(names[0]) > 50
    assert filecmp.cmpfiles(first, second, names[0], shallow=False)[1:] == ([], [])
