"""Cells → records: each example in a fresh child, forked from a server that has imported TensorFlow once."""

import contextlib
import datetime
import linecache
import multiprocessing.connection
import multiprocessing.forkserver
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import psutil

from . import data, figures, records
from .cells import BookError, examples

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
BACKEND = "matplotlib_inline.backend_inline"
PRELOAD = ["tensorflow", "keras", "matplotlib.pyplot", BACKEND, "IPython.core.interactiveshell", __name__]
ASIDE = ["/proc", "/sys", "/dev", "/etc", "/usr", "/opt", "~/.cache", "~/.config", sys.prefix, sys.base_prefix]
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
STOP = threading.Event()  # ends the run that goes on


# --- in the child -----------------------------------------------------------------------------------------------------


def scalar(value):
    """A Python scalar for a Python, NumPy or TensorFlow one; None for anything else."""
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        value = value.numpy() if hasattr(value, "numpy") else value
        value = value.item() if hasattr(value, "item") else value
    kind = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    return kind(value) if kind and (kind is not str or len(value) < 500) else None


def settled(text):
    """Text as a terminal leaves it: without colours, after carriage returns and backspaces."""
    lines = []
    for line in ANSI.sub("", text).split("\n"):
        at, left = 0, []
        for letter in line:
            if letter in "\r\b":
                at = 0 if letter == "\r" else max(0, at - 1)
            else:
                left[at : at + 1] = letter
                at += 1
        lines.append("".join(left).rstrip())
    return "\n".join(lines)


def make_shell(example):
    """IPython's shell. Its code carries the script's name and lines, for tracebacks and for autograph."""
    import matplotlib
    from IPython.core.compilerop import CachingCompiler
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib_inline.backend_inline import configure_inline_support, set_matplotlib_formats
    from matplotlib_inline.config import InlineBackend

    name = example.path.name
    InteractiveShell.compiler_class = type("ScriptCompiler", (CachingCompiler,), {"cache": lambda *_, **__: name})
    linecache.cache[name] = (len(example.text), None, example.text.splitlines(keepends=True), name)
    shell = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False
    shell.input_transformer_manager.cleanup_transforms.clear()  # they drop the blank lines that keep the count
    InlineBackend.instance(parent=shell, print_figure_kwargs={"bbox_inches": "tight", "metadata": {"Date": None}})
    matplotlib.use(f"module://{BACKEND}")
    matplotlib.interactive(True)  # a figure left open is shown at the end of its cell
    configure_inline_support(shell, f"module://{BACKEND}")
    set_matplotlib_formats("svg")
    matplotlib.style.use(Path(__file__).with_name("book.mplstyle"))
    return shell


def run_cell(shell, example, cell):
    """Run one cell; return what it printed, returned, drew and raised, and its scalars."""
    from IPython.utils.capture import capture_output

    began, results = time.perf_counter(), []
    shell.display_trap.hook = lambda value: value is None or results.append(value)
    with capture_output() as captured:
        done = shell.run_cell("\n" * (cell.line - 1) + cell.source, store_history=False)
    error = done.error_before_exec or done.error_in_exec
    svgs = [output.data["image/svg+xml"] for output in captured.outputs if "image/svg+xml" in output.data]
    return {
        "name": cell.name,
        "stdout": settled(captured.stdout),
        "result": shell.display_formatter.format(results[-1])[0]["text/plain"] if results else "",
        "figures": [figures.tidy(svg) for svg in svgs],
        "error": explain(error, example, cell) if error else None,
        "warnings": settled(captured.stderr),
        "scalars": {n: s for n in sorted(cell.assigns) if (s := scalar(shell.user_ns.get(n))) is not None},
        "seconds": round(time.perf_counter() - began, 3),
    }


def explain(error, example, cell):
    """What a cell raised as `BookError`'s arguments: message, path, line, cell, and the traceback from the script on."""
    frames = traceback.TracebackException.from_exception(error)
    inside = [i for i, frame in enumerate(frames.stack) if frame.filename == example.path.name]
    line = frames.stack[inside[-1]].lineno if inside else cell.line
    frames.stack = traceback.StackSummary.from_list(frames.stack[inside[0] if inside else 0 :])
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"{data.HINT} ({message})" if "URL fetch failure" in message else message
    return [f"cell {cell.name!r}: {message}", example.path, line, cell.name, "".join(frames.format())]


class Reads:
    """What a run reads: the data files that Python opens, local modules and installed distributions."""

    def __init__(self, example, scratch, distributions):
        self.folder, self.opened, self.distributions = example.path.parent, set(), distributions
        self.aside = tuple(f"{Path(path).expanduser().resolve()}{os.sep}" for path in [scratch, *ASIDE])
        sys.addaudithook(self)

    def __call__(self, event, args):
        if event == "open" and isinstance(args[0], str | bytes) and not set(str(args[1])) & set("wax"):
            path = os.path.realpath(os.fsdecode(args[0]))
            if not path.startswith(self.aside) and not path.endswith((".py", ".pyc", "keras.json")):
                self.opened.add(path)

    def found(self):
        """{(kind, name)} as `records.fingerprints` takes them."""
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        return {
            *(("module", records.portable(file)) for file in files if file and Path(file).parent == self.folder),
            *(("data", records.portable(path)) for path in self.opened if os.path.exists(path)),
            *(("package", dist) for name in list(sys.modules) for dist in self.distributions.get(name, ())),
        }


def child(example, scratch, link, distributions):
    """Run all cells of `example` in this process and send what happened through `link`."""
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own, which ends with the parent, however that went
        parent = multiprocessing.parent_process().sentinel
        end = lambda: (multiprocessing.connection.wait([parent]), os.killpg(0, signal.SIGKILL))  # noqa: E731
        threading.Thread(target=end, daemon=True).start()
    log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv, sys.path[0:1] = [example.path.name], [str(example.path.parent)]
    (scratch / "work").mkdir()
    os.chdir(scratch / "work")
    stands, reads = records.depends(example), Reads(example, scratch, distributions)
    shell, cells = make_shell(example), []  # reads the style of the figures
    for cell in example.cells:
        link.send(cell.name)
        cells.append(run_cell(shell, example, cell))
        if cells[-1]["error"] and cell.visible:  # a failing check lets the others speak
            break
    ran = {"seconds": sum(cell["seconds"] for cell in cells), "cpu_seconds": sum(psutil.Process().cpu_times()[:2])}
    stands |= records.fingerprints(reads.found())
    link.send({"example": example.name, "ran": ran, "depends": stands, "cells": cells})
    link.close()
    os._exit(0)  # nothing that the example left behind (threads, atexit) can hold the run up


# --- in the parent ----------------------------------------------------------------------------------------------------


def start_server():
    """The context that makes children. Its server, once started, stays for later runs of this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(PRELOAD)
        saved, quiet = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)  # the server's own stderr, where TensorFlow greets; children have a log
        multiprocessing.forkserver.ensure_running()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(quiet)
    return context


def run_one(example, context, now, distributions):
    """Run one example in a child of its own and save its record. Returns the list of what went wrong.

    `now[example.name]` is the cell that runs; `STOP` ends the child, as do the example's limits.
    """
    if STOP.is_set():
        return []
    began, peak, why, record = time.monotonic(), 0.0, None, None
    scratch = Path(tempfile.mkdtemp(prefix=f"book-{example.name}-")).resolve()
    link, theirs = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(example, scratch, theirs, distributions))
    try:
        data.ensure(example)
        process.start()
        theirs.close()
        while not (why or record):
            with contextlib.suppress(psutil.Error):
                peak = max(peak, psutil.Process(process.pid).memory_info().rss / 2**30)
            ready, message = multiprocessing.connection.wait([link, process.sentinel], timeout=0.2), None
            with contextlib.suppress(EOFError, OSError):
                message = link.recv() if link in ready else None
            if isinstance(message, dict):
                record = message
            else:
                code = None if message else process.exitcode  # what it still had to say comes first
                now[example.name] = message or now.get(example.name, example.cells[0].name)
                why = "was stopped" if STOP.is_set() else over(example, code, time.monotonic() - began, peak)
        trace = (scratch / "log").read_text(errors="replace")[-2000:]
        cell = example[now.pop(example.name, example.cells[0].name)]
        if not record:
            return [BookError(f"cell {cell.name!r}: the example {why}", example.path, cell.line, cell.name, trace)]
        if errors := [BookError(*cell["error"]) for cell in record["cells"] if cell["error"]]:
            return errors
        record["ran"] |= {"memory_gb": round(peak, 2), "date": datetime.date.today().isoformat()}
        records.save(record)
    except BookError as error:
        return [error]
    finally:
        with contextlib.suppress(OSError, AttributeError, TypeError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.pid:
            process.kill()
            process.join()
        shutil.rmtree(scratch, ignore_errors=True)
    return []


def over(example, code, seconds, peak):
    """Why a child is to end, or with exit status `code` has ended without a record, in words, or None."""
    limits = example.limits
    if code is not None:
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        return f"was ended {how}; it had taken {peak:.1f} GB"
    if seconds > limits["seconds"]:
        return f"ran longer than {limits['seconds']} s; make it lighter or raise `seconds` in its front matter"
    if peak > limits["memory_gb"]:
        return f"took more than {limits['memory_gb']} GB; make it lighter or raise `memory_gb` in its front matter"
    return None


def run(todo, jobs=None, watch=lambda now, left: None):
    """Run the examples `todo`, longest first, as many at once as cores and memory (2 GB each) allow.

    Returns the list of `BookError`s. `watch` hears, a few times a second, {example: cell} and how many are left.
    """
    if not todo:
        return []
    STOP.clear()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = jobs or max(1, min(cores, int(psutil.virtual_memory().available / 2**31)))
    context, now = start_server(), {}
    todo, distributions = sorted(todo, key=last_seconds, reverse=True), metadata.packages_distributions()
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run_one, example, context, now, distributions) for example in todo]
        try:
            while left := sum(not future.done() for future in futures):
                watch(dict(now), left)
                time.sleep(0.1)
        finally:
            STOP.set()
        return [error for future in futures for error in future.result()]


def last_seconds(example):
    """How long the example's last run took, valid or not; infinity when there is none."""
    for path in records.every(example.name):
        with contextlib.suppress(ValueError, OSError):
            return records.load(path)["ran"]["seconds"]
    return float("inf")


def ensure():
    """Run what has no valid record. Returns {name: record or None} of all examples, and the errors."""
    errors = run([example for example in examples() if not records.find(example)[0]])
    return {example.name: records.find(example)[0] for example in examples()}, errors
