"""torch modules to ONNX files."""

import contextlib
import io
import logging
import os
import warnings


def export_onnx(module, example_inputs, path, *, dynamic_shapes=None, **options):
    """Exports a module with torch.onnx.export, in eval mode, weights inside the file up to 1.5 GB.

    example_inputs: one tensor or a tuple; dynamic_shapes and further options as in torch.onnx.export.
    """
    import torch

    if isinstance(example_inputs, torch.Tensor):
        example_inputs = (example_inputs,)
    size = sum(p.numel() * p.element_size() for p in [*module.parameters(), *module.buffers()])
    options.setdefault("external_data", size > 1_500_000_000)
    training = module.training
    module.eval()
    # The exporter reports its progress on stdout and its plans for later versions as warnings.
    log = logging.getLogger("torch.onnx")
    level = log.level
    try:
        log.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tuple(example_inputs),
                os.fspath(path),
                dynamo=True,
                verbose=False,
                dynamic_shapes=dynamic_shapes,
                **options,
            )
    finally:
        log.setLevel(level)
        module.train(training)
