"""The demo's half without torch: a small trained network and 64 images from the tree; onnxruntime is the reference.

python examples/digits/small.py trains and writes both files (this needs torch and scikit-learn).
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE / "digits-small.onnx"
SAMPLE = HERE / "sample.npz"


def load(folder):
    """Path, images, labels, and the reference; the number of ties is unknown here."""
    import onnxruntime

    source = folder / "digits.onnx"
    source.write_bytes(MODEL.read_bytes())
    sample = np.load(SAMPLE)
    images = sample["pixels"].astype(np.float32) / np.float32(16)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    return source, images, sample["labels"], lambda x: session.run(None, {"image": x})[0], None


def strip(path):
    """Drops what the exporter notes about its own source lines: two thirds of a small file."""
    import onnx

    model = onnx.load(path)
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for entry in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        entry.doc_string = ""
        del entry.metadata_props[:]
    onnx.save(model, path)


def main():
    """Writes digits-small.onnx and sample.npz."""
    import torch

    import network
    from bit_mlir.export import export_onnx

    torch.set_num_threads(1)
    net = network.train(epochs=80, hidden=72)
    _, images, _, labels = network.data()
    with torch.no_grad():
        right = (net(torch.from_numpy(images)).argmax(1).numpy() == labels).mean()
    print(f"accuracy {right:.4f}")
    batch = {0: torch.export.Dim("batch", min=1, max=4096)}
    names = {"input_names": ["image"], "output_names": ["logits"]}
    export_onnx(net, torch.from_numpy(images[:2]), MODEL, dynamic_shapes=(batch,), **names)
    strip(MODEL)
    np.savez_compressed(SAMPLE, pixels=(images[:64] * 16).astype(np.uint8), labels=labels[:64].astype(np.uint8))
    print(f"{MODEL.name} {MODEL.stat().st_size} bytes, {SAMPLE.name} {SAMPLE.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
