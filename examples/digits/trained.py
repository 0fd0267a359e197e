"""The demo's half that needs torch: trains, exports, and compares codes with the compiled network."""

import time

import numpy as np
import torch

import bit_mlir as bm
import network
from bit_mlir.compiler import compile_file
from bit_mlir.export import export_onnx

# A code may flip only where x * scale lies this close to the middle between two codes. Two sums of 512 floats in
# different orders, scaled to 127, differ by less.
TIE = 1e-3


def make(folder):
    """Trains and exports; returns path, test images, labels, and how to ask torch."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    net = network.train()
    _, images, _, labels = network.data()
    print(f"trained in {time.perf_counter() - start:.1f} s")
    batch = {0: torch.export.Dim("batch", min=1, max=4096)}
    example = torch.from_numpy(images[:2])
    path = folder / "digits.onnx"
    start = time.perf_counter()
    names = {"input_names": ["image"], "output_names": ["logits"]}
    export_onnx(net, example, path, dynamic_shapes=(batch,), **names)
    print(f"exported to {path.name} in {time.perf_counter() - start:.1f} s")

    @torch.no_grad()
    def expected(x):
        return net(torch.from_numpy(x)).numpy()

    one = torch.from_numpy(np.ascontiguousarray(images[:1]))

    def torch_call():
        with torch.inference_mode():
            return net(one)

    def probe(model, x, logits, folder, problems):
        return count_ties(net, batch, x, logits, folder, problems)

    return path, images, labels, expected, torch_call, probe


@torch.no_grad()
def count_ties(net, batch, images, logits, folder, problems):
    """The number of activation codes that differ from torch's; every one has to be a rounding tie.

    The network is compiled once more with the inputs of all quantizers as further outputs. Behind a flipped code the
    next layers' inputs differ for a reason, so an image is followed up to its first flip.
    """
    net_probe = network.Probe(net).eval()
    path = folder / "probe.onnx"
    names = {"input_names": ["image"], "output_names": ["logits", "first", "second", "last"]}
    export_onnx(net_probe, torch.from_numpy(images[:2]), path, dynamic_shapes=(batch,), **names)
    compile_file(path, path.with_suffix(".so"))
    ours = bm.load(path.with_suffix(".so"))(images)
    theirs = [y.numpy() for y in net_probe(torch.from_numpy(images))]
    if not np.array_equal(ours[0].view(np.uint32), logits.view(np.uint32)):
        problems.append("the network with probes gives other bits than the one without")
    same = np.ones(len(images), bool)
    ties = 0
    for name, a, b in zip(names["output_names"][1:], ours[1:], theirs[1:]):
        code_a, code_b = (network.codes(torch.from_numpy(v)).numpy() for v in (a, b))
        flipped = (code_a != code_b) & same[:, None]
        scaled = b * (127.0 / np.maximum(np.abs(b).max(axis=-1, keepdims=True), 1e-5))
        distance = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5)
        if np.any(distance[flipped] > TIE):
            problems.append(f"a code of the layer '{name}' differs from torch's away from a rounding tie")
        ties += int(flipped.sum())
        same &= ~flipped.any(axis=1)
    close = np.isclose(ours[0], theirs[0], rtol=1e-4, atol=1e-4).all(axis=1)
    if np.any(same & ~close):
        problems.append(f"{int((same & ~close).sum())} images have torch's codes, but other logits")
    print(f"{len(images)} images: {ties} of {sum(v.size for v in ours[1:])} codes flipped, all by rounding ties")
    largest = np.abs(ours[0] - theirs[0])[same].max(initial=0.0)
    print(f"largest difference of a logit where all codes are equal: {largest:.2e}")
    return ties
