"""Both built editions in a real headless browser, and their links, as `make site` left them in build/site."""

import functools
import hashlib
import http.server
import os
import re
import shutil
import threading
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from book.cells import ROOT, examples

SITE = ROOT / "build" / "site"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHAPTERS = [example.name for example in examples()]
FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
FLAGS = [f"--{flag}" for flag in [*FLAGS, "disable-component-update", "disable-sync"]]

needs_browser = pytest.mark.skipif(
    not BROWSER and not os.environ.get("CI"),  # in CI a missing browser is a failure
    reason="no browser: install Chromium (Debian: `apt-get install chromium`) to test the site in it",
)


def built(pattern="**/*.html"):
    """The site's files as addresses below its root, index.html left out as a browser would."""
    return sorted(re.sub(r"index\.html$", "", path.relative_to(SITE).as_posix()) for path in SITE.glob(pattern))


class Ids(HTMLParser):
    """The ids and the links, images, scripts and styles of a page."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.hosts = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif link := attributes.get("src") or (tag == "link" and attributes.get("href")):
            self.links.append(link)


@functools.cache
def parsed(path):
    return Ids(path.read_text(encoding="utf-8"))


def test_both_editions_are_built_with_every_chapter():
    pages = built()
    for edition in ("", "en/"):
        assert {edition, f"{edition}about/", *(f"{edition}{name}/" for name in CHAPTERS)} <= set(pages)
        assert {f"{edition}notebooks/{name}/" for name in CHAPTERS} <= set(pages)
        assert {f"{edition}downloads/{name}.ipynb" for name in CHAPTERS} <= set(built("**/*.ipynb"))


@pytest.mark.parametrize("page", [page for page in built() if not page.endswith("404.html")])
def test_links_and_anchors_resolve_in(page):
    file = SITE / page / "index.html" if page.endswith("/") or not page else SITE / page
    for link in parsed(file).links:
        target, anchor = urldefrag(urljoin(f"/{page}", link))
        if re.match(r"[a-z]+:", target):
            continue
        path = SITE / unquote(target).lstrip("/")
        path = path / "index.html" if target.endswith("/") else path
        assert path.is_file(), f"{page} links {link}"
        if anchor and path.suffix == ".html":
            assert unquote(anchor) in parsed(path).ids | {"__skip"}, f"{page} links {link}"


def test_no_line_of_the_notes_is_missing():
    notes = yaml.safe_load((ROOT / "tests" / "notes.yml").read_text(encoding="utf-8"))
    lines = "\n".join(statement["line"] for statement in notes["statements"])
    assert hashlib.sha256(lines.encode()).hexdigest() == notes["sha256"]


@pytest.mark.parametrize("edition", ["", "en/"], ids=["ko", "en"])
def test_every_line_of_the_notes_is_taught_where_the_map_says(edition):
    notes = yaml.safe_load((ROOT / "tests" / "notes.yml").read_text(encoding="utf-8"))
    lost = []
    for statement in notes["statements"]:
        assert statement["anchors"], statement["line"]
        for name, _, anchor in (place.partition("#") for place in statement["anchors"]):
            page = SITE / edition / ("" if name == "index" else name) / "index.html"
            if page.is_file() != bool(anchor) or (anchor and anchor not in parsed(page).ids):
                lost.append(f"{name}#{anchor}: {statement['line']}")
    assert not lost, "\n".join(lost)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site under a sub-path, as a project page on a static host is."""
    root = tmp_path_factory.mktemp("host")
    (root / "deep").mkdir()
    (root / "deep" / "learning").symlink_to(SITE)
    server, url = serve(root)
    yield f"{url}deep/learning/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert BROWSER, "CI installs a browser"
    with sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def watch(page):
    """(console errors, requests) of a page, filled while it loads."""
    errors, requests = [], []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.on(
        "response",
        lambda response: errors.append(f"{response.status} {response.url}") if response.status > 399 else None,
    )
    return errors, requests


@needs_browser
@pytest.mark.parametrize("name", [name for name in built() if "404" not in name])  # its links begin at the host
def test_page_loads_without_errors_and_asks_no_other_host(page, address, name):
    errors, requests = watch(page)
    page.goto(address + name, wait_until="networkidle")
    assert errors == []
    assert [url for url in requests if not url.startswith((address, "data:"))] == []


@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", [name for name in built() if "notebooks" not in name and "404" not in name])
def test_page_does_not_scroll_sideways(browser, address, name, width):
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = context.new_page()
    opened.goto(address + name)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [edition + name + "/" for edition in ("", "en/") for name in CHAPTERS])
def test_without_javascript_formulas_figures_and_code_are_there(browser, address, name, scheme):
    context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address + name)
    assert opened.locator("article pre:visible code").count() > 5
    source = (
        ROOT / "docs" / ("en" if name.startswith("en/") else "ko") / f"{name.strip('/').split('/')[-1]}.md"
    ).read_text()
    if "$" in source:
        formula = opened.locator(".katex-html:visible").first
        assert formula.bounding_box()["width"] > 1
        assert opened.locator(".katex math").count() == opened.locator(".katex").count()
    shown = opened.locator("figure.book-figure img:visible")
    assert shown.count() == source.count("{{ figure(") - len(re.findall(r"^    \{\{ figure\(", source, re.M))
    for image in shown.all():
        image.scroll_into_view_if_needed()
        assert image.get_attribute("alt").strip()
    context.close()


@needs_browser
@pytest.mark.parametrize("name", ["", "about/", *(f"{name}/" for name in CHAPTERS)])
def test_language_switch_stays_on_the_page(page, address, name):
    page.goto(address + name)
    assert page.locator("html").get_attribute("lang") == "ko"
    page.locator("header a[hreflang=en]").click()
    page.wait_for_url(f"{address}en/{name}")
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("header a[hreflang=ko]").click()
    page.wait_for_url(address + name)


@needs_browser
@pytest.mark.parametrize(
    ("edition", "query", "expected"),
    [
        ("", "역전파", "backpropagation"),
        ("", "브로드캐스팅", "tensors"),
        ("", "GradientTape", "backpropagation"),
        ("en/", "broadcasting", "tensors"),
        ("en/", "backpropagation", "backpropagation"),
    ],
)
def test_search_finds(page, address, edition, query, expected):
    page.goto(address + edition)
    page.locator(".md-search__input").click()
    page.keyboard.type(query, delay=20)
    page.keyboard.press("End")  # Hangul arrives without a key going up, which the search waits for
    page.locator(f'.md-search-result__item a[href*="{expected}/"]').first.wait_for(timeout=15_000)


@needs_browser
def test_search_finds_a_korean_word_inside_a_longer_one(page, address):
    """역전파 is found where the page says only 역전파는, 역전파를 …: in the results' marked words."""
    page.goto(address)
    page.locator(".md-search__input").click()
    page.keyboard.type("역전파", delay=20)
    page.keyboard.press("End")
    page.locator(".md-search-result__item").first.wait_for(timeout=15_000)
    marked = page.locator(".md-search-result__item mark").all_inner_texts()
    assert [word for word in marked if word.startswith("역전파") and word != "역전파"]


@needs_browser
def test_copy_button_copies_the_code_alone(browser, address):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.goto(f"{address}tensors/")
    block = opened.locator(".language-python").first
    block.hover()
    block.locator("button[data-clipboard-target], .md-clipboard, [data-md-type=copy]").first.click()
    code = next(cell.source for cell in examples(["tensors"])[0].cells)
    assert opened.evaluate("navigator.clipboard.readText()").strip() == code.strip()
    context.close()


def test_notebooks_hold_every_cell_with_what_it_gave():
    import nbformat

    for path in SITE.glob("**/downloads/*.ipynb"):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        codes = [cell for cell in book.cells if cell.cell_type == "code"]
        example = examples([path.stem])[0]
        assert [cell.source for cell in codes] == [cell.source for cell in example.cells]
        assert [cell.id for cell in codes] == [cell.name for cell in example.cells]
        assert any(cell.outputs for cell in codes)
        assert not [
            cell
            for cell in book.cells
            if cell.cell_type == "markdown" and re.search(r"\{\{|\{: |^!!!|~~~ \{", cell.source)
        ]


def test_site_states_versions_and_date_of_the_run():
    import keras
    import tensorflow as tf

    for name in CHAPTERS:
        for edition in ("", "en"):
            page = (SITE / edition / name / "index.html").read_text(encoding="utf-8")
            run = re.search(r'<section class="book-run".*?</section>', page, re.DOTALL)[0]
            assert f"TensorFlow {tf.__version__}" in run and f"Keras {keras.__version__}" in run
            assert re.search(r"20\d\d-\d\d-\d\d", run)
            assert f"scripts/{name}.py" in run and f"downloads/{name}.ipynb" in run
