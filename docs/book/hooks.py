"""MkDocs events, thin: run what is stale, expand pages, add figures, notebooks and KaTeX, render formulas."""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from book import expand, records, run, serve, tex
from book.cells import ROOT, BookError

pages = {}  # of the edition being built


def on_config(config):
    """Make sure that there are records, then expand every chapter: a page that is wrong stops the build here."""
    try:
        tex.node()  # gets ready meanwhile
        found, errors = (serve.found, []) if serve.found else run.ensure()  # the server runs examples meanwhile
        for error in errors:
            raise error
        pages.update(expand.pages(Path(config.docs_dir).name, found))
        for page in pages.values():
            write(page, config.site_url or "../../")
    except BookError as error:
        raise PluginError(str(error)) from error


def write(page, home):
    """Write what the page is in its edition."""
    for name, content in page.files(home).items():
        path = added(page.path.parent) / name
        if name not in page.written and not (serve.found and name.endswith(".ipynb") and later(page.path.stem, path)):
            records.write(path, content.encode())
            page.written.add(name)


def later(name, path):
    """While serving, a notebook, whose page takes a second, is made after its chapter and once for each record."""
    return name in serve.fresh or (path.exists() and path.stat().st_mtime > records.every(name)[0].stat().st_mtime)


def added(docs):
    return ROOT / "build" / "pages" / Path(docs).name


@event_priority(50)  # before mkdocs-jupyter, which looks for notebooks among the files
def on_files(files, config):
    """Put each chapter as expanded in its source's place, and add what belongs to it and KaTeX's files."""
    katex, where = tex.KATEX / "dist", (config.site_dir, config.use_directory_urls)
    for name in (name for page in pages.values() for name in sorted(page.written)):
        if name in files.src_uris:
            files.remove(files.src_uris[name])
        files.append(File(name, str(added(config.docs_dir)), *where))
    for path in (katex / "katex.min.css", *katex.glob("fonts/*.woff2")):
        name = path.relative_to(katex).as_posix()
        files.append(File(name, str(katex), *where, dest_uri=f"assets/katex/{name}"))


def on_page_markdown(markdown, page, config, files):
    """Tell the theme of the page's run: versions, date and seconds; it makes the links from `name`."""
    mine = pages.get(Path(page.file.src_uri).stem)
    if page.file.src_uri.endswith(".md") and mine.example:
        page.meta["run"] = {"name": mine.example.name}
        if record := mine.record:
            versions = {kind: record["depends"].get(f"package {kind}") for kind in ("tensorflow", "keras")}
            page.meta["run"] |= versions | record["ran"] | {"python": record["depends"]["Python"]}


def mark_formula(match):
    """A notebook's formula as arithmatex marks one of a page; code stays as it is."""
    display, inline = match.groups()
    marked = (
        f'<div class="arithmatex">\\[{display}\\]</div>'
        if display
        else f'<span class="arithmatex">\\({inline}\\)</span>'
    )
    return marked if display or inline else match[0]


def on_page_content(html, page, config, files):
    if page.file.src_uri.endswith(".ipynb"):  # its template's styles and scripts, one from another host, go
        html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
        html = re.sub(r"<(?:pre|code).*?</(?:pre|code)>|\$\$(.+?)\$\$|\$([^$]+)\$", mark_formula, html, flags=re.DOTALL)
        page.meta["search"] = {"exclude": True}
    page.meta["math"] = "arithmatex" in html
    return html.replace('class="arithmatex"', 'class="arithmatex" data-search-exclude')


def on_post_page(output, page, config):  # after the search plugin has read the page
    try:
        return tex.replace(output)
    except BookError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error
