"""The writer's server: both editions under one address, rebuilt page by page while files change."""

import logging
import threading
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.livereload import LiveReloadServer

from . import records
from .cells import ROOT, BookError, examples
from .run import STOP, start_server

EDITIONS = {
    "": (ROOT / "mkdocs.yml", ROOT / "docs" / "ko"),
    "en/": (ROOT / "docs" / "mkdocs.en.yml", ROOT / "docs" / "en"),
}
RAN = ROOT / "examples", records.STORE
AGAIN = records.STORE / "again"  # touched for one more build
found = {}  # while serving: of every example its record, or None while it runs
fresh = set()  # the examples whose records are new: their notebooks follow in the next build


class Site:
    """Builds what changed since the last time, and runs stale examples in a thread meanwhile."""

    def __init__(self, url, run):
        self.url, self.run, self.seen, self.tried, self.thread = url, run, {}, set(), None

    def changed(self, key, *paths, after=None):
        """Whether anything below `paths`, or `after`, is not as it was when this was asked last."""
        files = [file for path in paths for file in (path.rglob("[!.]*") if path.is_dir() else [path])]
        now = len(files), max((file.stat().st_mtime_ns for file in files), default=0), after
        before, self.seen[key] = self.seen.get(key), now
        return now != before

    def build(self, editions=tuple(EDITIONS)):
        try:
            if self.changed("records", *RAN):
                now = {example.name: records.find(example)[0] for example in examples()}
                fresh.clear()
                fresh.update(name for name in now if now[name] is not found.get(name))
                found.update(now)
                self.run_stale()
            for below in editions:
                known = below in self.seen
                if self.changed(below, *EDITIONS[below], ROOT / "docs" / "theme", after=self.seen["records"]):
                    build_edition(str(EDITIONS[below][0]), self.url + below, known)
            if any(found[name] for name in fresh):
                AGAIN.touch()
        except (BookError, SystemExit) as error:
            (error if isinstance(error, BookError) else BookError(f"the page is not built: {error}")).show()

    def run_stale(self):
        """Run what is stale, once for each state of the scripts; records, and `AGAIN`, make the watcher look again."""
        if self.changed("scripts", ROOT / "examples"):
            self.tried.clear()
        todo = [example for example in examples() if example.name not in self.tried and not found[example.name]]
        if todo and not (self.thread and self.thread.is_alive()):
            self.tried |= {example.name for example in todo}
            self.thread = threading.Thread(target=lambda: (self.run(todo), AGAIN.touch()), daemon=True)
            self.thread.start()


def build_edition(path, url, known):
    """Make the changed pages anew, the first time all but those of notebooks; then the search index stays as it is."""
    config = load_config(path, site_url=url)
    index = Path(config.site_dir, "search", "search_index.json")
    before = index.read_bytes() if known else None
    for page in () if known else Path(config.site_dir).rglob("index.html"):
        if "notebooks" not in page.parts:
            page.unlink()
    config.plugins.on_startup(command="serve", dirty=True)
    build(config, dirty=True)
    if before:  # a dirty build leaves an index of the changed pages alone
        index.write_bytes(before)


def serve(port, run):
    """Serve until interrupted; `run(examples)` runs them and shows what went wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mkdocs.commands.build").setLevel(logging.ERROR)  # it warns of every dirty build
    site = Site(f"http://127.0.0.1:{port}/", run)
    server = LiveReloadServer(site.build, "127.0.0.1", port, str(ROOT / "build" / "site"), polling_interval=0.1)
    server.build_delay = 0.05  # for more changes to come, in seconds
    records.STORE.mkdir(parents=True, exist_ok=True)
    site.build([""])
    threading.Timer(1, AGAIN.touch).start()  # the other edition follows
    start_server()  # the first edited example need not wait for its import
    for folder in (ROOT / "docs" / "ko", ROOT / "docs" / "en", ROOT / "docs" / "theme", *RAN):
        server.watch(str(folder))
    print(f"\n한국어 {site.url}    English {site.url}en/    (Ctrl-C ends)\n", flush=True)
    try:
        server.serve()
    except OSError as error:
        raise BookError(f"port {port} is taken ({error.strerror}): choose another with PORT=…") from error
    finally:
        STOP.set()
        server.shutdown()
