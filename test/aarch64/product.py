# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Libraries that are one bit.packed_matmul, and the weights they were made of, packed here once more."""

import dataclasses

import numpy as np

STEP_BYTES = 64
GROUP_ROWS = 16
BLOCK_ROWS = 64


@dataclasses.dataclass(frozen=True)
class Product:
    """What a library multiplies by."""

    n: int
    k: int
    bits: int = 2
    groups: int = 1
    bias: bool = False
    floats: bool = False
    low: int = -128
    high: int = 127
    extreme: bool = False  # rows of equal weights

    @property
    def name(self):
        """For a file."""
        flags = [("bias", self.bias), ("floats", self.floats), ("extreme", self.extreme)]
        extra = [f"g{self.groups}"] * (self.groups > 1) + [word for word, there in flags if there]
        return "-".join([f"p{self.bits}", f"{self.n}x{self.k}", *extra] + [f"{self.low}"] * (self.low != -128))

    def weights(self):
        """N x K codes."""
        engine = np.random.default_rng(self.n * 1000 + self.k)
        levels = np.array([-1, 1] if self.bits == 1 else [-1, 0, 1], np.int8)
        if self.extreme:
            return np.repeat(levels[np.arange(self.n) % len(levels)][:, None], self.k, axis=1)
        return levels[engine.integers(len(levels), size=(self.n, self.k))]

    def scales(self):
        """N x groups."""
        return np.random.default_rng(1).uniform(-2, 2, (self.n, self.groups)).astype(np.float32)

    def biases(self):
        """One for each row."""
        return np.random.default_rng(2).uniform(-2, 2, self.n).astype(np.float32)


def pack(weights, bits):
    """The bytes of layout P1 or P2."""
    n, k = weights.shape
    planes = 8 // bits
    steps = -(-k // (4 * planes))
    rows = -(-n // GROUP_ROWS) * GROUP_ROWS
    codes = np.full((rows, steps * 4 * planes), 0 if bits == 1 else 1, np.uint8)
    codes[:n, :k] = weights > 0 if bits == 1 else weights + 1
    codes = codes.reshape(rows, steps, planes, 4)
    packed = sum(codes[:, :, p] << (bits * p) for p in range(planes)).astype(np.uint8)
    blocks = [packed[i : i + BLOCK_ROWS] for i in range(0, rows, BLOCK_ROWS)]
    return b"".join(np.ascontiguousarray(block.transpose(1, 0, 2)).tobytes() for block in blocks)


def resource(name, data):
    """A line of the file's resources."""
    return f'{name}: "0x40000000{bytes(data).hex()}"'


def source(product):
    """The text for bit-opt."""
    n, k, groups = product.n, product.k, product.groups
    packed = pack(product.weights(), product.bits)
    scales = product.scales()
    scale_type = f"tensor<{n}xf32>"
    sum_type = "tensor<?xi32>"
    if groups > 1:
        blocks = -(-n // BLOCK_ROWS)
        padded = np.full((blocks * BLOCK_ROWS, groups), np.nan, np.float32)
        padded[:n] = scales
        scales = padded.reshape(blocks, BLOCK_ROWS, groups).transpose(0, 2, 1)
        scale_type = f"tensor<{blocks}x{groups}x{BLOCK_ROWS}xf32>"
        sum_type = f"tensor<?x{groups}xi32>"
    x_type = f"tensor<?x{k}x{'f32' if product.floats else 'i8'}>"
    y_type = f"tensor<?x{n}xf32>"
    inputs = f'%x: {x_type} {{onnx.name = "x"}}'
    quantized = ""
    if not product.floats:
        inputs += f', %xs: tensor<?xf32> {{onnx.name = "scale"}}, %sum: {sum_type} {{onnx.name = "sum"}}'
        quantized = f"quantized(%xs, %sum : tensor<?xf32>, {sum_type})"
    data = [resource("packed", packed), resource("scales", np.ascontiguousarray(scales).tobytes())]
    bias = constant = ""
    if product.bias:
        data.append(resource("bias", product.biases().tobytes()))
        constant = f"%bias = arith.constant dense_resource<bias> : tensor<{n}xf32>"
        bias = f"bias(%bias : tensor<{n}xf32>)"
    codes_range = "" if product.floats else f"range = [{product.low}, {product.high}]"
    return f"""func.func @main_graph({inputs}) -> ({y_type} {{onnx.name = "y"}}) {{
  %packed = arith.constant dense_resource<packed> : tensor<{len(packed)}xi8>
  %scales = arith.constant dense_resource<scales> : {scale_type}
  {constant}
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : {x_type}
  %init = tensor.empty(%m) : {y_type}
  %y = bit.packed_matmul
      ins(%x, %packed, %scales : {x_type}, tensor<{len(packed)}xi8>, {scale_type})
      {quantized} {bias} outs(%init : {y_type})
      n = {n} k = {k} weights = {"binary" if product.bits == 1 else "ternary"} {codes_range}
      kernel = #bit.kernel<generic.p{product.bits}> -> {y_type}
  return %y : {y_type}
}}
{{-# dialect_resources: {{ builtin: {{ {", ".join(data)} }} }} #-}}
"""


def write(product, folder):
    """Writes NAME.mlir and NAME.bin, which products.c reads; returns both paths."""
    text, data = folder / f"{product.name}.mlir", folder / f"{product.name}.bin"
    text.write_text(source(product))
    data.write_bytes(product.weights().tobytes() + product.scales().tobytes() + product.biases().tobytes())
    return text, data


def arguments(product):
    """What products.c takes after the files."""
    numbers = (product.n, product.k, product.groups, product.bias, product.floats, product.low, product.high)
    return [str(int(number)) for number in numbers]
