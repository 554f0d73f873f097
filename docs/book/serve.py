"""The writer's server: both editions under one address, rebuilt page by page while files change."""

import json
import logging
import os
import socket
import threading
from functools import cache
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.livereload import LiveReloadServer

from . import records
from .cells import ROOT, BookError, examples
from .run import STOP

EDITIONS = {
    "": (ROOT / "mkdocs.yml", ROOT / "docs" / "ko"),
    "en/": (ROOT / "docs" / "mkdocs.en.yml", ROOT / "docs" / "en"),
}
SHARED = [ROOT / "docs" / "theme", ROOT / "examples", records.STORE]


def free_port(wanted):
    """The port to serve on: `wanted`, else the first free one from 8000. Raises `BookError` when it is taken."""
    for port in [wanted] if wanted else range(8000, 8100):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)):
                return port
    raise BookError(f"port {wanted or '8000 to 8099'} is taken: choose another with PORT=…")


class Site:
    """Builds what changed since the last time, and runs stale examples in a thread meanwhile."""

    def __init__(self, url, run):
        self.url, self.run, self.stamps, self.tried, self.thread = url, run, {}, {}, None

    def build(self):
        try:
            self.run_stale()
            for below, (config, docs) in EDITIONS.items():
                files = [config, *(path for folder in (docs, *SHARED) for path in folder.rglob("[!.]*"))]
                stamp = len(files), max(path.stat().st_mtime_ns for path in files)
                if stamp != self.stamps.get(below):
                    build_edition(str(config), self.url + below, dirty=below in self.stamps)
                    self.stamps[below] = stamp
        except (BookError, SystemExit) as error:
            (error if isinstance(error, BookError) else BookError(f"the page is not built: {error}")).show()

    def run_stale(self):
        """Run what is stale, once for each state of the scripts; the record, or `ran`, makes the watcher look again."""
        state = sorted((path, path.stat().st_mtime_ns) for path in (ROOT / "examples").rglob("*.py"))
        todo = [e for e in examples() if self.tried.get(e.name) != state and not records.find(e)[0]]
        if todo and not (self.thread and self.thread.is_alive()):
            self.tried |= {example.name: state for example in todo}
            self.thread = threading.Thread(
                target=lambda: (self.run(todo), (records.STORE / "ran").touch()), daemon=True
            )
            self.thread.start()


def build_edition(path, url, dirty):
    """A full build the first time; a dirty one makes changed pages anew, but leaves a search index of those alone."""
    config = load_config(path, site_url=url)
    index = Path(config.site_dir, "search", "search_index.json")
    before = json.loads(index.read_text(encoding="utf-8"))["docs"] if dirty else []
    config.plugins.on_startup(command="serve", dirty=dirty)
    build(config, dirty=dirty)
    found = json.loads(index.read_text(encoding="utf-8"))
    new = {entry["location"].partition("#")[0] for entry in found["docs"]}
    found["docs"] += [entry for entry in before if entry["location"].partition("#")[0] not in new]
    index.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def serve(port, run):
    """Serve until interrupted; `run(examples)` runs them and shows what went wrong."""
    os.environ["BOOK_WAITING"] = "1"
    records.metadata.version = cache(records.metadata.version)  # what is installed stays while the server runs
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mkdocs.commands.build").addFilter(lambda entry: "'dirty' build" not in entry.getMessage())
    port = free_port(port)
    site = Site(f"http://127.0.0.1:{port}/", run)
    server = LiveReloadServer(site.build, "127.0.0.1", port, str(ROOT / "build" / "site"), polling_interval=0.1)
    server.build_delay = 0.05  # for more changes to come, in seconds
    records.STORE.mkdir(parents=True, exist_ok=True)
    site.build()
    for folder in (ROOT / "docs" / "ko", ROOT / "docs" / "en", *SHARED):
        server.watch(str(folder))
    print(f"\n한국어 {site.url}    English {site.url}en/    (Ctrl-C ends)\n", flush=True)
    try:
        server.serve()
    finally:
        STOP.set()
        server.shutdown()
