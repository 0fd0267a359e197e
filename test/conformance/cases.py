"""Which of ONNX's own node tests are run, and how their models are made dynamic.

The tests come out of the onnx package. Each runs twice: `static` as it is, `dynamic` with every dim of every input
and output renamed to a symbol of its own, so that the compiler knows ranks only.
"""

import functools
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

MODES = ("static", "dynamic")

# By operator, in the order of the table.
FAMILIES = {
    "Arithmetic": "Add Sub Mul Div Mod Pow Neg Abs Sign Min Max Mean Sum Reciprocal Sqrt BitShift BitwiseAnd BitwiseOr "
    "BitwiseXor BitwiseNot",
    "Mathematics": "Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Floor Ceil Round",
    "Comparison and logic": "Equal Less LessOrEqual Greater GreaterOrEqual Not And Or Xor IsNaN IsInf Where",
    "Activations": "Relu Sigmoid Gelu Clip Softmax LogSoftmax Elu Celu Selu LeakyRelu PRelu HardSigmoid HardSwish "
    "Softplus Softsign Mish Swish SwiGLU ThresholdedRelu Shrink",
    "Matrices": "MatMul Gemm MatMulInteger QLinearMatMul Einsum",
    "Convolutions": "Conv ConvTranspose ConvInteger QLinearConv",
    "Pooling": "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool",
    "Quantization": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear",
    "Reductions": "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum "
    "ReduceLogSumExp ReduceSumSquare",
    "Normalization": "LayerNormalization RMSNormalization BatchNormalization InstanceNormalization GroupNormalization "
    "LRN MeanVarianceNormalization LpNormalization",
    "Attention": "Attention FlexAttention RotaryEmbedding LinearAttention CausalConvWithState",
    "Recurrent networks": "LSTM GRU RNN",
    "Signals and grids": "HannWindow HammingWindow BlackmanWindow AffineGrid GridSample",
    "Losses": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "Control flow": "If Loop Scan",
    "Shapes and data movement": "Reshape Transpose Shape Size Gather Concat Squeeze Unsqueeze Expand Flatten Cast "
    "CastLike Identity Constant ConstantOfShape Range Slice Split Pad CenterCropPad Tile DepthToSpace SpaceToDepth "
    "Trilu EyeLike OneHot ReverseSequence Resize Upsample BitCast Dropout",
    "Indexing": "GatherND GatherElements ScatterND ScatterElements Scatter ArgMax ArgMin Hardmax CumSum CumProd TopK "
    "NonZero Compress Unique TensorScatter",
}
OPERATORS = {op: family for family, ops in FAMILIES.items() for op in ops.split()}

# Element types that compiled models compute with; tests of others (strings, floats of 8 bits and less, integers of 4
# and less) are left out.
TYPES = {
    getattr(TensorProto, name)
    for name in "FLOAT DOUBLE FLOAT16 BFLOAT16 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL".split()
}

# Inputs that choose axes decide the rank or the loop nest: they become constants in both modes, as exporters write
# them. Inputs that hold a shape stay inputs, but their own length is the result's rank and stays static.
AXES = {
    "Squeeze": 1,
    "Unsqueeze": 1,
    "Pad": 3,
    "CumSum": 1,
    "CumProd": 1,
    "Slice": 3,
    **{op: 1 for op in OPERATORS if op.startswith("Reduce")},
}
SHAPES = {
    "Reshape": (1,),
    "Expand": (1,),
    "ConstantOfShape": (0,),
    "Slice": (1, 2, 4),
    "Split": (1,),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "AffineGrid": (1,),
}


def operator_of(case):
    """The operator that a test is about; the body's nodes of an expanded test say nothing of it."""
    if "_expanded" not in case.name:
        return case.model.graph.node[-1].op_type
    base = case.name.split("_expanded")[0]
    return _named().get(base)


@functools.cache
def _all():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        return tuple(collect_testcases(None))


@functools.cache
def _named():
    return {case.name: case.model.graph.node[-1].op_type for case in _all() if "_expanded" not in case.name}


# Operators whose results are random, or that decode files.
NOT_NUMERIC = {"Bernoulli": "random numbers", "ImageDecoder": "image files"}
DOMAINS = {
    "ai.onnx.ml": "operators of ai.onnx.ml",
    "ai.onnx.preview": "operators of ai.onnx.preview",
    "ai.onnx.preview.training": "training",
}


def out_of_scope(case):
    """Why bit-mlir does not run a test, or None where only a lowering may be missing."""
    graph = case.model.graph
    for node in graph.node:
        if node.domain in DOMAINS:
            return DOMAINS[node.domain]
    if operator_of(case) in NOT_NUMERIC:
        return NOT_NUMERIC[operator_of(case)]
    targets = [a.i for node in graph.node if node.op_type == "Cast" for a in node.attribute if a.name == "to"]
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if not value.type.HasField("tensor_type"):
            return "sequences, optionals and maps"
        targets.append(value.type.tensor_type.elem_type)
    return next((_name_type(target) for target in targets if target not in TYPES), None)


def _name_type(element):
    name = TensorProto.DataType.Name(element)
    if name == "STRING":
        return "strings"
    return "complex numbers" if name.startswith("COMPLEX") else "integers below and floats of at most 8 bits"


@functools.cache
def selected():
    """{name: case} of the tests that are run, and how many tests of the same operators were left out."""
    ours = {case.name: case for case in _all() if operator_of(case) in OPERATORS}
    kept = {name: case for name, case in ours.items() if out_of_scope(case) is None}
    return kept, len(ours) - len(kept)


@functools.cache
def not_run():
    """The rest of ONNX's tests: {reason: count} of those out of scope, {operator: [case]} of those not lowered yet."""
    reasons, operators = {}, {}
    for case in _all():
        reason = out_of_scope(case)
        if reason is not None:
            reasons[reason] = reasons.get(reason, 0) + 1
        elif operator_of(case) not in OPERATORS:
            operators.setdefault(operator_of(case), []).append(case)
    return reasons, operators


def count_all():
    """How many node tests the onnx package has."""
    return len(_all())


def prepare(case, mode):
    """The model to compile, the inputs and the expected outputs."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs, outputs = case.data_sets[0]
    inputs = [_array(value) for value in inputs]
    graph = model.graph
    fixed = set()
    for node in graph.node:
        index = AXES.get(node.op_type)
        if index is not None and len(node.input) > index and node.input[index]:
            inputs = _freeze(graph, node.input[index], inputs)
        fixed.update(name for index, name in enumerate(node.input) if index in SHAPES.get(node.op_type, ()))
    if mode == "dynamic":
        for value in [*graph.input, *graph.output]:
            if value.name not in fixed:
                _make_symbolic(value)
        del graph.value_info[:]
    return model, inputs, [_array(value) for value in outputs]


def _array(value):
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def _freeze(graph, name, inputs):
    """Turns a graph input into an initializer that holds the test's value."""
    for index, value in enumerate(graph.input):
        if value.name == name:
            graph.initializer.append(numpy_helper.from_array(inputs[index], name))
            del graph.input[index]
            return inputs[:index] + inputs[index + 1 :]
    return inputs


def _make_symbolic(value):
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        dim.dim_param = f"{value.name}_{axis}"
