"""ONNX models of one layer: what is compiled, and what the peer runs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node
MICROSOFT = "com.microsoft"


def save(path, nodes, constants, n, k):
    """Writes a model from x [batch, k] to y [batch, n] and returns its path."""
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid(MICROSOFT, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def random_codes(shape, low, high, dtype=np.int8):
    """Whole numbers in [low, high): the first megabyte again and again where there are many."""
    count = int(np.prod(shape))
    some = np.random.default_rng(1).integers(low, high, min(count, 1 << 20)).astype(dtype)
    return np.resize(some, count).reshape(shape)


def bitlinear(path, n, k):
    """A norm, the b1.58 quantizer of the activations and weights that are already ternary."""
    nodes = [
        node("RMSNormalization", ["x", "gain"], ["normed"], epsilon=1e-6),
        node("Abs", ["normed"], ["abs"]),
        node("ReduceMax", ["abs", "axes"], ["largest"], keepdims=1),
        node("Clip", ["largest", "eps"], ["clipped"]),
        node("Reciprocal", ["clipped"], ["reciprocal"]),
        node("Mul", ["reciprocal", "q"], ["scale"]),
        node("Mul", ["normed", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Clip", ["rounded", "low", "q"], ["codes"]),
        node("Div", ["codes", "scale"], ["dequantized"]),
        node("MatMul", ["dequantized", "w"], ["y"]),
    ]
    constants = {
        "gain": np.linspace(0.5, 1.5, k, dtype=np.float32),
        "axes": np.array([-1], np.int64),
        "eps": np.float32(1e-5),
        "q": np.float32(127),
        "low": np.float32(-128),
        "w": random_codes((k, n), -1, 2, np.float32) * np.float32(0.0625),
    }
    return save(path, nodes, constants, n, k)


def product_f32(path, n, k):
    """A product by floats."""
    return save(path, [node("MatMul", ["x", "w"], ["y"])], {"w": random_codes((k, n), -8, 8, np.float32)}, n, k)


def stored_as(dtype):
    """Returns what writes a product by weights stored as halves, computed as floats."""

    def write(path, n, k):
        nodes = [node("Cast", ["w"], ["f"], to=TensorProto.FLOAT), node("MatMul", ["x", "f"], ["y"])]
        return save(path, nodes, {"w": random_codes((k, n), -8, 8, dtype)}, n, k)

    return write


def product_of(dtype):
    """Returns what writes a product of halves by halves, as a model in halves has it."""

    def write(path, n, k):
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        nodes = [
            node("Cast", ["x"], ["h"], to=to),
            node("MatMul", ["h", "w"], ["p"]),
            node("Cast", ["p"], ["y"], to=TensorProto.FLOAT),
        ]
        return save(path, nodes, {"w": random_codes((k, n), -8, 8, dtype)}, n, k)

    return write


def product_int8(path, n, k):
    """Weights of 8 bits with a scale a row, computed as floats."""
    nodes = [node("DequantizeLinear", ["w", "scale"], ["f"], axis=1), node("MatMul", ["x", "f"], ["y"])]
    constants = {"w": random_codes((k, n), -127, 128), "scale": np.linspace(0.01, 0.02, n, dtype=np.float32)}
    return save(path, nodes, constants, n, k)


def dynamic_int8(path, n, k):
    """Weights of 8 bits with a scale a row; activations are quantized as the model runs."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["codes", "step", "zero"]),
        node("MatMulInteger", ["codes", "w", "zero"], ["sums"]),
        node("Cast", ["sums"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["step", "scale"], ["both"]),
        node("Mul", ["f", "both"], ["y"]),
    ]
    constants = {"w": random_codes((k, n), -127, 128), "scale": np.linspace(0.01, 0.02, n, dtype=np.float32)}
    return save(path, nodes, constants, n, k)


def product_bits(bits):
    """Returns what writes a product by blocks of 32 weights of `bits` each, activations in 8 bits."""

    def write(path, n, k):
        blocks = (k + 31) // 32
        nodes = [
            node(
                "MatMulNBits",
                ["x", "w", "scales"],
                ["y"],
                domain=MICROSOFT,
                K=k,
                N=n,
                bits=bits,
                block_size=32,
                accuracy_level=4,
            )
        ]
        constants = {
            "w": random_codes((n, blocks, 32 * bits // 8), 0, 256, np.uint8),
            "scales": np.full(n * blocks, 0.01, np.float32),
        }
        return save(path, nodes, constants, n, k)

    return write
