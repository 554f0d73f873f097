"""The engines: how each takes the same examples, and the commands that run them with its own best settings."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jupytext

HERE = Path(__file__).resolve().parent
PROJECT = Path(os.environ.get("BENCH_PROJECT", HERE.parents[1])).resolve()  # a variable, to measure another checkout
WORK = PROJECT / "build" / "bench"
PEERS = WORK / "venv" / "bin" / "python"
BOOK = [sys.executable, "-m", "book"]
MKDOCS = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f"]
EDITIONS = [[*MKDOCS, "mkdocs.yml"], [*MKDOCS, "docs/mkdocs.en.yml", "-d", "../build/en"]]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
LABS = {"mnist", "fashion-mnist"}
MARK = '\n\n# %% bench-mark tags=["check"]\nprint("ran-%d" % (7 * {}))\n'  # what it prints is not in its source


def settle():
    """Make the peers' environment on first use: it sees the packages of this one, so that nothing is there twice."""
    pins, ready = (HERE / "requirements.txt").read_text(encoding="utf-8"), WORK / "venv" / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != pins + sys.prefix:
        venv.create(WORK / "venv", clear=True, with_pip=True)
        packages = Path(sysconfig.get_path("purelib"))
        write(WORK / "venv" / packages.relative_to(sys.prefix) / "project.pth", f"{packages}\n")
        pip = [PEERS, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        write(ready, pins + sys.prefix)


def read(path):
    return path.read_text(encoding="utf-8")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- the examples -----------------------------------------------------------------------------------------------------


class Examples(NamedTuple):
    scripts: dict  # by name, in the percent format
    chapters: dict  # {language: {name: Markdown}}
    marks: dict  # by name, what the example prints at its end


def examples(scripts, chapters):
    numbered = list(enumerate(scripts, 1001))
    scripts = {name: scripts[name].rstrip() + MARK.format(number) for number, name in numbered}
    return Examples(scripts, chapters, {name: f"ran-{7 * number}" for number, name in numbered})


def generated(kind, count):
    """`small`: a tiny Keras model on made-up data, one to three seconds each; `trivial`: bodies that take no time."""
    script, chapter = read(HERE / "examples" / f"{kind}.py"), read(HERE / "examples" / f"{kind}.md")
    scripts = {f"{kind}-{n}": script.replace("NUMBER = 1001", f"NUMBER = {n}") for n in range(1001, 1001 + count)}
    return examples(scripts, {language: dict.fromkeys(scripts, chapter) for language in ("ko", "en")})


def own(count=None):
    """The book's own examples and chapters without the labs."""
    paths = [path for path in sorted(PROJECT.glob("examples/[!_]*.py"), reverse=True) if path.stem not in LABS][:count]
    chapters = {lang: {p.stem: read(PROJECT / "docs" / lang / f"{p.stem}.md") for p in paths} for lang in ("ko", "en")}
    return examples({path.stem: read(path) for path in paths}, chapters)


# --- input and commands of each: (folder, given) → [(command, where to run it)] ---------------------------------------


def write_scripts(folder, given, head=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in given.scripts.items():
        write(folder / f"{name}.py", head.format(name) + text)
    for module in PROJECT.glob("examples/_*.py"):
        shutil.copy(module, folder)


def write_notebooks(folder, given):
    for name, text in given.scripts.items():  # each in a folder of its own, so that none finds another's files
        write_scripts(folder / name, given._replace(scripts={}))
        notebook = jupytext.reads(f"# %% [markdown]\n# # {name}\n\n{text}", "py:percent")
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        jupytext.write(notebook, folder / name / f"{name}.ipynb")


def python(folder, given):
    write_scripts(folder / "scripts", given)
    for name in given.scripts:
        (folder / name).mkdir()
    python = ["env", "MPLBACKEND=agg", PEERS]
    return [([*python, folder / "scripts" / f"{name}.py"], folder / name) for name in given.scripts]


def mkdocs_jupyter(folder, given):
    write_notebooks(folder / "docs", given)
    plugin = {"execute": True, "allow_errors": False, "include": ["*.ipynb"], "include_requirejs": False}
    theme = {"name": "material", "font": False}
    config = {"site_name": "Examples", "theme": theme, "plugins": ["search", {"mkdocs-jupyter": plugin}]}
    write(folder / "mkdocs.yml", json.dumps(config))  # which YAML takes
    write(folder / "docs" / "index.md", "# Examples\n")
    return [([PEERS, "-m", "mkdocs", "build", "--quiet"], folder)]


def sphinx(folder, extension, index, text, **settings):
    settings = {"project": "Examples", "extensions": [extension], **settings}
    write(folder / "source" / "conf.py", "\n".join(f"{key} = {value!r}" for key, value in settings.items()))
    write(folder / "source" / index, text)
    return [([PEERS, "-m", "sphinx", "-q", "-j", str(CORES), "source", "html"], folder)]


def myst_nb(folder, given):
    write_notebooks(folder / "source", given)
    empty = f"import jupyter_cache; jupyter_cache.get_cache({str(folder / '.jupyter_cache')!r}).db"
    subprocess.run([PEERS, "-c", empty], check=True)  # else its processes may all try to make it, and fail
    how = {"nb_execution_mode": "cache", "nb_execution_timeout": -1, "nb_execution_raise_on_error": True}
    return sphinx(folder, "myst_nb", "index.md", "# Examples\n\n```{toctree}\n:glob:\n*/*\n```\n", **how)


def jupyter_cache(folder, given):
    write_notebooks(folder, given)
    (folder / "cache").mkdir()  # it would ask
    jcache, paths = PEERS.with_name("jcache"), [f"{name}/{name}.ipynb" for name in given.scripts]
    execute = [jcache, "project", "-p", "cache", "execute", "--executor", "local-parallel", "--timeout", "3600"]
    return [([jcache, "notebook", "-p", "cache", "add", *paths], folder), (execute, folder)]


def sphinx_gallery(folder, given, jobs=False):
    write_scripts(folder / "examples", given, '"""\n{}\n==============================\n"""\n\n')
    write(folder / "examples" / "GALLERY_HEADER.rst", "Examples\n========\n")
    how = {"examples_dirs": "../examples", "gallery_dirs": "gallery", "filename_pattern": "", "ignore_pattern": "/_"}
    index = "Examples\n========\n\n.. toctree::\n\n   gallery/index\n"
    how = {"sphinx_gallery_conf": how | {"parallel": jobs}}
    return sphinx(folder, "sphinx_gallery.gen_gallery", "index.rst", index, **how)


parallel_gallery = partial(sphinx_gallery, jobs=CORES)


def copy(folder, given):
    """A copy of the project with these examples and their chapters alone, in both editions."""
    leave = shutil.ignore_patterns("ko", "en", "node_modules", "__pycache__")
    shutil.copytree(PROJECT / "docs", folder / "docs", ignore=leave)
    (folder / "docs" / "node_modules").symlink_to((PROJECT / "docs" / "node_modules").resolve())
    for path in ("mkdocs.yml", "docs/mkdocs.en.yml"):  # without nav: all chapters
        write(folder / path, re.sub(r"^nav:\n(?:[ -].*\n)+", "", read(PROJECT / path), flags=re.MULTILINE))
    for language, chapters in given.chapters.items():
        for name, text in {"index": "# Home\n\nWelcome.\n", **chapters}.items():
            write(folder / "docs" / language / f"{name}.md", text)
    write_scripts(folder / "examples", given)


def book(folder, given):
    copy(folder, given)
    at_once = f"import subprocess as s, sys\nsys.exit(any([p.wait() for p in [s.Popen(c) for c in {EDITIONS[::-1]}]]))"
    return [([*BOOK, "run"], folder), ([sys.executable, "-c", at_once], folder)]  # the second as `make site` does


ONCE = {"cold": ()}
TWICE = {"cold": (), "again": ()}
SPHINX = TWICE | {"anew": ("-E", "-a")}  # all pages from what is remembered: of itself it makes none again


class Engine(NamedTuple):
    name: str
    prepare: Callable
    outputs: str  # where what the examples print is found
    times: dict = TWICE  # the options that its commands are run with, one time after the other
    isolated: bool = True  # each example in a fresh process
    pages: bool = True


OURS = Engine("book", book, "build/[es]*/**/*.html")
ENGINES = [
    OURS,
    Engine("python", python, "*/log", ONCE, pages=False),
    Engine("mkdocs-jupyter", mkdocs_jupyter, "site/**/*.html"),
    Engine("MyST-NB", myst_nb, "html/**/*.html", SPHINX),
    Engine("jupyter-cache", jupyter_cache, "cache/executed/*/*.ipynb", pages=False),
    Engine("sphinx-gallery", sphinx_gallery, "html/**/*.html", SPHINX, isolated=False),
    Engine("sphinx-gallery parallel", parallel_gallery, "html/**/*.html", SPHINX, isolated=False),
]
