"""MkDocs events, thin: run what is stale, expand pages, add figures, notebooks and KaTeX, render formulas."""

import os
import re
from pathlib import Path

import nbformat
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from book import expand, records, run, tex
from book.cells import ROOT, BookError, examples

added = ROOT / "build" / "pages"  # what the hook adds to the site, a folder per edition
state = {}  # of the edition being built: its pages, and their text


def on_config(config):
    """Make sure that there are records, then expand every chapter: a page that is wrong stops the build here."""
    try:
        if os.environ.get("BOOK_WAITING"):  # the server runs the examples meanwhile
            found, errors = {example.name: records.find(example)[0] for example in examples()}, []
        else:
            found, errors = run.ensure()
        for error in errors:
            raise error
        state["pages"] = expand.pages(Path(config.docs_dir).name, found)
        state["texts"] = {stem: page.markdown() for stem, page in state["pages"].items()}
    except BookError as error:
        raise PluginError(str(error)) from error


@event_priority(50)  # before mkdocs-jupyter, which looks for notebooks among the files
def on_files(files, config):
    folder, new = added / Path(config.docs_dir).name, {}
    for name, page in state["pages"].items():
        new |= page.images()
        if page.example:
            new[f"scripts/{name}.py"] = page.example.text
        made = Path(config.site_dir, "notebooks", name, "index.html")
        waits = os.environ.get("BOOK_WAITING") and made.exists()  # the server makes a notebook once for each record
        if page.record and not (waits and made.stat().st_mtime > records.every(name)[0].stat().st_mtime):
            new[f"notebooks/{name}.ipynb"] = new[f"downloads/{name}.ipynb"] = nbformat.writes(
                page.notebook(config.site_url or "../../")
            )
    katex = tex.KATEX / "dist"
    for path in [katex / "katex.min.css", *katex.glob("fonts/*.woff2")]:
        new[f"assets/katex/{path.relative_to(katex)}"] = path.read_bytes()
    for name, content in new.items():
        records.write(folder / name, content if isinstance(content, bytes) else content.encode())
        files.append(File(name, str(folder), config.site_dir, config.use_directory_urls))
    for name, text in state["texts"].items():  # a dirty build makes anew what is not there
        if records.write(folder / f"{name}.md", text.encode()):
            site = Path(config.site_dir, "" if name == "index" else name)
            (site / "index.html").unlink(missing_ok=True)


def on_page_read_source(page, config):
    return state["texts"][Path(page.file.src_uri).stem] if page.file.src_uri.endswith(".md") else None


def on_page_markdown(markdown, page, config, files):
    """Tell the theme of the page's run: versions, date and seconds; it makes the links from `name`."""
    mine = state["pages"].get(Path(page.file.src_uri).stem)
    if page.file.src_uri.endswith(".md") and mine.example:
        page.meta["run"] = {"name": mine.example.name}
        if record := mine.record:
            versions = {kind: record["depends"].get(f"package {kind}") for kind in ("tensorflow", "keras")}
            page.meta["run"] |= versions | record["ran"] | {"python": record["depends"]["Python"]}


def mark_formula(match):
    """A notebook's formula as arithmatex marks one of a page; code stays as it is."""
    display, inline = match.groups()
    if display:
        return f'<div class="arithmatex">\\[{display}\\]</div>'
    return f'<span class="arithmatex">\\({inline}\\)</span>' if inline else match[0]


def on_page_content(html, page, config, files):
    if page.file.src_uri.endswith(".ipynb"):  # its template's styles and scripts, one from another host, go
        html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
        html = re.sub(r"<(?:pre|code).*?</(?:pre|code)>|\$\$(.+?)\$\$|\$([^$]+)\$", mark_formula, html, flags=re.DOTALL)
        page.meta["search"] = {"exclude": True}
    page.meta["math"] = "arithmatex" in html
    try:
        return tex.replace(html)
    except BookError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error
