"""Writes a model with a weight over 64 KiB into a folder: as one file, and with external data."""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
weight = np.ones((129, 128), np.float32)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Identity", ["small"], ["z"])],
    "large",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 129])],
    [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 128]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [2]),
    ],
    [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([1, 2], np.float32), "small")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
onnx.save(model, os.path.join(folder, "one.onnx"))
if os.path.exists(os.path.join(folder, "data")):
    os.remove(os.path.join(folder, "data"))
onnx.save(
    model,
    os.path.join(folder, "two.onnx"),
    save_as_external_data=True,
    location="data",
    size_threshold=0,
)
