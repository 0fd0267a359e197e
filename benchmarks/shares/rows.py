"""What is measured, as rows: plain dicts, so that they are the JSON file, too.

A row says what ran (`form`, `shape`, `layout`, `level`, `cache`, `threads`, `m`), what a call took (`us`: quartiles)
and what the machine could do right before and after (`probes`: the higher of the two, multiply-adds or bytes a second;
of caches, which are no measure of a product, the lower).
What took turns with another has `over`, quartiles of its time over the other's: a layer with its product, some threads
with one.
"""

import json
import statistics

DISTURBED = 0.10
CACHES = ("l2", "l3")
KEYS = ("form", "shape", "layout", "level", "cache", "threads", "m")


def rounded(number):
    """Four digits: more are noise, and the JSON file is checked in."""
    return float(f"{number:.4g}")


def make(raw, form, shape, layout):
    """A row from a line of bench-run.

    One thread is judged by its CPU time, which includes waiting for memory and leaves out what else runs; more threads
    by wall time, as they wait for each other.
    """
    both = {name: (rate, raw["after"][name]) for name, rate in raw["before"].items()}
    probes = {name: rounded(min(pair) if name in CACHES else max(pair)) for name, pair in both.items()}
    changes = [abs(1 - after / before) for name, (before, after) in both.items() if name not in CACHES]
    change = max(changes, default=0.0)
    quartiles = raw["cpu"] if raw["threads"] == 1 else raw["wall"]
    row = {
        "form": form,
        "shape": shape,
        "layout": layout,
        "level": raw["level"],
        "cache": raw["cache"],
        "threads": raw["threads"],
        "m": raw["m"],
        "us": [rounded(seconds * 1e6) for seconds in quartiles],
        "samples": raw["samples"],
        "weight_bytes": raw["weight_bytes"],
        "probes": probes,
    }
    if "over" in raw:
        row["over"] = [rounded(ratio) for ratio in raw["over"]]
    if change > DISTURBED:
        row["disturbed"] = rounded(change)
    return row


def rate(row):
    """Multiply-adds a second by the median."""
    n, k = map(int, row["shape"].split("x"))
    return row["m"] * n * k / (row["us"][1] * 1e-6)


def share(row, probe, quartile=1):
    """Of what the machine could do, or nothing without this probe: multiply-adds, or bytes of weights read."""
    peak = row.get("probes", {}).get(probe)
    if not peak:
        return None
    if probe == "read":
        return row["weight_bytes"] / (row["us"][quartile] * 1e-6) / peak
    return rate(row) * row["us"][1] / row["us"][quartile] / peak


def roofline(row):
    """Share of what peak and reading together allow: cold weights are read once a call."""
    peak = row["probes"].get("vpdpbusd") or row["probes"].get("vpmaddubsw")
    if row["cache"].startswith("cold"):
        n, k = map(int, row["shape"].split("x"))
        peak = min(peak, row["probes"]["read"] * row["m"] * n * k / row["weight_bytes"])
    return rate(row) / peak


COLUMNS = (*KEYS, "us", "samples", "weight_bytes", "probes", "disturbed", "error", "over")


def to_text(results):
    """JSON with a row a line, as a list without names: there are a thousand, and the file is checked in."""
    rest = {name: value for name, value in results.items() if name != "rows"}
    lines = []
    for row in results["rows"]:
        values = [row.get(name) for name in COLUMNS]
        while values[-1] is None:
            values.pop()
        lines.append("  " + json.dumps(values, separators=(",", ":")))
    text = json.dumps({**rest, "columns": COLUMNS}, indent=1)[:-2]
    return f'{text},\n "rows": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def from_text(text):
    """What to_text() wrote."""
    results = json.loads(text)
    columns = results.pop("columns")
    named = (dict(zip(columns, row)) for row in results["rows"])
    results["rows"] = [{name: value for name, value in row.items() if value is not None} for row in named]
    return results


def key(row, **changes):
    """What tells rows apart."""
    return tuple({**row, **changes}.get(name) for name in KEYS)


def matches(row, wanted):
    """Whether each of `wanted` is the row's value, or has it."""
    for name, values in wanted.items():
        if row.get(name) not in (values if isinstance(values, list) else [values]):
            return False
    return True


def has_l2(row):
    """Whether the L2 cache was probed."""
    return "l2" in row.get("probes", {})


def is_undisturbed(row, alone):
    """Whether its caches were its own; `alone` is what one core's does then. On two cores somebody nearly always is."""
    share = 0.9 if row["threads"] == 1 else 0.65
    return has_l2(row) and row["probes"]["l2"] >= share * alone * row["threads"]


def middle(runs):
    """One list of rows from several runs of the same: of each row the one whose median is the runs' median.

    Runs in which others used the row's caches count only where there is no other. What took turns with another has the
    median of the ratios.
    """
    found = {}
    alone = max((row["probes"]["l2"] for run in runs for row in run if has_l2(row) and row["threads"] == 1), default=0)
    for run in runs:
        for row in run:
            found.setdefault(key(row), []).append(row)
    result = []
    for same in found.values():
        timed = [row for row in same if "us" in row]
        timed = [row for row in timed if is_undisturbed(row, alone)] or timed
        if not timed:
            result.append(same[0])
            continue
        wanted = statistics.median_low([row["us"][1] for row in timed])
        row = next(row for row in timed if row["us"][1] == wanted)
        ratios = [row["over"] for row in timed if "over" in row]
        result.append({**row, "over": list(map(statistics.median, zip(*ratios)))} if ratios else row)
    return result
