"""Checks the object of bit-run --bench --json."""

import json
import pathlib
import sys

result = json.loads(pathlib.Path(sys.argv[1]).read_text())
assert list(result) == ["model", "level", "threads", "runs", "us", "weight_bytes", "arena_bytes", "gb_per_s"]
us = result["us"]
assert list(us) == ["min", "p10", "median", "p90", "p99"]
assert 0 < us["min"] <= us["p10"] <= us["median"] <= us["p90"] <= us["p99"]
assert result["threads"] == 2 and result["runs"] >= 5
assert result["weight_bytes"] == 16 and result["arena_bytes"] >= 8 * 4 * 4
assert abs(result["gb_per_s"] - 16 / us["median"] / 1e3) < 1e-3 * result["gb_per_s"]
