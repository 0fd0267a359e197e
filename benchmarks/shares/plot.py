"""The share of the roofline by M as an SVG, from the JSON alone."""

import math
import statistics

from . import rows as r

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 200, 20, 50
COLORS = ("#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#b9770e", "#34495e")
HIGHEST = 1.2


def lines_of(rows):
    """Name and points (m, lowest, median, highest share over the shapes) of every line."""
    products = [row for row in rows if row["form"] == "product" and "us" in row and row["threads"] == 1]
    lines = {}
    for row in products:
        if row["cache"] in ("hot", "cold"):
            lines.setdefault(f"{row['level']} {row['layout']}, {row['cache']}", {}).setdefault(row["m"], []).append(
                r.roofline(row)
            )
    return {
        name: [(m, min(shares), statistics.median(shares), max(shares)) for m, shares in sorted(points.items())]
        for name, points in lines.items()
    }


def draw(results):
    """The text of the SVG."""
    lines = lines_of(results["rows"])
    ms = sorted({m for points in lines.values() for m, *_ in points}) or [1]
    span = max(math.log2(ms[-1]) - math.log2(ms[0]), 1)

    def x(m):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(m) - math.log2(ms[0])) / span

    def y(share):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(share, HIGHEST) / HIGHEST

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tenth in range(0, 13, 2):
        height = y(tenth / 10)
        color = "#333" if tenth in (0, 10) else "#ddd"
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" stroke="{color}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{tenth * 10}%</text>')
    for m in ms:
        out.append(f'<text x="{x(m):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{m}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">M (rows of activations), one thread</text>')
    for number, (name, points) in enumerate(lines.items()):
        color = COLORS[number // 2 % len(COLORS)]
        dash = "" if name.endswith("hot") else ' stroke-dasharray="5 3"'
        path = " ".join(f"{x(m):.1f},{y(median):.1f}" for m, _, median, _ in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        for m, low, _, high in points:
            out.append(
                f'<line x1="{x(m):.1f}" x2="{x(m):.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="{color}" '
                'stroke-opacity="0.4"/>'
            )
        height = TOP + 16 + 18 * number
        begin = WIDTH - RIGHT + 12
        out.append(
            f'<line x1="{begin}" x2="{begin + 22}" y1="{height}" y2="{height}" stroke="{color}" '
            f'stroke-width="2"{dash}/>'
        )
        out.append(f'<text x="{begin + 28}" y="{height + 4}">{name}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
