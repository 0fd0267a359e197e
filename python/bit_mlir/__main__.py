"""python -m bit_mlir compile|run|bench|report: the tools of this package, wherever it is installed."""

import json
import os
import sys

from . import __version__
from .errors import Error
from .model import load
from .paths import tool

USAGE = """usage: python -m bit_mlir COMMAND ...

  compile MODEL.onnx -o MODEL.so [option...]    bit-opt: compiles a model
  run MODEL.so [option...]                      bit-run: signature, or runs inputs
  bench MODEL.so [option...]                    bit-run --bench --random: latency of a run
  report MODEL.so|REPORT.json                   what the compiler found, packed and rejected

Options are those of the tools: bit-opt --help, bit-run --help."""


def _execute(name, arguments):
    path = tool(name)
    sys.stdout.flush()
    os.execv(path, [path, *arguments])


def _bench(arguments):
    given = any(a.split("=")[0] in ("--input", "--inputs", "--random") for a in arguments)
    _execute("bit-run", [*arguments, "--bench", *([] if given else ["--random"])])


def _report(arguments):
    if len(arguments) != 1:
        print("report: error: expects one library or report file", file=sys.stderr)
        return 2
    path = arguments[0]
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    else:
        report = load(path).report
    print_report(report)
    return 0


def print_report(report):
    """Prints a report.json as a table for people."""
    found = report.get("bitlinear", {})
    print(f"{report.get('model', '?')}: {found.get('found', 0)} layers found, {found.get('packed', 0)} packed")
    rows = [("layer", "n", "k", "bits", "activations", "kernel", "bytes", "before")]
    for layer in found.get("layers", []):
        bits = layer.get("activation_bits")
        rows.append(
            (
                layer.get("name"),
                layer.get("n"),
                layer.get("k"),
                f"{layer.get('bits_per_weight', 0):.3g}",
                f"{bits} bits" if bits and bits < 32 else "float",
                layer.get("kernel"),
                layer.get("packed_bytes"),
                layer.get("source_bytes"),
            )
        )
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows if len(rows) > 1 else []:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    for rejected in found.get("rejected", []):
        print(f"left alone: {rejected.get('node')}: {rejected.get('reason')}")
    sizes = report.get("sizes", {})
    print(", ".join(f"{name} {size} bytes" for name, size in sizes.items()))


def main(arguments):
    """Runs one command; returns the exit status."""
    command = arguments[0] if arguments else "--help"
    rest = arguments[1:]
    if command in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    if command == "--version":
        print(f"bit_mlir {__version__}")
        return 0
    try:
        if command == "compile":
            _execute("bit-opt", rest)
        if command == "run":
            _execute("bit-run", rest)
        if command == "bench":
            _bench(rest)
        if command == "report":
            return _report(rest)
    except (Error, OSError, json.JSONDecodeError) as error:
        print(f"{command}: error: {error}", file=sys.stderr)
        return 1
    print(
        f"bit_mlir: error: unknown command '{command}', expected compile, run, bench or report",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
