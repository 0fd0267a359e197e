"""Compiles and runs tests, one a line of stdin ("mode name"), in a process that may die of one.

Answers each line with one line of JSON: {"case", "error"}, error null where the test passed. The mode "types" runs an
operator on all element types, "opset" all operators as of an opset; the error is an object with one entry for each.
"""

import contextlib
import json
import os
import sys
import tempfile

import bundle
import cases
import numpy as np
import older
import onnx
import retyped

import bit_mlir as bm
from bit_mlir.compiler import compile_file


def run_case(case, mode, folder):
    """None if the test passes, else the first line of what went wrong."""
    model, inputs, expected = cases.prepare(case, mode)
    path = os.path.join(folder, "model.onnx")
    library = os.path.join(folder, f"{case.name}.{mode}.so")
    onnx.save(model, path)
    try:
        compile_file(path, library)
    except bm.CompileError as error:
        lines = str(error).replace(path, "model.onnx").splitlines()
        errors = [line for line in lines if "error:" in line] or lines
        return "compile: " + errors[0].replace("model.onnx: error: ", "")
    try:
        compiled = bm.load(library, threads=1)
        got = compiled(*inputs)
    except (bm.RunError, TypeError) as error:
        return f"run: {error}".replace(folder + os.sep, "")
    finally:
        os.unlink(library)
    return compare(case, expected, got if isinstance(got, tuple) else (got,))


def compare(case, expected, got):
    """None, or the first difference between two lists of arrays."""
    if len(expected) != len(got):
        return f"compare: expects {len(expected)} outputs, got {len(got)}"
    for want, have in zip(expected, got):
        if want.dtype != have.dtype or want.shape != have.shape:
            return f"compare: expects {want.dtype}{list(want.shape)}, got {have.dtype}{list(have.shape)}"
        # Attention is computed in f32 and rounded once, the tests' expectation after every step.
        rough = want.dtype.name == "bfloat16" and cases.operator_of(case) == "Attention"
        if want.dtype.kind not in "fc" and not np.issubdtype(want.dtype, np.number) and want.dtype != bool:
            want, have = want.astype(np.float32), have.astype(np.float32)
        close = np.isclose(have, want, rtol=2**-7 if rough else case.rtol, atol=case.atol, equal_nan=True)
        if not np.all(close):
            return f"compare: {int(np.sum(~close))} of {close.size} elements differ"
    return None


def run_types(operator, folder):
    """{type: None or what went wrong} of an operator."""
    return _run_parts(retyped.make_all(operator), folder)


def run_opset(opset, folder):
    """{operator: None or what went wrong} of those whose schema changed at an opset."""
    # Of older versions onnx.reference has not all.
    return _run_parts(older.make_all(int(opset)), folder, "onnxruntime")


def _run_parts(parts, folder, oracle=None):
    got = bundle.run_all(parts, folder) if parts else {}
    return {label: _judge(part, got[label], oracle) for label, part in parts.items()}


def _judge(part, got, oracle):
    if isinstance(got, str):
        return got
    expected = retyped.expect(*part, oracle)
    if expected is None:
        return "nobody says what is right"
    return retyped.compare(part[0], expected, got)


MANY = {"types": run_types, "opset": run_opset}


def main():
    # The answers have stdout for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    known, _ = cases.selected()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(BrokenPipeError):
        for line in sys.stdin:
            mode, name = line.split()
            try:
                if mode in MANY:
                    error = MANY[mode](name, folder)
                else:
                    error = run_case(known[name], mode, folder)
            except Exception as problem:  # noqa: BLE001 - a broken test is an answer, too
                error = f"harness: {type(problem).__name__}: {problem}".splitlines()[0]
            answers.write(json.dumps({"case": [mode, name], "error": error}) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
