"""Models of floats with random weights, as torch and transformers export them: encoder, ResNet-50, Llama."""

import contextlib
import io
import logging
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TOKENS = 1000


class EncoderLayer(nn.Module):
    """Attention and FFN, each behind a norm."""

    def __init__(self, hidden, ffn, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(hidden, hidden) for _ in range(4))
        self.up, self.down = nn.Linear(hidden, ffn), nn.Linear(ffn, hidden)
        self.before, self.between = nn.LayerNorm(hidden), nn.LayerNorm(hidden)

    def forward(self, x):
        """Torch's name for a call."""
        batch, length, hidden = x.shape
        y = self.before(x)
        q, k, v = (
            part(y).view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, hidden))
        return x + self.down(F.gelu(self.up(self.between(x))))


class Encoder(nn.Module):
    """Tokens to hidden states."""

    def __init__(self, layers, hidden, ffn, heads, sequence):
        super().__init__()
        self.words, self.places = nn.Embedding(TOKENS, hidden), nn.Embedding(sequence, hidden)
        self.layers = nn.ModuleList(EncoderLayer(hidden, ffn, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, x):
        """Torch's name for a call."""
        x = self.words(x) + self.places(torch.arange(x.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def normalized(inputs, outputs, kernel, stride=1):
    """A convolution and its norm, with statistics that are not those of the start."""
    norm = nn.BatchNorm2d(outputs)
    nn.init.uniform_(norm.weight, 0.5, 1.0)
    nn.init.normal_(norm.bias, 0, 0.1)
    nn.init.normal_(norm.running_mean, 0, 0.1)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), norm)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 beside a shortcut."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.reduce, self.middle = normalized(inputs, width, 1), normalized(width, width, 3, stride)
        self.expand = normalized(width, 4 * width, 1)
        fits = stride == 1 and inputs == 4 * width
        self.shortcut = nn.Identity() if fits else normalized(inputs, 4 * width, 1, stride)

    def forward(self, x):
        """Torch's name for a call."""
        y = F.relu(self.middle(F.relu(self.reduce(x))))
        return F.relu(self.expand(y) + self.shortcut(x))


class ResNet50(nn.Module):
    """Images to logits."""

    def __init__(self):
        super().__init__()
        self.stem = normalized(3, 64, 7, 2)
        blocks, inputs = [], 64
        for stage, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
            for i in range(count):
                blocks.append(Bottleneck(inputs, width, 2 if stage and not i else 1))
                inputs = 4 * width
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(inputs, TOKENS)

    def forward(self, x):
        """Torch's name for a call."""
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2, 1)
        return self.head(self.blocks(x).mean((2, 3)))


class Logits(nn.Module):
    """A decoder without a cache."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        """Torch's name for a call."""
        return self.model(input_ids=x, use_cache=False).logits


def encoder(layers, hidden, ffn, heads, sequence):
    """A transformer encoder as BERT's, one text."""
    module = Encoder(layers, hidden, ffn, heads, sequence)
    return module, torch.randint(0, TOKENS, (1, sequence)), {0: "batch", 1: "sequence"}


def resnet50(width):
    """The layers of ResNet-50, one image."""
    return ResNet50(), torch.randn(1, 3, width, width), {0: "batch", 2: "height", 3: "width"}


def llama(layers, hidden, ffn, heads, sequence):
    """transformers' Llama, prefill."""
    import transformers

    logging.getLogger("transformers").setLevel(logging.ERROR)
    config = transformers.LlamaConfig(
        vocab_size=TOKENS,
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=2 * sequence,
    )
    module = Logits(transformers.LlamaForCausalLM(config))
    return module, torch.randint(0, TOKENS, (1, sequence)), {0: "batch", 1: "sequence"}


MAKERS = {f.__name__: f for f in (encoder, resnet50, llama)}


def export(name, options, path, dynamic):
    """Exports a model of one input and one output; returns the input's value. The same weights, dynamic or not."""
    torch.manual_seed(0)
    module, x, axes = MAKERS[name](**options)
    shapes = None
    if dynamic:
        shapes = ({axis: torch.export.Dim(symbol, min=1, max=256) for axis, symbol in axes.items()},)
        # Torch takes a size of 1 as constant, whatever is said of it.
        example = torch.cat([x, x])
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example if dynamic else x,),
            str(path),
            input_names=["x"],
            output_names=["y"],
            dynamo=True,
            dynamic_shapes=shapes,
            external_data=False,
        )
    return np.ascontiguousarray(x.numpy())
