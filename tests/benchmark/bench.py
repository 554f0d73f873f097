"""The same examples through the book and its peers, cold and warm; the writer's server; growth. `make bench`.

Writes build/bench/results.json and docs/{ko,en}/benchmark.md, and prints the latter. It judges, but exits with an
error only when something did not run: a benchmark measures, it does not test.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

import engines
import psutil
import report
from engines import BOOK, CORES, EDITIONS, HERE, OURS, PROJECT, WORK, read, write

IMPORT = [sys.executable, "-c", "import tensorflow, keras, matplotlib.pyplot"]
LIMIT = 1800  # seconds after which a command is given up
PLAIN = """INHERIT: {parent}
docs_dir: {build}/plain/{language}
site_dir: {build}/plain-site/{language}
hooks: []
plugins: {{mkdocs-jupyter: {{cache_dir: {build}/cache/plain.{language}}}}}
"""


class DidNotRun(Exception):
    """An engine failed, or what it made lacks what an example prints."""


def note(*told):
    print(f"{datetime.datetime.now():%H:%M:%S}", *told, file=sys.stderr, flush=True)


@contextmanager
def started(command, folder):
    """A process in a session of its own, all of which is gone afterwards. Its output goes to the folder's log."""
    env = {key: value for key, value in os.environ.items() if key not in {"MPLBACKEND", "PYTHONPATH"}}
    env |= {"NO_MKDOCS_2_WARNING": "1", "JUPYTER_PATH": f"{sys.prefix}/share/jupyter"}
    if command[0] == sys.executable:  # the copied project's `book`, and a note of each import of TensorFlow
        env["PYTHONPATH"] = f"{HERE / 'watch'}{os.pathsep}{folder / 'docs'}"
        env["BENCH_IMPORTS"] = str(folder / "imports")
    with open(folder / "log", "ab") as log:
        how = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
        process = subprocess.Popen(command, cwd=folder, env=env, **how)
    try:
        yield process
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def timed(command, folder):
    """Seconds of a command. Raises `DidNotRun` with the end of its log."""
    began = time.monotonic()
    with started(command, folder) as process:
        over = threading.Timer(LIMIT, process.kill)
        over.start()
        status, seconds = process.wait(), time.monotonic() - began
        over.cancel()
    if status:
        raise DidNotRun(f"{' '.join(map(str, command))[:200]}: exit status {status}\n{read(folder / 'log')[-1500:]}")
    return seconds


def imports(folder):
    """How often TensorFlow was imported there."""
    return len(read(folder / "imports").splitlines()) if (folder / "imports").exists() else 0


def fresh(*names):
    shutil.rmtree(WORK.joinpath(*names), ignore_errors=True)
    WORK.joinpath(*names).mkdir(parents=True)
    return WORK.joinpath(*names)


def check(folder, outputs, given):
    """Raise `DidNotRun` unless the outputs hold the marks of all examples."""
    made = "".join(read(path) for path in folder.glob(outputs))
    if missing := [name for name, mark in given.marks.items() if mark not in made]:
        raise DidNotRun(f"no output of {', '.join(missing)} in {folder / outputs}")


# --- cold, and again with nothing changed -----------------------------------------------------------------------------


def attempt(engine, given, folder):
    """{cold, again, anew: seconds of each step}."""
    steps, found = engine.prepare(folder, given), {}
    for kind, options in engine.times.items():
        found[kind] = [timed([*command, *options], where) for command, where in steps]
        check(folder, engine.outputs, given)
    return found


def side_by_side(name, given, rounds):
    """All engines, one after the other, in each round anew."""
    found = {"names": list(given.scripts), "import": [], "cpu": [], "longest": [], "engines": {}}
    for _ in range(rounds):
        found["import"].append(timed(IMPORT, WORK))
        for engine in engines.ENGINES:
            told = {"isolated": engine.isolated, "pages": engine.pages, "failed": ""}
            told |= {"cold": [], "again": [], "anew": []}
            told, folder = found["engines"].setdefault(engine.name, told), fresh(name, engine.name.replace(" ", "-"))
            try:
                for kind, seconds in (measured := attempt(engine, given, folder)).items():
                    told[kind].append(seconds)
                note(name, engine.name, measured)
            except DidNotRun as error:
                told["failed"] = str(error)
                note(name, engine.name, error)
            if engine is OURS and not told["failed"]:  # its records tell how long the bodies are
                ran = [json.loads(read(path))["ran"] for path in folder.glob("build/records/*.json")]
                found["cpu"].append(sum(one["cpu_seconds"] for one in ran))
                found["longest"].append(max(one["seconds"] for one in ran))
    return found


# --- warm: against plain MkDocs ---------------------------------------------------------------------------------------


def warm(given, rounds):
    """Both editions with nothing changed, and MkDocs alone on the same Markdown and executed notebooks."""
    folder, plain = fresh("warm"), []
    with suppress(OSError):  # what the question before recorded
        shutil.copytree(WORK / "own" / "book" / "build" / "records", folder / "build" / "records")
    attempt(OURS, given, folder)
    timed([*BOOK, "expand", "--to", "build/plain"], folder)
    for language, site, config in (("ko", "site", "mkdocs.yml"), ("en", "en", "docs/mkdocs.en.yml")):
        build, path = folder / "build", (folder / config).with_name(f"plain.{language}.yml")
        for use in "notebooks", "downloads":  # to read as pages, and as they are
            shutil.copytree(build / site / "downloads", build / "plain" / language / use)
        write(path, PLAIN.format(parent=Path(config).name, build=build, language=language))
        plain.append([*engines.MKDOCS, path])
        timed(plain[-1], folder)  # from now on its notebooks are remembered, as the book's are
    check(folder, "build/plain-site/**/*.html", given)
    (folder / "imports").unlink(missing_ok=True)
    found = {"chapters": len(given.scripts), "book": [], "plain": [], "run": []}
    for _ in range(rounds):
        found["book"].append(sum(timed(command, folder) for command in EDITIONS))
        found["plain"].append(sum(timed(command, folder) for command in plain))
        found["run"].append(timed([*BOOK, "run"], folder))
    return found | {"imports": imports(folder)}


# --- the writer's server ----------------------------------------------------------------------------------------------


class Served:
    """A copy of the book with trivial examples, and its server."""

    def __init__(self, count):
        self.folder, self.given, self.last = fresh(f"serve-{count}"), engines.generated("trivial", count), 5000
        engines.copy(self.folder, self.given)

    @contextmanager
    def up(self):
        """Start the server; yields the seconds until both editions answer."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with started([*BOOK, "serve", "--port", str(self.port)], self.folder) as self.process:
            yield self.until("Welcome", "/", "/en/")
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)

    def get(self, path):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return re.sub(r"<[^>]*>", "", answer.read().decode())
        return ""

    def until(self, text, *paths):
        """Seconds until these pages show `text`."""
        began = time.monotonic()
        for path in paths:
            while text not in self.get(path):
                if self.process.poll() is not None or time.monotonic() - began > LIMIT:
                    raise DidNotRun(f"serve: {path} never shows {text!r}\n{read(self.folder / 'log')[-1500:]}")
                time.sleep(0.02)
        return time.monotonic() - began

    def settled(self):
        """Wait until the server has nothing else to do; returns a new number to look for."""
        server = psutil.Process(self.process.pid)
        while server.cpu_percent(1) > 25:  # it goes on looking at files
            pass
        self.last += 1
        return self.last

    def sentence(self):
        """Seconds until a changed sentence shows."""
        text = f"Number {self.settled()} it is."
        write(self.folder / "docs/ko/trivial-1001.md", f"{self.given.chapters['ko']['trivial-1001']}\n{text}\n")
        return self.until(text, "/trivial-1001/")

    def example(self):
        """Seconds until a changed example's output shows in both editions, less those of its body."""
        path, number = self.folder / "examples/trivial-1001.py", self.settled()
        write(path, re.sub(r"NUMBER = \d+", f"NUMBER = {number}", read(path)))
        seconds = self.until(f"answer {7 * number}", "/trivial-1001/", "/en/trivial-1001/")
        records = self.folder.glob("build/records/trivial-1001-*.json")
        return seconds - json.loads(read(max(records, key=lambda path: path.stat().st_mtime)))["ran"]["seconds"]


def serve(count, rounds):
    """The server of a book of so many chapters: nothing recorded, then all."""
    served, began, found = Served(count), time.monotonic(), {"restart": [], "first example": []}
    with served.up() as found["start"]:
        for number, name in enumerate(served.given.scripts, 1001):
            served.until(f"answer {7 * number}", f"/{name}/", f"/en/{name}/")
        found["complete"], before = time.monotonic() - began, imports(served.folder)
        found["sentence"] = [served.sentence() for _ in range(rounds)]
        found["example"] = [served.example() for _ in range(rounds)]
        found["imports"] = imports(served.folder) - before
    for _ in range(rounds):
        with served.up() as seconds:
            found["restart"].append(seconds)
            found["first example"].append(served.example())
    note("serve", count, found)
    return found


# --- growth -----------------------------------------------------------------------------------------------------------


def peak(pid, done, peaks):
    """Note the most MB that a process and each of its children take."""
    parent = psutil.Process(pid)
    while not done.wait(0.2):
        with suppress(psutil.Error):
            for one in (parent, *parent.children()):
                peaks[one.pid] = max(peaks.get(one.pid, 0), one.memory_info().rss / 2**20)


def growth(counts, rounds):
    """Runs of more and more trivial examples: seconds, and most MB of the process and of its largest child."""
    found = {str(count): [] for count in counts}
    for count in [*counts] * rounds:
        folder, given, peaks, done = fresh("growth"), engines.generated("trivial", count), {}, threading.Event()
        engines.copy(folder, given)
        began = time.monotonic()
        with started([*BOOK, "run"], folder) as process:
            threading.Thread(target=peak, args=(process.pid, done, peaks)).start()
            process.wait()
            seconds = time.monotonic() - began
            done.set()
        check(folder, "build/records/*.json", given)
        parent, *children = peaks.values()
        found[str(count)].append([seconds, parent, max(children, default=0)])
        note("growth", count, found[str(count)][-1])
    return found


# --- all together -----------------------------------------------------------------------------------------------------


def machine(rounds):
    """What it is measured on."""
    pins = dict(re.findall(r"^(\S+)==(\S+)$", read(HERE / "requirements.txt"), re.MULTILINE))
    versions = {"Python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("tensorflow", "keras", "mkdocs", "mkdocs-jupyter")}
    versions |= {name: pins[name] for name in ("myst-nb", "jupyter-cache", "sphinx", "sphinx-gallery")}
    model = re.search(r"model name\s*: (.+)", read(Path("/proc/cpuinfo"))) if sys.platform == "linux" else None
    return {
        "cores": CORES,
        "cpu": model[1] if model else platform.processor(),
        "ram": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "load": psutil.getloadavg()[0],
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "versions": versions,
    }


def main():
    questions = ["small", "own", "warm", "serve", "growth"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="A,B", default=",".join(questions), help=f"of: {', '.join(questions)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="little of each and one round, to try it out")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the pages from the last results")
    parser.add_argument("--to", type=Path, metavar="DIR", help="for {ko,en}/benchmark.md (default: docs)")
    asked = parser.parse_args()
    quick, rounds = asked.quick, 1 if asked.quick else asked.rounds
    saved, to = (WORK / "quick.json", WORK) if quick else (WORK / "results.json", PROJECT / "docs")
    results = json.loads(read(saved)) if saved.exists() else {}
    if not asked.page:
        engines.settle()
        results["machine"] = machine(rounds)
        if results["machine"]["load"] > 0.5:
            note("this machine is busy: the figures will tell little")
        timed(IMPORT, WORK)  # from now on in the system's cache
        if not imports(WORK):
            raise DidNotRun("imports of TensorFlow are not noticed")
        own, small = engines.own(1 if quick else None), engines.generated("small", 2 if quick else 6)
        chapters, sizes = ((3, 20), (10, 30)) if quick else ((3, 200), (10, 50, 250))
        measures = {
            "small": lambda: side_by_side("small", small, rounds),
            "own": lambda: side_by_side("own", own, 1),
            "warm": lambda: warm(own, rounds),
            "serve": lambda: {str(count): serve(count, rounds) for count in chapters},
            "growth": lambda: growth([CORES, *(size for size in sizes if size > CORES)], rounds),
        }
        for question in asked.only.split(","):
            began = time.monotonic()
            results[question] = measures[question]()
            results.setdefault("took", {})[question] = time.monotonic() - began
            write(saved, json.dumps(results, indent=1))
    for language in "ko", "en":
        write((asked.to or to) / language / "benchmark.md", report.page(results, language))
    report.show(results)
    sets = [results[part]["engines"] for part in ("small", "own") if part in results]
    failed = {name for set_ in sets for name, told in set_.items() if told["failed"]}
    return f"did not run: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())
