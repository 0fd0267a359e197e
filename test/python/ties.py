"""Proof that two runs of a model differ only where a rounding tie flipped an activation code.

A copy of the model shows what goes into every Round that depends on an input. Where the rounded values of the two
runs differ, both must lie next to the middle between two codes; where they are all equal, so must the outputs be. What
comes after a flipped code differs for a reason, so an element of the batch is followed up to its first flip.
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

# How far from the middle between two codes a code may still flip: the scaled value is at most 127 and a few float
# operations old.
TIE = 2e-3


def reference(path):
    """onnxruntime without optimizations: some of them quantize by themselves."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compiled(path, **options):
    """The ONNX file compiled beside itself and opened."""
    library = pathlib.Path(path).with_suffix(".so")
    compile_file(path, library, **options)
    return bm.load(library)


# How values become integers, and where between two of them the next one begins.
ROUNDINGS = {"Round": (np.rint, 0.5), "Floor": (np.floor, 0.0), "Ceil": (np.ceil, 0.0)}


def rounded_values(model):
    """Names of the inputs of all roundings that depend on a graph input, in graph order, with the operator."""
    constant = {i.name for i in model.graph.initializer}
    depends = {i.name for i in model.graph.input} - constant
    values = {}
    for node in model.graph.node:
        if depends.intersection(node.input):
            depends.update(node.output)
            if node.op_type in ROUNDINGS:
                values.setdefault(node.input[0], node.op_type)
    return values


def write_probe(path):
    """Writes a copy of the model that shows its rounded values; returns its path and their names."""
    model = onnx.load(path)
    values = rounded_values(model)
    known = {v.name for v in model.graph.output}
    for name in values:
        if name not in known:
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    inferred = onnx.shape_inference.infer_shapes(model)
    probe = pathlib.Path(path).with_name(pathlib.Path(path).stem + "_probe.onnx")
    onnx.save(inferred, probe)
    return probe, values


class Comparison:
    """One model, compiled with and without probes, beside onnxruntime."""

    def __init__(self, path, **options):
        """Compiles both."""
        self.model = compiled(path, **options)
        probe, self.values = write_probe(path)
        self.reference = reference(probe)
        self.probe = compiled(probe, **options)
        self.n_outputs = len(self.model.outputs)

    def check(self, *inputs, rtol=1e-4, atol=1e-4):
        """Compares one run; returns our outputs and how many codes a tie flipped."""
        ours = self.model(*inputs)
        ours = list(ours) if isinstance(ours, tuple) else [ours]
        if not len(inputs[0]):
            # onnxruntime gives ReduceMax of no rows a wrong shape; that leaves nothing to compare but shapes.
            assert all(y.shape[0] == 0 and y.ndim == len(i.shape) for y, i in zip(ours, self.model.outputs))
            return ours, 0
        names = [i.name for i in self.reference.get_inputs()]
        theirs = self.reference.run(None, dict(zip(names, inputs)))
        probed = self.probe(*inputs)
        probed = list(probed) if isinstance(probed, tuple) else [probed]
        for a, b in zip(ours, probed):
            np.testing.assert_array_equal(a, b, "the probes change the outputs")
        batch = len(inputs[0])
        same, flips = self._follow(probed[self.n_outputs :], theirs[self.n_outputs :], batch)
        for a, b in zip(ours, theirs):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a[same], b[same], rtol=rtol, atol=atol)
        return ours, flips

    def _follow(self, ours, theirs, batch):
        same = np.ones(batch, bool)
        flips = 0
        for (name, op), a, b in zip(self.values.items(), ours, theirs):
            assert a.shape == b.shape, name
            to_integer, border = ROUNDINGS[op]
            flipped = to_integer(a) != to_integer(b)
            flipped[~same] = False
            distance = np.abs((b - border) - np.rint(b - border))
            assert not np.any(distance[flipped] > TIE), f"a code at '{name}' differs away from a tie"
            flips += int(flipped.sum())
            same &= ~flipped.any(axis=tuple(range(1, flipped.ndim)))
        return same, flips
