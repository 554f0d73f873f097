"""The command line: `python -m book run | status | values | expand | serve`. Each has `--help`."""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import expand, records, run
from .cells import ROOT, BookError, examples, shown

console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def complain(error):
    """Show an error with its place, the cell's traceback and the chapters' lines; in GitHub's CI as an annotation too."""
    console.print(f"error: {error}", style="red")
    if isinstance(error, BookError) and error.cell:
        console.print(error.trace.rstrip())
        for path in sorted(ROOT.glob(f"docs/*/{error.path.stem}.md")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if f'cell("{error.cell}")' in line:
                    console.print(f"  shown in {shown(path)}:{number}")
    if os.environ.get("GITHUB_ACTIONS") and isinstance(error, BookError) and error.path:
        print(f"::error file={shown(error.path)},line={error.line or 1}::{error.message}".replace("\n", "%0A"))


def run_all(todo, jobs=None):
    """Run examples under a progress bar and complain of those that fail; return the exit status."""
    columns = BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(todo))

        def watch(now, left):
            what = ", ".join(f"{name}: {cell}" for name, cell in now.items())
            bar.update(task, completed=len(todo) - left, description=what)

        errors = run.run(todo, jobs, watch) if todo else []
    for error in errors:
        complain(error)
    console.print(f"ran {len(todo)} example(s), {len(errors)} error(s)")
    return 1 if errors else 0


def command_run(options):
    """run the examples that have no valid record"""
    todo = [example for example in examples(options.names) if options.fresh or not records.find(example)[0]]
    return run_all(todo, options.jobs)


def command_status(options):
    """tell of every example whether it is recorded or stale, why, and how long it took"""
    status = 0
    for example in examples(options.names):
        record, why = records.find(example)
        ran = record and "recorded  {seconds:6.1f} s  {memory_gb:4.1f} GB  {date}".format(**record["ran"])
        print(f"{example.name:20} {ran or f'stale     {why}'}")
        status = status if record else 1
        for cell in record["cells"] if record else ():
            if warning := cell["warnings"].strip():
                print(f"  {shown(example.path)}:{example[cell['name']].line}: {warning}")
    return status


def valid(example):
    """The example's record. Raises `BookError` with the reason when it has no valid one."""
    record, why = records.find(example)
    if not record:
        raise BookError(f"no valid record ({why}): `python -m book run {example.name}` makes one", example.path)
    return record


def command_values(options):
    """print an example's recorded scalars as JSON"""
    cells = valid(examples([options.name])[0])["cells"]
    print(json.dumps({k: v for cell in cells for k, v in cell["scalars"].items()}, indent=2, ensure_ascii=False))
    return 0


def command_expand(options):
    """write both editions as plain Markdown with their figures, which any engine can build"""
    found = {example.name: valid(example) for example in examples()}
    for language in expand.LANGUAGES:
        for page in expand.pages(language, found).values():
            for name, text in {page.path.name: page.markdown(), **page.images()}.items():
                records.write(Path(options.to, language, name), text.encode())
    console.print(f"written to {options.to}")
    return 0


def command_serve(options):
    """build both editions, serve them, and keep them fresh while chapters and examples are edited"""
    from .serve import serve

    return serve(options.port, run_all, complain)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m book", description="The machinery of the book.")
    commands, made = parser.add_subparsers(required=True, metavar="command"), {}
    for function in (command_run, command_status, command_values, command_expand, command_serve):
        name, text = function.__name__.removeprefix("command_"), function.__doc__
        made[name] = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        made[name].set_defaults(function=function)
    for name in ("run", "status"):
        made[name].add_argument("names", nargs="*", metavar="NAME", help="stem of an example's script (default: all)")
    made["run"].add_argument("--fresh", action="store_true", help="run also what has a valid record")
    made["run"].add_argument("--jobs", type=int, metavar="N", help="at once (default: as cores and memory allow)")
    made["values"].add_argument("name", metavar="NAME", help="stem of an example's script")
    made["expand"].add_argument("--to", default="build/expanded", metavar="DIR", help="default: %(default)s")
    made["serve"].add_argument("--port", type=int, help="default: the first free one from 8000")
    options = parser.parse_args(arguments)
    try:
        return options.function(options)
    except BookError as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        console.print("stopped; what has run is recorded")
        return 130


if __name__ == "__main__":
    sys.exit(main())
