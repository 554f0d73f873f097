"""The command line: `python -m book run | status | values | expand | serve`. Each has `--help`."""

import json
import sys
from pathlib import Path

import click

from . import expand, records, run
from .cells import BookError, examples, shown

NAMES = click.argument("names", metavar="[NAME]...", nargs=-1)


def run_all(todo, jobs=None, fresh=False):
    """Run examples under a progress bar, show the errors, and return whether there were none."""
    tell = lambda now: ", ".join(f"{name}: {cell}" for name, cell in (now or {}).items())  # noqa: E731
    with click.progressbar(length=len(todo), item_show_func=tell, file=sys.stderr) as bar:
        errors = run.run(todo, jobs, lambda now, left: bar.update(len(todo) - left - bar.pos, now), fresh)
    for error in errors:
        error.show()
    click.echo(f"ran {len(todo)} example(s), {len(errors)} error(s)", err=True)
    return not errors


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main():
    """The machinery of the book. NAMEs are the stems of the examples' scripts; without one, all."""


@main.command("run")
@NAMES
@click.option("--fresh", is_flag=True, help="Run also what has a valid record.")
@click.option("--jobs", type=int, metavar="N", help="How many at once (default: as cores and memory allow).")
def run_command(names, fresh, jobs):
    """Run the examples that have no valid record."""
    found = [(example, records.find(example)[1]) for example in examples(names)]
    for example, why in found:
        if why:
            click.echo(f"{example.name}: {why}", err=True)
    raise SystemExit(not run_all([example for example, why in found if fresh or why], jobs, fresh))


@main.command()
@NAMES
def status(names):
    """Tell of every example whether it is recorded or stale, why, how long it took, and what it warned of."""
    found = [(example, *records.find(example)) for example in examples(names)]
    for example, record, why in found:
        ran = record and "recorded  {seconds:6.1f} s  {memory_gb:4.1f} GB  {date}".format(**record["ran"])
        click.echo(f"{example.name:20} {ran or f'stale     {why}'}")
        for line, text in records.warned(example, record) if record else ():
            click.echo(f"  {shown(example.path)}:{line}: {text}")
    raise SystemExit(not all(record for _, record, _ in found))


def valid(example):
    """The example's record. Raises `BookError` with the reason when it has no valid one."""
    record, why = records.find(example)
    if not record:
        raise BookError(f"no valid record ({why}): `python -m book run {example.name}` makes one", example.path)
    return record


@main.command()
@click.argument("name")
def values(name):
    """Print an example's recorded scalars as JSON."""
    cells = valid(examples([name])[0])["cells"]
    found = {key: value for cell in cells for key, value in cell["scalars"].items()}
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@main.command("expand")
@click.option("--to", default="build/expanded", show_default=True, metavar="DIR", type=Path)
def expand_command(to):
    """Write both editions as plain Markdown with their figures, which any engine can build."""
    found = {example.name: valid(example) for example in examples()}
    for language in expand.LANGUAGES:
        for page in expand.pages(language, found).values():
            for name, text in {page.path.name: page.markdown(), **page.images()}.items():
                records.write(to / language / name, text.encode())


@main.command()
@click.option("--port", type=int, default=8000, show_default=True, help="Where to serve.")
def serve(port):
    """Build both editions, serve them, and keep them fresh while chapters and examples are edited."""
    from .serve import serve

    serve(port, run_all)


if __name__ == "__main__":
    main(prog_name="python -m book")
