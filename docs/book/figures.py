"""Figures: from one SVG that a run drew (in the style of book.mplstyle) a light and a dark one."""

import colorsys
import io
import re
from functools import lru_cache


def path(example, cell, number):
    """Where a figure lies below an edition's root, less `-light.svg` or `-dark.svg`."""
    return f"figures/{example.name}/{cell.name}{f'-{number}' if number > 1 else ''}"


def taken(plt):
    """The figures that are open in pyplot as SVGs, and closes them."""
    for number in plt.get_fignums():
        figure, svg = plt.figure(number), io.StringIO()
        figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None})
        yield tidy(svg.getvalue())
    plt.close("all")


def tidy(svg):
    """An SVG without what changes or weighs: date, titles (Graphviz's are addresses in memory), comments, prolog, digits
    beyond a hundredth of a point; and with numbers for named colours."""
    gone = r"<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>"
    svg = re.sub(gone, "", svg, flags=re.DOTALL).replace('="black"', '="#000000"').replace('="white"', '="#ffffff"')
    svg = re.sub(r' d="[^"]*"', lambda d: re.sub(r"(\.\d\d)\d+", r"\1", d[0]).replace(" \n", " "), svg)
    return re.sub(r"\n\s*", "\n", svg).strip() + "\n"


def size(svg):
    """Width and height in points, rounded: the attributes that keep a page from jumping while it loads."""
    return [round(float(re.search(rf'<svg[^>]*? {side}="([\d.]+)pt"', svg)[1])) for side in ("width", "height")]


def turned(match):
    """A colour with its lightness turned round (white → #17191c's lightness, black → nearly white), hue kept."""
    hue, light, colour = colorsys.rgb_to_hls(*(int(match[1][i : i + 2], 16) / 255 for i in (0, 2, 4)))
    return "#" + "".join(f"{round(255 * c):02x}" for c in colorsys.hls_to_rgb(hue, 0.93 - 0.83 * light, 0.85 * colour))


@lru_cache(512)
def dark(svg):
    """The same figure for a dark page: every drawn colour turned, so that contrasts stay; images stay as they are."""
    svg = re.sub(r"#([0-9a-fA-F]{6})(?![0-9a-zA-Z])", turned, svg)
    return svg.replace("<svg ", f'<svg fill="{turned(["", "000000"])}" ', 1)
