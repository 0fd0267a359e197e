"""Writes the inputs of the fake model into a folder, and what it answers, in every format bit-run reads.

The model: y = x * [1, 2, 3, 4] + bias; kept = rows of y where index is not negative; level = which level ran."""

import pathlib
import sys

import numpy as np
import onnx.numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

x = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
bias = np.array([0.5, -1, 0, 2], np.float32)
index = np.array([2, -1, 0], np.int64)
y = x * np.array([1, 2, 3, 4], np.float32) + bias
kept = y[[2, 0]]

np.save(folder / "x.npy", x)
np.save(folder / "x-fortran.npy", np.asfortranarray(x))
np.save(folder / "x-big-endian.npy", x.astype(">f4"))
np.save(folder / "x-wide.npy", x.astype(np.float64))
np.save(folder / "x-rank.npy", x[0])
np.save(folder / "bias.npy", bias)
np.save(folder / "index-far.npy", np.array([0, 3, 1]))
np.savez(folder / "in.npz", x=x, bias=bias, index=index)
np.savez(folder / "two.npz", bias=bias, index=index)
np.savez_compressed(folder / "compressed.npz", x=x, bias=bias, index=index)
np.savez(folder / "more.npz", x=x, bias=bias, index=index, extra=x)
np.savez(folder / "out.npz", **{"y": y, "out/kept rows": kept})

off = y.copy()
off[1, 2] += 1
off[2, 0] += 0.25
np.savez(folder / "off.npz", y=off)
np.save(folder / "y.npy", y)
np.save(folder / "y-short.npy", y[:2])

for name, array in {"x": x, "bias": bias, "index": index}.items():
    tensor = onnx.numpy_helper.from_array(array, name)
    (folder / f"{name}.pb").write_bytes(tensor.SerializeToString())
fields = onnx.helper.make_tensor("index", onnx.TensorProto.INT64, [3], index.tolist())
(folder / "index-fields.pb").write_bytes(fields.SerializeToString())
