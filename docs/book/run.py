"""Cells → records: each example in a fresh child, forked from a server that has imported TensorFlow once."""

import ast
import contextlib
import datetime
import gc
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
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata
from pathlib import Path

import psutil

from . import data, figures, records
from .cells import BookError, examples

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
DRAWS = ["matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg"]
PRELOAD = ["tensorflow", "keras", *DRAWS, "IPython.display", __name__]
ASIDE = ["/proc", "/sys", "/dev", "/etc", "/usr", "/opt", "~/.cache", "~/.config", sys.prefix, sys.base_prefix]
NATIVE = re.compile(r"^([IWE]\d{4} |WARNING: All log messages before absl|Fontconfig ).*\n", re.MULTILINE)  # from C++
STOP = threading.Event()  # ends the run that goes on
distributions = cache(metadata.packages_distributions)


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
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[^\n]*\r(?!\n)", "", text)
    while re.search("[^\n\b]\b", text):
        text = re.sub("[^\n\b]\b", "", text)
    return re.sub(r"[ \t\r]+$", "", text, flags=re.MULTILINE)


class Stream:
    """All that this process, its C++ and its children write to `stream`: a file, read piece by piece."""

    def __init__(self, stream, path):
        self.stream, self.path, self.read = stream, path, 0
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)

    def piece(self):
        self.stream.flush()
        new = self.path.read_bytes()[self.read :]
        self.read += len(new)
        return settled(new.decode(errors="replace"))


class Reads:
    """What a run reads: the data files that Python opens, as they were then, and the modules that it imports."""

    def __init__(self, aside):
        self.files, self.began = {}, time.time_ns()
        asides = [Path(path).expanduser() for path in [aside, *ASIDE]]
        self.aside = tuple(f"{path}{os.sep}" for path in [*asides, *(path.resolve() for path in asides)])
        sys.addaudithook(self)

    def __call__(self, event, args):
        if event == "open" and isinstance(args[0], str | bytes) and not set(str(args[1])) & set("wax"):
            path = os.path.realpath(os.fsdecode(args[0]))
            if path not in self.files and not path.startswith(self.aside) and os.path.isfile(path):
                self.files[path] = None  # opened again for the fingerprint
                if not path.endswith((".py", ".pyc", "keras.json")):
                    self.files[path] = records.fingerprint("data", path)

    def found(self):
        """{what: fingerprint}; of a module that was changed since the run began, one that makes the record stale."""
        found = {f"data {records.portable(path)}": print for path, print in self.files.items() if print}
        modules = [module for name, module in list(sys.modules.items()) if not name.startswith(("__main__", "book"))]
        for file in {getattr(module, "__file__", None) or "" for module in modules}:
            if not file.startswith(self.aside) and os.path.isfile(file):
                changed = os.stat(file).st_mtime_ns > self.began
                found |= records.fingerprints([("module", name := records.portable(file))])
                found |= {f"module {name}": "changed while it ran"} if changed else {}
        return found


def explain(error, example, cell):
    """What a cell raised as `BookError`'s arguments: message, path, line, cell, and the traceback from the script on."""
    frames = traceback.TracebackException.from_exception(error)
    inside = [i for i, frame in enumerate(frames.stack) if frame.filename == example.path.name]
    line = frames.stack[inside[-1]].lineno if inside else cell.line
    frames.stack = traceback.StackSummary.from_list(frames.stack[inside[0] if inside else 0 :])
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"{data.HINT} ({message})" if "URL fetch failure" in message else message
    return [f"cell {cell.name!r}: {message}", example.path, line, cell.name, "".join(frames.format())]


def run_cell(example, cell, space, text):
    """Run one cell in the namespace `space`: (`text` of its last expression's value, what it raised or None)."""
    name, tree, value = example.path.name, ast.parse("\n" * (cell.line - 1) + cell.source), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) and not cell.source.endswith(";") else None
    try:
        exec(compile(tree, name, "exec", dont_inherit=True), space)
        if last:
            value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), space)
        return text(value), None
    except BaseException as error:  # SystemExit too
        return "", explain(error, example, cell)


def child(example, scratch, link):
    """Run all cells of `example` in this process and send what happened through `link`."""
    gc.freeze()  # a collection need not go through what was imported before
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own, which ends with the parent, however that went
        parent = multiprocessing.parent_process().sentinel
        end = lambda: (multiprocessing.connection.wait([parent]), os.killpg(0, signal.SIGKILL))  # noqa: E731
        threading.Thread(target=end, daemon=True).start()
    out, err = Stream(sys.stdout, scratch / "out"), Stream(sys.stderr, scratch / "err")
    (scratch / "work").mkdir()
    os.chdir(scratch / "work")
    tempfile.tempdir = os.environ["TMPDIR"] = str(scratch)
    stands, reads = records.depends(example), Reads(scratch)

    import IPython.display
    import matplotlib.pyplot as plt
    from IPython.core.formatters import DisplayFormatter

    formats = DisplayFormatter().format

    def text(value):
        """What a notebook shows of a value as text; a picture goes among the cell's figures, after those of pyplot."""
        plt.show()
        shown = formats(value)[0] if value is not None else {}
        if svg := shown.get("image/svg+xml"):
            svgs.append(figures.tidy(svg))
        return "" if svg else shown.get("text/plain", "")

    sys.modules["__main__"] = main = types.ModuleType("__main__")
    main.__file__, sys.argv, sys.path[0:1] = str(example.path), [example.path.name], [str(example.path.parent)]
    linecache.cache[example.path.name] = len(example.text), None, example.text.splitlines(True), example.path.name
    warnings.formatwarning = lambda told, kind, path, line, _=None: (
        f"{Path(path).name}:{line}: {kind.__name__}: {told}\n"
    )
    plt.switch_backend("agg")
    plt.style.use(Path(__file__).with_name("book.mplstyle"))
    plt.show = lambda *_, **__: svgs.extend(figures.taken(plt))
    IPython.display.display = lambda *values, **_: [print(line) for line in map(text, values) if line]
    cells, began = [], time.perf_counter()
    for cell in example.cells:
        link.send(cell.name)
        svgs = []
        result, error = run_cell(example, cell, vars(main), text)
        found = {name: scalar(vars(main).get(name)) for name in sorted(cell.assigns)}
        cells.append(
            {
                "name": cell.name,
                "stdout": out.piece(),
                "result": result,
                "figures": svgs,
                "error": error,
                "warnings": NATIVE.sub("", err.piece()),
                "scalars": {name: value for name, value in found.items() if value is not None},
            }
        )
        if error and cell.visible:  # a failing check lets the others speak
            break
    ran = {"seconds": round(time.perf_counter() - began, 2), "cpu_seconds": round(sum(os.times()[:4]), 2)}
    loaded = sorted({name.partition(".")[0] for name in list(sys.modules)} - {"book"})
    stands |= reads.found()
    link.send({"example": example.name, "ran": ran, "depends": stands, "cells": cells, "loaded": loaded})
    link.close()
    os._exit(0)  # nothing that the example left behind (threads, atexit) can hold the run up


# --- in the parent ----------------------------------------------------------------------------------------------------


def start_server():
    """The context that makes children. Its server, once started, stays for later runs of this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(PRELOAD)
        saved = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the server's, where TensorFlow greets; children have their own
        multiprocessing.forkserver.ensure_running()
        os.dup2(saved, 2)
    return context


def run_one(example, context, now, fresh):
    """Run one example in a child of its own, unless it has got a record meanwhile. Returns the list of what went wrong.

    `now[example.name]` is the cell that runs; `STOP` ends the child, as do the example's limits.
    """
    scratch, process = Path(tempfile.mkdtemp(prefix=f"book-{example.name}-")).resolve(), None
    try:
        with records.lock(example.name, STOP.is_set):
            if STOP.is_set() or (records.find(example)[0] and not fresh):
                return []
            data.ensure(example)
            link, theirs = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(example, scratch, theirs))
            process.start()
            theirs.close()
            record, why, peak = watch(example, process, link, now)
            cell = example[now.pop(example.name)]
            if why:
                trace = (scratch / "err").read_text(errors="replace")[-2000:] if (scratch / "err").exists() else ""
                return [BookError(f"cell {cell.name!r}: the example {why}", example.path, cell.line, cell.name, trace)]
            if errors := [BookError(*cell["error"]) for cell in record["cells"] if cell["error"]]:
                return errors
            packages = {("package", name) for top in record.pop("loaded") for name in distributions().get(top, ())}
            record["depends"] |= records.fingerprints(packages)
            record["ran"] |= {"memory_gb": round(peak, 2), "date": datetime.date.today().isoformat()}
            records.save(record)
    except BookError as error:
        return [error]
    finally:
        if process and process.pid:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
        shutil.rmtree(scratch, ignore_errors=True)
    return []


def watch(example, process, link, now):
    """Follow a child until its record or its end: (record or None, why there is none in words, its peak memory in GB)."""
    began, peak, limits = time.monotonic(), 0.0, example.limits
    now[example.name] = example.cells[0].name
    while True:
        with contextlib.suppress(psutil.Error):
            peak = max(peak, psutil.Process(process.pid).memory_info().rss / 2**30)
        ready, message = multiprocessing.connection.wait([link, process.sentinel], timeout=0.2), None
        with contextlib.suppress(EOFError, OSError):
            message = link.recv() if link in ready else None
        if isinstance(message, dict):
            return message, None, peak
        now[example.name] = message or now[example.name]
        code = None if message else process.exitcode  # what it still had to say comes first
        if code is not None:
            how = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
            return None, f"was ended {how}; it had taken {peak:.1f} GB", peak
        if STOP.is_set():
            return None, "was stopped", peak
        for key, used, unit in (("seconds", time.monotonic() - began, "s"), ("memory_gb", peak, "GB")):
            if used > limits[key]:
                hint = f"make it lighter or raise `{key}` in its front matter"
                return None, f"took more than {limits[key]} {unit}; {hint}", peak


def run(todo, jobs=None, heard=lambda now, left: None, fresh=False):
    """Run the examples `todo`, longest first, as many at once as cores and memory (2 GB each) allow.

    Returns the list of `BookError`s. `heard` gets, a few times a second, {example: cell} and how many are left.
    """
    if not todo:
        return []
    STOP.clear()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = jobs or max(1, min(cores + 1, int(psutil.virtual_memory().available / 2**31)))  # one more: bodies wait, too
    context, now = start_server(), {}
    with ThreadPoolExecutor(jobs) as pool:
        futures = [
            pool.submit(run_one, example, context, now, fresh)
            for example in sorted(todo, key=last_seconds, reverse=True)
        ]
        try:
            while left := sum(not future.done() for future in futures):
                heard(dict(now), left)
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
    found = {example.name: records.find(example)[0] for example in examples()}
    todo = [example for example in examples() if not found[example.name]]
    errors = run(todo)
    return found | {example.name: records.find(example)[0] for example in todo}, errors
