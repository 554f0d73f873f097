"""Results → the benchmark's page in both languages, and the English one on the terminal."""

import re
from pathlib import Path
from statistics import median

import jinja2
from rich.console import Console
from rich.markdown import Markdown


def number(value):
    """Two significant places or more, never more than two after the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    """The median, and between which values it lies: 17.3 (16.9–18.0)."""
    middle = number(median(values)) if values else "–"
    return f"{middle} ({number(min(values))}–{number(max(values))})" if len(values) > 1 else middle


def rows(told):
    """The engines of a set: (name, isolated, pages, cold, again, all pages anew), the last three seconds by round."""
    found = []
    for name, one in told["engines"].items():
        for part, end in [(name, None), ("book-run", 1)] if name == "book" else [(name, None)]:
            cold, again, anew = ([sum(steps[:end]) for steps in one[kind]] for kind in ("cold", "again", "anew"))
            pages = one["pages"] and part != "book-run"  # the first step alone, as some peers make no pages
            found.append((part, one["isolated"], pages, cold, again, (anew or again) if pages else []))
    return sorted(found, key=lambda row: median(row[3]) if row[3] else float("inf"))


def limit(told, cores):
    """One import and the longer of the bodies' CPU seconds by cores and the longest body, for each round."""
    parts = zip(told["import"], told["cpu"], told["longest"], strict=False)
    return [importing + max(cpu / cores, longest) for importing, cpu, longest in parts]


def page(results, language):
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    env.filters |= {"number": number, "spread": spread, "median": median, "rows": rows, "limit": limit}
    env.globals["t"] = lambda korean, english: korean if language == "ko" else english
    text = Path(__file__).with_name("page.jinja").read_text(encoding="utf-8")
    text = env.from_string(text).render(language=language, **results)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def show(results):
    text = re.sub(r"\A---\n.*?\n---\n| \{: #[\w-]+ \}", "", page(results, "en"), flags=re.DOTALL)
    Console().print(Markdown(text))
