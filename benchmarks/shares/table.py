"""The Markdown of docs/benchmarks.md, from the JSON alone."""

from . import bars as b
from . import rows as r

BEGIN = "<!-- begin: written by benchmarks/layers.py --docs, from results.json -->"
END = "<!-- end -->"


def shape_order(rows):
    """Shapes as they were measured."""
    return list(dict.fromkeys(row["shape"] for row in rows))


def table(head, body):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def percent(share):
    """As 95%."""
    return f"{100 * share:.0f}%"


def microseconds(us):
    """Three digits."""
    return f"{us:.3g}" if us < 1000 else f"{us:.0f}"


def cell(row, share):
    """Median with the quartiles; a star where the machine changed meanwhile."""
    if row is None:
        return ""
    slow, fast = (share(row) * row["us"][1] / row["us"][q] for q in (2, 0))
    star = "\\*" if "disturbed" in row else ""
    return f"{percent(share(row))} ({100 * slow:.0f}-{100 * fast:.0f}){star}"


def place(row):
    """Which row it was."""
    parts = [row["shape"], f"M = {row['m']}", row["layout"], row["level"], row["cache"]]
    return ", ".join(part for part in parts if part) + (f", {row['threads']} threads" if row["threads"] > 1 else "")


def figure(value, judged):
    """Ratios as numbers, shares as percents."""
    return f"{value:.2f}x" if judged["is_ratio"] else percent(value)


def bar_lines(judged):
    """Each bar beside its worst and its median figure."""
    body = []
    for bar in judged:
        sign = "at most" if bar["at_most"] else "at least"
        limit = f"{sign} {figure(bar['limit'], bar)}"
        if not bar["figures"]:
            body.append([bar["name"], limit, "not measured", "", "", ""])
            continue
        worst, row = bar["figures"][0]
        middle = bar["figures"][len(bar["figures"]) // 2][0]
        body.append(
            [
                bar["name"],
                limit,
                figure(worst, bar) + (" **missed**" if bar["below"] else ""),
                place(row),
                figure(middle, bar),
                f"{len(bar['figures']) - len(bar['below'])} of {len(bar['figures'])}",
            ]
        )
    return table(["bar", "", "worst", "where", "median", "rows that reach it"], body)


def share_lines(rows):
    """A table of shapes by M for every level, cache and number of threads."""
    lines = []
    products = [row for row in rows if row["form"] == "product" and "us" in row]
    groups = dict.fromkeys((row["layout"], row["level"], row["cache"], row["threads"]) for row in products)
    for layout, level, cache, threads in groups:
        wanted = {"layout": layout, "level": level, "cache": cache, "threads": threads}
        some = [row for row in products if r.matches(row, wanted)]
        ms = sorted({row["m"] for row in some})
        of = "the roofline" if cache.startswith("cold") else "vpdpbusd"
        title = f"{level}, layout {layout}, {cache}, {threads} thread{'s' * (threads > 1)}"
        lines += ["", f"**{title}**, share of {of}", ""]
        body = []
        for shape in shape_order(some):
            found = {row["m"]: row for row in some if row["shape"] == shape}
            body.append([shape] + [cell(found.get(m), r.roofline) for m in ms])
        lines += table(["N x K"] + [f"M = {m}" for m in ms], body)
    return lines


def peer_lines(rows):
    """Microseconds of whole layers beside onnxruntime's."""
    peers = [row for row in rows if row["form"] == "onnxruntime"]
    layers = [row for row in rows if row["form"] == "layer" and row["cache"] == "hot" and "us" in row]
    if not peers or not layers:
        return []
    forms = list(dict.fromkeys(row["layout"] for row in peers))
    body = []
    for names in dict.fromkeys((row["shape"], row["m"], row["threads"]) for row in layers):
        same = dict(zip(("shape", "m", "threads"), names))
        ours = min((row for row in layers if r.matches(row, same)), key=lambda row: row["us"][1])
        timed = {row["layout"]: row for row in peers if r.matches(row, same) and "us" in row}
        if not timed:
            continue
        least = min(row["us"][1] for row in timed.values())
        body.append(
            [*names, microseconds(ours["us"][1]), ours["level"]]
            + [microseconds(timed[form]["us"][1]) if form in timed else "-" for form in forms]
            + [f"{least / ours['us'][1]:.1f}x"]
        )
    lines = [
        "",
        "## Beside onnxruntime",
        "",
        "Microseconds a call, hot; ours is the whole layer at its fastest level.",
        "",
    ]
    head = ["N x K", "M", "threads", "ours", "level", *(f"ort {form}" for form in forms), "over the fastest"]
    lines += table(head, body)
    failed = [row for row in peers if "error" in row]
    for form in dict.fromkeys(row["layout"] for row in failed):
        reason = next(row["error"] for row in failed if row["layout"] == form)
        lines += ["", f"onnxruntime cannot run {form}: `{reason.replace('`', '')}`"]
    return lines


def head_lines(rows):
    """Heads of a language model in other types."""
    heads = [row for row in rows if row["form"] == "head" and "us" in row]
    if not heads:
        return []
    body = [
        [h["shape"], h["layout"], h["level"], h["threads"], microseconds(h["us"][1]), percent(r.share(h, "read"))]
        for h in heads
    ]
    lines = ["", "## Weights of 8 and 16 bits", "", "One row out of memory, share of its reading speed.", ""]
    return lines + table(["N x K", "weights", "level", "threads", "us", "share"], body)


def mca_lines(rows):
    """Multiply-adds a cycle by llvm-mca."""
    body = [[kernel, level, m, cpu, f"{1024 / cycles:.0f}"] for kernel, level, m, cpu, cycles in rows]
    if not body:
        return []
    lines = ["", "## By llvm-mca", "", "Inner loops alone, as the tests that guard them have it.", ""]
    return lines + table(["kernel", "level", "M", "model", "multiply-adds a cycle"], body)


def outside_lines(rows):
    """What a checkout of another project gave."""
    body = [
        [row["shape"], row["m"], row["layout"], microseconds(row["us"][1]), f"{r.rate(row) / 1e9:.0f}"]
        for row in rows
        if row["form"] == "outside"
    ]
    if not body:
        return []
    return ["", "## Beside --peer-dir", "", *table(["N x K", "M", "type", "us", "GMAC/s"], body)]


def generate(results):
    """The lines between the markers, as one text."""
    machine, rows = results["machine"], results["rows"]
    judged = b.judge_all(results["bars"], rows)
    disturbed = sum("disturbed" in row for row in rows)
    lines = [
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, last cache {machine['cache_mb']} MB; bit-mlir "
        f"{machine['bit_mlir']}, LLVM {machine['llvm']}, onnxruntime {machine['onnxruntime']}; "
        f"{machine['runs']} run{'s, not all of every row' * (machine['runs'] > 1)}, each row at least "
        f"{machine['samples']} samples"
        f"{', quick' if machine['quick'] else ''}.",
        f"{disturbed} of {len(rows)} rows are disturbed: a probe changed by more than "
        f"{percent(r.DISTURBED)} while they ran (\\*).",
        "",
        *bar_lines(judged),
        "",
        "![share of the roofline by M](benchmarks.svg)",
        "",
        "## Products",
        *share_lines(rows),
        *peer_lines(rows),
        *head_lines(rows),
        *mca_lines(results["mca"]),
        *outside_lines(rows),
    ]
    return "\n".join(lines) + "\n"


def insert(page, generated):
    """The page with what is between its markers replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{generated}{END}{after}"
