"""Judges rows by the bars of layers.json."""

from . import rows as r


def measure(row, bar, rows):
    """The figure that `bar` is about, or nothing where the row or what it is compared with was not measured."""
    if "us" not in row:
        return None
    if bar["measure"] == "share":
        return r.share(row, bar["of"])
    if bar["measure"] == "over":
        return row["over"][1] if "over" in row else None
    if bar["measure"] == "faster":
        return 1 / row["over"][1] if "over" in row else None
    if bar["measure"] == "best":
        same = [other for other in rows if r.key(other, m=0) == r.key(row, m=0) and "us" in other]
        return r.rate(row) / max(map(r.rate, same))
    if bar["measure"] == "peers":
        same = {name: row[name] for name in ("shape", "m", "threads")}
        peers = [other for other in rows if r.matches(other, {"form": "onnxruntime", **same}) and "us" in other]
        return min(other["us"][1] for other in peers) / row["us"][1] if peers else None
    other = next((other for other in rows if r.key(other) == r.key(row, **bar["over"]) and "us" in other), None)
    if other is None:
        return None
    ratio = row["us"][1] / other["us"][1]
    return 1 / ratio if bar["measure"] == "speed" else ratio


def reads(bar, row):
    """Whether the bar's figures depend on such a row."""
    if r.matches(row, bar["rows"]):
        return True
    # What a row of the bar is compared with.
    others = bar.get("over", {})
    wanted = {name: values for name, values in bar["rows"].items() if name not in others}
    return bool(others) and r.matches(row, {**wanted, **others})


def judge(bar, rows):
    """The bar with the figures of all its rows, the worst first."""
    figures = []
    for row in rows:
        if r.matches(row, bar["rows"]):
            value = measure(row, bar, rows)
            if value is not None:
                figures.append((value, row))
    at_most = "at_most" in bar
    figures.sort(key=lambda figure: figure[0], reverse=at_most)
    limit = bar["at_most"] if at_most else bar["at_least"]
    below = [f for f in figures if (f[0] > limit if at_most else f[0] < limit)]
    return {
        "name": bar["name"],
        "limit": limit,
        "at_most": at_most,
        "is_ratio": bar["measure"] in ("time", "over", "faster", "speed", "peers"),
        "figures": figures,
        "below": below,
    }


def judge_all(bars, rows):
    """Every bar, judged."""
    return [judge(bar, rows) for bar in bars]
