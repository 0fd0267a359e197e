"""The parts of benchmarks/layers.py that measure nothing, and that the page says what the checked-in results are."""

import importlib.util
import json
import stat
import sys
import xml.etree.ElementTree

import pytest
from tree import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from shares import bars, mca, native, outside, plot, table  # noqa: E402
from shares import rows as r  # noqa: E402

PAGE = ROOT / "docs/benchmarks.md"
IMAGE = ROOT / "docs/benchmarks.svg"
RESULTS = ROOT / "benchmarks/results.json"
CONFIG = json.loads((ROOT / "benchmarks/layers.json").read_text())


def raw(m=1, level="avx512vnni", cache="hot", threads=1, seconds=1e-4, after=200e9):
    """A line of bench-run: 100 us, 200 G multiply-adds a second, 40 GB/s."""
    read = {} if cache == "hot" else {"read": 40e9}
    return {
        "name": "product",
        "level": level,
        "cache": cache,
        "threads": threads,
        "m": m,
        "samples": 20,
        "copies": 1,
        "weight_bytes": 2_000_000,
        "wall": [2 * seconds, 2.2 * seconds, 3 * seconds],
        "cpu": [0.8 * seconds, seconds, 1.25 * seconds],
        "before": {"vpdpbusd": 200e9, **read},
        "after": {"vpdpbusd": after, **read},
    }


def product(shape="2500x3200", **changes):
    return r.make(raw(**changes), "product", shape, "p2")


def results(rows):
    machine = dict.fromkeys(("date", "cpu", "bit_mlir", "llvm", "onnxruntime"), "?")
    machine.update(cores=2, cache_mb=32, runs=2, samples=20, quick=False)
    return {"machine": machine, "bars": CONFIG["bars"], "mca": [], "rows": rows}


def test_one_thread_is_judged_by_cpu_time_and_two_by_wall_time():
    assert product(threads=1)["us"] == [80, 100, 125]
    assert product(threads=2)["us"] == [200, 220, 300]


def test_shares():
    row = product(m=2, cache="cold")
    # 8e6 multiply-adds a row of x in 100 us of 200e9 a second; 2e6 bytes of 40e9.
    assert r.share(row, "vpdpbusd") == pytest.approx(0.8)
    assert r.share(row, "vpdpbusd", quartile=0) == pytest.approx(1.0)
    assert r.share(row, "read") == pytest.approx(0.5)
    assert r.share(row, "vpmaddubsw") is None
    # Reading allows 320 G multiply-adds a second, so the peak is the roof; with m = 1 it is reading.
    assert r.roofline(row) == pytest.approx(0.8)
    assert r.roofline(product(m=1, cache="cold")) == pytest.approx(0.5)
    assert r.roofline(product(m=1)) == pytest.approx(0.4)


def test_the_higher_probe_counts_and_a_change_is_told():
    assert "disturbed" not in product(after=210e9)
    row = product(after=250e9)
    assert row["disturbed"] == 0.25
    assert r.share(row, "vpdpbusd") == pytest.approx(8e6 / 1e-4 / 250e9)
    assert product(after=150e9)["disturbed"] == 0.25


def test_of_several_runs_a_row_is_the_median():
    runs = [[product(seconds=s), product(m=2, seconds=s)] for s in (3e-4, 1e-4, 2e-4)]
    assert [row["us"][1] for row in r.middle(runs)] == [200, 200]


def test_of_several_runs_those_with_caches_of_their_own_count():
    runs = []
    for seconds, l2 in ((3e-4, 60e9), (1e-4, 116e9), (2e-4, 70e9)):
        line = raw(seconds=seconds)
        line["before"]["l2"] = line["after"]["l2"] = l2
        other = raw(m=2, seconds=seconds)
        other["before"]["l2"] = other["after"]["l2"] = 60e9
        runs.append([r.make(one, "product", "2500x3200", "p2") for one in (line, other)])
    assert [row["us"][1] for row in r.middle(runs)] == [100, 200]


def test_text_and_back():
    rows = [product(), product(after=250e9), {**dict.fromkeys(r.KEYS, "x"), "error": "no"}]
    assert r.from_text(r.to_text(results(rows))) == results(rows)


def bar(**changes):
    return {"name": "b", "rows": {"form": "product"}, "measure": "share", "of": "vpdpbusd", **changes}


def test_bars_of_shares():
    rows = [product(m=1), product(m=2)]
    judged = bars.judge(bar(at_least=0.5), rows)
    assert [round(value, 3) for value, _ in judged["figures"]] == [0.4, 0.8]
    assert [row["m"] for _, row in judged["below"]] == [1]
    assert not bars.judge(bar(at_least=0.4), rows)["below"]


def test_bars_of_times():
    rows = [product(m=1), product(m=2, seconds=1.5e-4), product(m=2, threads=2)]
    two = bar(rows={"m": 2, "threads": 1}, measure="time", over={"m": 1}, at_most=1.35)
    assert bars.judge(two, rows)["figures"][0][0] == pytest.approx(1.5)
    assert bars.judge(two, rows)["below"]
    speed = bar(rows={"m": 1, "threads": 1}, measure="speed", over={"m": 2}, at_least=1.6)
    assert bars.judge(speed, rows)["figures"][0][0] == pytest.approx(1.5)
    assert bars.judge(speed, rows)["below"]


def test_what_a_bar_reads():
    m2 = bar(rows={"m": 2, "threads": 1}, measure="time", over={"m": 1}, at_most=1.35)
    assert bars.reads(m2, product(m=2)) and bars.reads(m2, product(m=1))
    assert not bars.reads(m2, product(m=4))
    assert not bars.reads(m2, product(m=1, threads=2))
    share = bar(rows={"m": [32, 128]}, at_least=0.9)
    assert bars.reads(share, product(m=32)) and not bars.reads(share, product(m=1))


def test_probes_of_caches_are_the_lower_and_disturb_nothing():
    line = raw()
    line["before"]["l2"], line["after"]["l2"] = 116e9, 60e9
    row = r.make(line, "product", "2500x3200", "p2")
    assert row["probes"]["l2"] == 60e9
    assert "disturbed" not in row


def test_bar_of_threads_that_took_turns():
    ratios = ([0.5, 0.51, 0.6], [0.5, 0.9, 1.0], [0.5, 0.52, 0.7])
    runs = [[r.make(raw(threads=2) | {"over": over}, "scaling", "2500x3200", "p2")] for over in ratios]
    rows = r.middle(runs)
    assert rows[0]["over"] == [0.5, 0.52, 0.7]
    faster = bar(rows={"form": "scaling"}, measure="faster", at_least=1.9)
    assert bars.judge(faster, rows)["figures"][0][0] == pytest.approx(1 / 0.52)
    assert not bars.judge(faster, rows)["below"]


def test_bar_of_layers_that_took_turns_with_their_product():
    layer = r.make(raw(seconds=2e-4) | {"over": [1.0, 1.1, 1.2]}, "layer", "2500x3200", "p2")
    # The other order: the product took 1 / 1.25 of what the layer did.
    second = r.make(raw(seconds=1e-4), "layer", "2500x3200", "p2")
    product_second = r.make(raw(seconds=8e-5) | {"over": [0.7, 0.8, 0.9]}, "product", "2500x3200", "p2")
    rows = native.layers_of([[product(), layer], [second, product_second]])
    assert [row["form"] for row in rows] == ["layer"]
    assert rows[0]["over"] == pytest.approx([1.1375, 1.175, 1.2125], rel=1e-3)
    over = bar(rows={"form": "layer"}, measure="over", at_most=1.17)
    assert bars.judge(over, rows)["below"] == [(rows[0]["over"][1], rows[0])]
    assert bars.judge(over, [product()])["figures"] == []


def test_bar_of_the_best():
    rows = [product(m=1), product(m=2), product(m=16, seconds=1e-3)]
    judged = bars.judge(bar(rows={"m": 16}, measure="best", at_least=0.9), rows)
    assert judged["figures"][0][0] == pytest.approx(0.8)
    assert judged["below"]


def test_bar_of_the_fastest_peer():
    peers = [{**product(seconds=s), "form": "onnxruntime", "layout": str(s)} for s in (4e-4, 3e-4)]
    rows = [product(), *peers, {**product(m=2, seconds=1e-6), "form": "onnxruntime"}]
    fastest = bar(measure="peers", at_least=1.0, rows={"form": "product"})
    assert bars.judge(fastest, rows)["figures"][0][0] == pytest.approx(3)
    assert not bars.judge(fastest, rows[:1])["figures"]


def test_what_was_not_measured_reaches_no_bar():
    judged = bars.judge(bar(rows={"m": 7}, at_least=0.9), [product()])
    assert not judged["figures"] and not judged["below"]
    assert "not measured" in "\n".join(table.bar_lines([judged]))


def test_every_bar_of_the_configuration_selects_rows_that_exist():
    for one in CONFIG["bars"]:
        assert set(one["rows"]) <= set(r.KEYS), one["name"]
        assert ("at_most" in one) != ("at_least" in one), one["name"]
        assert one["measure"] in ("share", "time", "speed", "best", "over", "faster", "peers"), one["name"]
        for m in [one["rows"].get("m", 1)] if isinstance(one["rows"].get("m", 1), int) else one["rows"]["m"]:
            assert m in CONFIG["m"], one["name"]


def test_tables_tell_what_is_missed():
    rows = [product("6912x2560"), product("6912x2560", level="x86-64-v3", after=250e9)]
    rows.append({**dict.fromkeys(r.KEYS, ""), "form": "onnxruntime", "layout": "2 bits", "error": "no `kernel`"})
    rows.append({**product("6912x2560"), "form": "layer"})
    rows.append({**product("6912x2560", seconds=3e-4), "form": "onnxruntime", "layout": "f32"})
    text = table.generate(results(rows))
    assert "**missed**" in text
    assert "| 6912x2560 | 88% (71-111) |" in text
    assert "71% (57-88)\\*" in text
    assert "| 6912x2560 | 1 | 1 | 100 | avx512vnni | - | 300 | 3.0x |" in text
    assert "onnxruntime cannot run 2 bits: `no kernel`" in text


def test_plot_is_an_image_of_all_lines():
    rows = [product(m=m, cache=cache) for m in (1, 2, 512) for cache in ("hot", "cold")]
    root = xml.etree.ElementTree.fromstring(plot.draw(results(rows)))
    lines = [element for element in root if element.tag.endswith("polyline")]
    assert len(lines) == 2
    assert all(len(line.get("points").split()) == 3 for line in lines)
    texts = [element.text for element in root if element.tag.endswith("text")]
    assert {"512", "100%", "avx512vnni p2, hot", "avx512vnni p2, cold"} <= set(texts)


def test_page_is_what_the_results_say():
    page = PAGE.read_text()
    if not RESULTS.exists():
        assert table.insert(page, "") == page
        return
    found = r.from_text(RESULTS.read_text())
    assert table.insert(page, table.generate(found)) == page
    assert IMAGE.read_text() == plot.draw(found)


def test_page_of_targets_is_what_the_tests_say():
    spec = importlib.util.spec_from_file_location("targets", ROOT / "benchmarks/mca.py")
    targets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(targets)
    rows = {title: [row for row in mca.read(folder) if row[2]] for title, folder in targets.FOLDERS.items()}
    page = targets.PAGE.read_text()
    assert targets.insert(page, rows) == page, "scripts/bench --mca --update writes the tests and the page"


def test_outputs_that_differ_are_found():
    line = {"m": 1, "level": "a", "threads": 1, "output": "1"}
    native.check_outputs([line, {**line, "level": "b"}, {**line, "m": 2, "output": "2"}], "x")
    with pytest.raises(RuntimeError, match="x: outputs of M = 1 differ: a with 1 threads, b with 2"):
        native.check_outputs([line, {**line, "level": "b", "threads": 2, "output": "2"}], "x")


def test_cycles_of_guarded_loops():
    text = """\
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --level=x86-64-v3 --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=haswell=64 --cpu=ice-lake=32.5 | FileCheck %s
// RUN: not %hot_loop %t1.s --cpu=skylake=33 2>&1 | FileCheck %s
"""
    rows = mca.parse("avx2-p2", text)
    assert rows == [["avx2-p2", "x86-64-v3", 4, "haswell", 64], ["avx2-p2", "x86-64-v3", 4, "ice-lake", 32.5]]
    assert table.mca_lines(rows)[-2:] == [
        "| avx2-p2 | x86-64-v3 | 4 | haswell | 16 |",
        "| avx2-p2 | x86-64-v3 | 4 | ice-lake | 32 |",
    ]


OTHERS_LINES = """\
  MUL_MAT(type_a=tq2_0,type_b=f32,m=4096,n=1,k=14336,bs=[1,1]): \x1b[1;32m 852 runs -  117.50 us/run - fast\x1b[0m
  MUL_MAT(type_a=f32,type_b=f32,m=4096,n=1,k=14336): 1 runs - 5.00 us/run - 1 GFLOPS
  MUL_MAT(type_a=q4_0,type_b=f32,m=4096,n=512,k=14336): not supported
"""


def test_lines_of_another_project():
    rows = outside.parse(OTHERS_LINES)
    assert [(row["shape"], row["m"], row["layout"], row["us"][1]) for row in rows] == [
        ("4096x14336", 1, "tq2_0", 117.5)
    ]
    assert "| 4096x14336 | 1 | tq2_0 | 118 |" in "\n".join(table.outside_lines(rows))


def test_program_of_another_project_runs(tmp_path):
    program = tmp_path / "build/bin/test-backend-ops"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{OTHERS_LINES}END\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert len(outside.run(tmp_path)) == 1
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    with pytest.raises(RuntimeError, match="broken"):
        outside.run(tmp_path)
    with pytest.raises(FileNotFoundError, match="expects one of build/bin/test-backend-ops"):
        outside.run(tmp_path / "none")
