"""A small project to try the machinery on: in this process (`project`), or a copy with a process of its own (`copy`).

PYTEST_DONT_REWRITE: a plugin of the test modules, which import from it as well.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from book import cells, records

REAL = cells.ROOT
LIGHT = """
import runpy, book.run
book.run.PRELOAD = [name for name in book.run.PRELOAD if name not in ("tensorflow", "keras")]
if __name__ == "__main__":
    runpy.run_module("book", run_name="__main__", alter_sys=True)
"""


def script(*parts, **named):
    """A script's text: `parts` as they are, then a cell for each keyword (`_` in it is `-`)."""
    return "\n".join([*parts, *(f"# %% {name.replace('_', '-')}\n{code}\n" for name, code in named.items())])


class Project:
    def __init__(self, root):
        self.root = root
        for folder in ("examples", "docs/ko", "docs/en"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        if not (root / "docs" / "book").exists():
            (root / "docs" / "book").symlink_to(REAL / "docs" / "book")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")
        return self.root / path

    def example(self, name, *parts, **named):
        """Write an example (see `script`) and read it."""
        return cells.read(self.write(f"examples/{name}.py", script(*parts, **named)))

    def chapters(self, name, text):
        """The same chapter in both editions; returns the Korean one's path."""
        self.write(f"docs/en/{name}.md", text)
        return self.write(f"docs/ko/{name}.md", text)

    def start(self, *arguments, light=True, log=subprocess.PIPE, **env):
        """Start `python -m book …` of a copied project; `light`: its forkserver imports no TensorFlow beforehand."""
        command = ["-c", LIGHT] if light else ["-m", "book"]
        (self.root / "tmp").mkdir(exist_ok=True)  # for what a killed run cannot remove
        given = {"PYTHONPATH": "docs", "TMPDIR": str(self.root / "tmp"), **env}
        env = {key: value for key, value in os.environ.items() if key != "GITHUB_ACTIONS"} | given
        return subprocess.Popen(
            [sys.executable, *command, *map(str, arguments)],
            cwd=self.root,
            env=env,
            stdout=log,
            stderr=log,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's `&` leaves Ctrl-C ignored
        )

    def book(self, *arguments, **how):
        """(exit status, stdout, stderr) of `python -m book …` in a copied project."""
        process = self.start(*arguments, **how)
        out, err = process.communicate()
        return process.returncode, out, err


def move_in(root, monkeypatch):
    """Make the machinery in this process take `root` for its project."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "book" and hasattr(module, "ROOT"):
            monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(records, "STORE", root / "build" / "records")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project that the machinery in this process takes for its own."""
    move_in(tmp_path / "project", monkeypatch)
    return Project(tmp_path / "project")


def copy(root):
    """A project with a copy of the machinery."""
    shutil.copytree(REAL / "docs" / "book", root / "docs" / "book", ignore=shutil.ignore_patterns("__pycache__"))
    return Project(root)


def processes(mark):
    """Living processes whose environment or command holds `mark`, zombies aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                mark in process.environ().values() or any(mark in part for part in process.cmdline())
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(condition, seconds=60):
    """Wait until `condition()` is true and return it; fail when it never is (the time is no measurement)."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, (
            f"never true: {Path(condition.__code__.co_filename).name}:{condition.__code__.co_firstlineno}"
        )
        time.sleep(0.05)
    return found
