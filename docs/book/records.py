"""The store of records: what a record depends on, whether it is still valid and if not why.

A record is one JSON file, `<example>-<first 16 hex digits of the SHA-256 of its bytes>.json`: one that does not check
out is noticed, and copying one store into another merges them. It holds, per cell, what was printed, returned and
drawn (SVG) and the scalars after it; under `depends` all that it stands on; under `ran` when and how long.
"""

import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from .cells import ROOT, BookError, shown

FORMAT = "1"
STORE = ROOT / "build" / "records"
KEEP = 4  # records of an example: going back to another branch costs no run
SETTINGS = re.compile("KERAS_|TF_(?!CPP_MIN_LOG_LEVEL|CLI_|VAR_)")  # the last two are another program's
KERAS_DEFAULTS = {"backend": "tensorflow", "epsilon": 1e-07, "floatx": "float32", "image_data_format": "channels_last"}


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
            return metadata.version(name)
        data = (ROOT / Path(name).expanduser()).read_bytes()
        return digest(data.replace(b"\r\n", b"\n") if kind == "module" else data)
    except (OSError, metadata.PackageNotFoundError):
        return "missing"


def fingerprints(things):
    """{what: fingerprint} of what a run read, given as (kind, name)."""
    return {f"{kind} {name}": fingerprint(kind, name) for kind, name in sorted(things)}


def depends(example):
    """All that a run of `example` stands on before it reads anything, as {what: fingerprint}."""
    found = {f"cell {cell.name}": digest(f"{cell.tags} {cell.source}".encode()) for cell in example.cells}
    found["order of cells"] = digest(" ".join(cell.name for cell in example.cells).encode())
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
            if key.startswith(("cell", "module", "data", "order")):
                return f"{key} {'is new' if key not in then else 'is gone' if key not in now else 'changed'}"
            return f"{key}: {then.get(key, 'not set')} → {now.get(key, 'not set')}"
    return None


def load(path):
    """Read one record. Raises `ValueError` when its bytes are not those that were written."""
    data = path.read_bytes()
    if digest(data)[:16] != path.stem[-16:]:
        raise ValueError("is truncated or altered" if data else "is empty")
    record = json.loads(data)
    if not isinstance(record, dict) or not {"cells", "depends", "ran"} <= record.keys():
        raise ValueError("is of another version")
    return record


def every(name):
    """The files of an example's records, newest first."""
    return sorted(STORE.glob(f"{name}-{'[0-9a-f]' * 16}.json"), key=lambda path: -path.stat().st_mtime_ns)


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


def save(record):
    """Write one record, then drop the example's oldest beyond `KEEP`."""
    data = json.dumps(record, ensure_ascii=False, indent=1).encode()
    write(STORE / f"{record['example']}-{digest(data)[:16]}.json", data)
    for old in every(record["example"])[KEEP:]:
        old.unlink(missing_ok=True)


def write(path, data):
    """Write bytes so that no reader ever sees half of them. Returns whether the file is new or changed."""
    try:
        if path.exists() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        message = f"cannot write {shown(path)}: {error.strerror}; free space or change its rights, then run again"
        raise BookError(message) from error
    return True
