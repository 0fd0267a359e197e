"""BitLinear networks as ONNX graphs, made node by node: quicker than an export, and every form can be had."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


class Graph:
    """Collects nodes and initializers; every method returns the name of its result."""

    def __init__(self):
        """An empty graph."""
        self.nodes, self.constants, self.count = [], {}, 0

    def op(self, op_type, *inputs, **attributes):
        """Adds a node with one output."""
        self.count += 1
        name = f"{op_type.lower()}_{self.count}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], name=f"node_{name}", **attributes))
        return name

    def const(self, value, dtype=np.float32):
        """Adds an initializer."""
        self.count += 1
        name = f"const_{self.count}"
        self.constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def save(self, path, inputs, outputs, opset=OPSET):
        """Writes the model; inputs and outputs are {name: shape}."""
        ins = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
        outs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()]
        graph = helper.make_graph(self.nodes, "g", ins, outs, list(self.constants.values()))
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)],
            ir_version=10,
        )
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        return path


def quantize_activation(g, x, eps=1e-5):
    """The b1.58 activation quantizer as torch exports it: Reciprocal, then Mul by 127."""
    largest = g.op("ReduceMax", g.op("Abs", x), g.const([-1], np.int64), keepdims=1)
    scale = g.op("Mul", g.op("Reciprocal", g.op("Clip", largest, g.const(eps))), g.const(127.0))
    codes = g.op("Clip", g.op("Round", g.op("Mul", x, scale)), g.const(-128.0), g.const(127.0))
    return g.op("Div", codes, scale)


def quantize_weight(g, w, eps=1e-5):
    """The b1.58 weight quantizer as torch exports it."""
    mean = g.op("Squeeze", g.op("ReduceMean", g.op("Abs", w), keepdims=1))
    scale = g.op("Reciprocal", g.op("Clip", mean, g.const(eps)))
    codes = g.op("Clip", g.op("Round", g.op("Mul", w, scale)), g.const(-1.0), g.const(1.0))
    return g.op("Div", codes, scale)


def bitlinear(g, x, k, n, rng, bias=True, straight_through=False):
    """One layer on x; its float weights are drawn from rng."""
    w = g.const(rng.standard_normal((n, k)) / np.sqrt(k))
    xq, wq = quantize_activation(g, x), quantize_weight(g, w)
    if straight_through:
        xq = g.op("Add", x, g.op("Sub", xq, x))
        wq = g.op("Add", w, g.op("Sub", wq, w))
    y = g.op("MatMul", xq, g.op("Transpose", wq, perm=[1, 0]))
    return g.op("Add", y, g.const(rng.standard_normal(n))) if bias else y


def mlp(path, sizes, seed=0, batch="batch", **options):
    """Writes a chain of layers with ReLU between them, x [batch, sizes[0]] -> y."""
    rng = np.random.default_rng(seed)
    g, x = Graph(), "x"
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        x = bitlinear(g, g.op("Relu", x) if i else x, k, n, rng, **options)
    y = g.op("Identity", x)
    g.save(path, {"x": [batch, sizes[0]]}, {y: [batch, sizes[-1]]})
    return path
