"""What norm, quantizer and rescale cost beside a BitLinear layer's product, one thread.

The layer and its bare product take turns in one process, as in benchmarks/layers.py; this is that alone, with more
rounds. Fails above a bar.
"""

import argparse
import json
import pathlib
import sys
import tempfile

from shares import native

HERE = pathlib.Path(__file__).resolve().parent


def main():
    """Prints each ratio beside its bar; 1 if one is above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=0.1, help="for each round")
    parser.add_argument("--rounds", type=int, default=6, help="for each line")
    parser.add_argument("--level", help="an instruction-set level; default: the best of this CPU")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    args = parser.parse_args()
    config = json.loads((HERE / "bitlinear.json").read_text())
    programs, rows, failed = native.Native(args.build, 20, args.seconds), [], False
    levels = [args.level] if args.level else []
    with tempfile.TemporaryDirectory() as scratch:
        for bar in config["bars"]:
            what = bar["shape"], pathlib.Path(scratch), levels, [bar["cache"]], [1], [bar["m"]]
            row = programs.layer(*what, rounds=args.rounds)[0]
            low, ratio, high = row["over"]
            above = ratio > bar["at_most"]
            failed |= above
            print(
                f"{row['shape']}, M = {row['m']:3}, {row['cache']:4}: {row['us'][1]:9.1f} us, over its product "
                f"{ratio:5.3f} ({low:5.3f} to {high:5.3f}), bar {bar['at_most']:.2f}{'  ABOVE' if above else ''}",
                flush=True,
            )
            rows.append(bar | row)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
