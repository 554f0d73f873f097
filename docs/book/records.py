"""The store of records: what a record depends on, whether it is still valid and if not why.

A record is one JSON file, `<example>-<first 16 hex digits of the SHA-256 of its bytes>.json`: one that does not check
out is noticed, and copying one store into another merges them. It holds, per cell, what was printed, returned, drawn
(SVG) and warned of and the scalars after it; under `depends` all that it stands on; under `ran` when and how long.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import sys
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path

import filelock

from .cells import ROOT, BookError, shown

FORMAT = "2"
STORE = ROOT / "build" / "records"
KEEP = 4  # records of an example: going back to another branch costs no run
SETTINGS = re.compile("KERAS_|TF_(?!CPP_MIN_LOG_LEVEL|CLI_|VAR_)")  # the last two are another program's
KERAS_DEFAULTS = {"backend": "tensorflow", "epsilon": 1e-07, "floatx": "float32", "image_data_format": "channels_last"}
AROUND = re.compile(r"\A(\s*(#.*)?\n)+|(\n\s*(#.*)?)+\Z")  # comments between the code of two cells
HASH = "[0-9a-f]" * 16
version = cache(metadata.version)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def portable(path):
    """A file's name in a record: relative to the project, else to the home directory, else absolute."""
    path = (ROOT / Path(path).expanduser()).resolve()
    for base, prefix in ((ROOT, ""), (Path.home().resolve(), "~/")):
        if path.is_relative_to(base):
            return prefix + path.relative_to(base).as_posix()
    return path.as_posix()


def fingerprint(kind, name):
    """What a module's or data file's content, or a package's version, is known by; "missing" if it is not there."""
    try:
        if kind == "package":
            return version(name)
        path = ROOT / Path(name).expanduser()
        return content(path, kind, path.stat().st_mtime_ns, path.stat().st_size)
    except (OSError, metadata.PackageNotFoundError):
        return "missing"


@lru_cache(4096)
def content(path, kind, *stamp):
    data = path.read_bytes()
    return digest(data.replace(b"\r\n", b"\n") if kind == "module" else data)


def fingerprints(things):
    """{what: fingerprint} of what a run read, given as (kind, name)."""
    return {f"{kind} {name}": fingerprint(kind, name) for kind, name in sorted(things)}


def depends(example):
    """All that a run of `example` stands on before it reads anything, as {what: fingerprint}."""
    found = {f"cell {cell.name}": digest(AROUND.sub("", cell.source).encode()) for cell in example.cells}
    found["order of cells"] = " ".join(cell.name for cell in example.cells)
    found |= fingerprints({("data", portable(path)) for path in example.limits["data"]})
    found |= {f"setting {key}": value for key, value in sorted(os.environ.items()) if SETTINGS.match(key)}
    config = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
    if config.exists() and (chosen := json.loads(config.read_text())) != KERAS_DEFAULTS:
        found["setting keras.json"] = json.dumps(chosen, sort_keys=True)
    found |= {f"limit {key}": str(example.limits[key]) for key in ("seconds", "memory_gb")}
    machine = f"{sys.platform} {platform.machine()}"
    return found | {"Python": platform.python_version(), "machine": machine, "record format": FORMAT}


def stale(record, example):
    """Why `record` no longer stands for `example`, in words, or None when it does."""
    then = record["depends"]
    read = {tuple(key.split(" ", 1)) for key in then if key.startswith(("module ", "data ", "package "))}
    now = depends(example) | fingerprints(read)
    for key in sorted(now | then, key=lambda key: (not key.startswith("cell"), key)):
        if now.get(key) != then.get(key):
            changed = f"{key} changed: {then.get(key, 'none')} → {now.get(key, 'none')}"
            return re.sub(r"\b([0-9a-f]{8})[0-9a-f]{56}\b", r"\1", changed)
    return None


def load(path):
    """Read one record. Raises `ValueError` when its bytes are not those that were written."""
    return parse(path, path.stat().st_mtime_ns, path.stat().st_size)


@lru_cache(512)
def parse(path, *stamp):
    data = path.read_bytes()
    if digest(data)[:16] != path.stem[-16:]:
        raise ValueError("is truncated or altered" if data else "is empty")
    record = json.loads(data)
    if not isinstance(record, dict) or not {"cells", "depends", "ran"} <= record.keys():
        raise ValueError("is of another version")
    return record


def every(name):
    """The files of an example's records, newest first."""
    found = {}
    for path in STORE.glob(f"{name}-{HASH}.json"):
        with contextlib.suppress(FileNotFoundError):  # another run may drop one meanwhile
            found[path] = path.stat().st_mtime_ns
    return sorted(found, key=found.get, reverse=True)


def find(example):
    """The newest valid record of `example` or None, and why there is none (or None)."""
    reasons = []
    for path in every(example.name):
        try:
            record = load(path)
        except (ValueError, OSError) as error:
            reasons.append(f"its record {path.name} {error}")
            continue
        if not (why := stale(record, example)):
            return record, None
        reasons.append(why)
    return None, [*reasons, "never run"][0]


def warned(example, record):
    """[(line, text)] of what cells wrote to stderr, but those tagged `warns`, of which it says when they do not."""
    cells = [(example[cell["name"]], cell["warnings"].strip()) for cell in record["cells"]]
    wrong = [(cell, text or "warns of nothing") for cell, text in cells if bool(text) != ("warns" in cell.tags)]
    return [(cell.line, text) for cell, text in wrong]


def lock(name, ended):
    """Hold the example: it runs in one process at a time. A lock ends with its process; `ended()` ends the wait."""
    path = STORE.with_name("locks") / name
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(path).acquire(cancel_check=ended)


@contextlib.contextmanager
def writing(path):
    try:
        yield
    except OSError as error:
        message = (
            f"cannot write {shown(path)}: {error.strerror or error}; free space or change its rights, then run again"
        )
        raise BookError(message) from error


def save(record):
    """Write one record, then drop the example's oldest beyond `KEEP` and what a killed run left half written."""
    data = json.dumps(record, ensure_ascii=False, indent=1).encode()
    write(STORE / f"{record['example']}-{digest(data)[:16]}.json", data)
    for old in [*every(record["example"])[KEEP:], *STORE.glob(f".{record['example']}-{HASH}.json.*")]:
        old.unlink(missing_ok=True)


def write(path, data):
    """Write bytes so that no reader ever sees half of them. Returns whether the file is new or changed."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        if path.exists() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(part, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return True
