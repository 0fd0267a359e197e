"""Whole models with random weights and tiny configurations, as transformers writes them, and their ONNX exports.

Every maker returns (module, inputs, dims): inputs are {name: tensor} in the order of forward's arguments, dims says
which of their axes stay symbolic, {name: {axis: symbol}}.
"""

import contextlib
import io
import logging
import warnings

import torch
import torch.nn.functional as F
import transformers
from torch import nn
from transformers.integrations import bitnet
from transformers.integrations.bitnet import replace_with_bitnet_linear

HIDDEN, HEADS, VOCABULARY = 64, 4, 96
SEQUENCE = {1: "sequence"}
TOKENS = {0: "batch", 1: "sequence"}

logging.getLogger("transformers").setLevel(logging.ERROR)


class Logits(nn.Module):
    """A decoder without a cache: tokens to logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids=input_ids, use_cache=False).logits


class Cached(nn.Module):
    """A decoder whose past keys and values are plain inputs and outputs, in turn for each layer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, *past):
        cache = transformers.DynamicCache(list(zip(past[::2], past[1::2])), config=self.model.config)
        result = self.model(input_ids=input_ids, past_key_values=cache, use_cache=True)
        present = [t for layer in result.past_key_values.layers for t in (layer.keys, layer.values)]
        return result.logits, *present


class Field(nn.Module):
    """One field of what a model returns."""

    def __init__(self, model, name, field="last_hidden_state"):
        super().__init__()
        self.model, self.name, self.field = model, name, field

    def forward(self, value):
        return self.model(**{self.name: value})[self.field]


def tokens(batch=2, sequence=7):
    return torch.randint(0, VOCABULARY, (batch, sequence))


def llama_config(kind, **options):
    """What Llama, Qwen2 and BitNet have in common: grouped queries, rotary embeddings, gated FFN."""
    return kind(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        max_position_embeddings=64,
        **options,
    )


def gpt2_config():
    return transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=HIDDEN, n_layer=2, n_head=HEADS, n_positions=64, bos_token_id=0, eos_token_id=1
    )


def to_bitlinear(model, kind):
    """Replaces all linear layers but the head by transformers' own, of a kind of KINDS, with the weights they had."""
    weights = {name: m.weight.detach() for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    replace_with_bitnet_linear(model, ["lm_head"], KINDS[kind])
    for name, weight in weights.items():
        module = model.get_submodule(name)
        if name == "lm_head":
            continue
        module.to_empty(device="cpu")
        with torch.no_grad():
            fill(module, weight)
    return model


def fill(module, weight):
    """Gives one of transformers' BitLinear modules the values that quantizing a float weight gives."""
    size = weight.abs().mean()
    codes = (weight / size).round().clamp(-1, 1)
    if isinstance(module, bitnet.BitLinear):
        module.weight.copy_(bitnet.pack_weights(codes.clone()))
        module.weight_scale.copy_(1 / size)
    elif module.online_quant:
        module.weight.copy_(weight)
    else:
        module.weight.copy_(codes)
        module.weight_scale.copy_(size)
    if module.bias is not None:
        module.bias.copy_(torch.linspace(-0.1, 0.1, len(module.bias)))
    if module.rms_norm is not None:
        module.rms_norm.weight.copy_(torch.linspace(0.9, 1.2, len(module.rms_norm.weight)))


KINDS = {
    "packed": transformers.BitNetQuantConfig(),
    "online": transformers.BitNetQuantConfig(linear_class="autobitlinear", quantization_mode="online"),
    "offline": transformers.BitNetQuantConfig(linear_class="autobitlinear", quantization_mode="offline"),
    "online, norm": transformers.BitNetQuantConfig(
        linear_class="autobitlinear", quantization_mode="online", use_rms_norm=True
    ),
}


def bitnet_model(kind):
    """A maker of BitNet, its layers of a kind of KINDS."""
    return lambda config: to_bitlinear(transformers.BitNetForCausalLM(config), kind)


def llama_bitlinear(config):
    """Without a norm between heads and output projection: those rows are `Reshape [batch, sequence, -1]`."""
    return to_bitlinear(transformers.LlamaForCausalLM(config), "online")


CONFIGURATIONS = {
    "bitnet": lambda: (bitnet_model("online"), llama_config(transformers.BitNetConfig)),
    "bitnet_packed": lambda: (bitnet_model("packed"), llama_config(transformers.BitNetConfig)),
    "llama_bitlinear": lambda: (llama_bitlinear, llama_config(transformers.LlamaConfig)),
    "llama": lambda: (transformers.LlamaForCausalLM, llama_config(transformers.LlamaConfig)),
    "qwen2": lambda: (transformers.Qwen2ForCausalLM, llama_config(transformers.Qwen2Config)),
    "gpt2": lambda: (transformers.GPT2LMHeadModel, gpt2_config()),
}


def decoder(name):
    """A causal language model without past."""
    make, config = CONFIGURATIONS[name]()
    return Logits(make(config)), {"input_ids": tokens()}, {"input_ids": TOKENS}


def cached_decoder(name):
    """The same with three tokens behind five in the cache."""
    make, config = CONFIGURATIONS[name]()
    heads = getattr(config, "num_key_value_heads", HEADS)
    inputs, dims = {"input_ids": tokens(2, 3)}, {"input_ids": TOKENS}
    for layer in range(2):
        for part in ("key", "value"):
            inputs[f"past_{part}_{layer}"] = torch.randn(2, heads, 5, HIDDEN // HEADS)
            dims[f"past_{part}_{layer}"] = {0: "batch", 2: "past"}
    return Cached(make(config)), inputs, dims


def bert():
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    model = Field(transformers.BertModel(config), "input_ids")
    return model, {"input_ids": tokens()}, {"input_ids": TOKENS}


class Masked(nn.Module):
    """BERT with an attention mask."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def bert_masked():
    module, inputs, dims = bert()
    mask = torch.ones(2, 7, dtype=torch.int64)
    mask[1, 4:] = 0
    return Masked(module.model), {**inputs, "attention_mask": mask}, {**dims, "attention_mask": TOKENS}


def vit():
    config = transformers.ViTConfig(
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        intermediate_size=128,
        image_size=32,
        patch_size=8,
    )
    return Field(transformers.ViTModel(config), "pixel_values"), image(32), {"value": {0: "batch"}}


def image(size, batch=2):
    return {"value": torch.randn(batch, 3, size, size)}


def t5():
    config = transformers.T5Config(
        vocab_size=VOCABULARY,
        d_model=HIDDEN,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=HEADS,
        attn_implementation="eager",
    )
    return Field(transformers.T5EncoderModel(config), "input_ids"), {"value": tokens()}, {"value": TOKENS}


def whisper():
    config = transformers.WhisperConfig(
        vocab_size=VOCABULARY,
        d_model=HIDDEN,
        num_mel_bins=16,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_source_positions=20,
        max_target_positions=20,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    encoder = transformers.WhisperModel(config).get_encoder()
    return Field(encoder, "input_features"), {"value": torch.randn(2, 16, 40)}, {"value": {0: "batch"}}


def resnet():
    config = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32, 48], depths=[1, 2, 1], layer_type="bottleneck", num_labels=5
    )
    model = transformers.ResNetForImageClassification(config)
    return Field(model, "pixel_values", "logits"), image(48), {"value": {0: "batch"}}


def convnext():
    config = transformers.ConvNextConfig(
        hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 2, 1], num_labels=5, layer_scale_init_value=0.5
    )
    model = transformers.ConvNextForImageClassification(config)
    return Field(model, "pixel_values", "logits"), image(64), {"value": {0: "batch"}}


class UNet(nn.Module):
    """Two levels down and up again, with skips; one way up by a transposed convolution, one by resizing."""

    def __init__(self, channels=8):
        super().__init__()

        def block(before, after):
            return nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.SiLU(), nn.GroupNorm(4, after)
            )

        self.enter, self.down, self.middle = block(3, channels), block(channels, 16), block(16, 32)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.join, self.leave = block(32, 16), block(16 + channels, channels)
        self.head = nn.Conv2d(channels, 2, 1)

    def forward(self, x):
        a = self.enter(x)
        b = self.down(F.max_pool2d(a, 2))
        c = self.middle(F.avg_pool2d(b, 2))
        y = self.join(torch.cat([self.up(c), b], dim=1))
        y = F.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.head(self.leave(torch.cat([y, a], dim=1)))


def unet():
    return UNet(), {"x": torch.randn(2, 3, 16, 24)}, {"x": {0: "batch"}}


MODELS = {
    **{name: (lambda name=name: decoder(name)) for name in CONFIGURATIONS},
    **{f"{name}_past": (lambda name=name: cached_decoder(name)) for name in CONFIGURATIONS},
    **{f.__name__: f for f in (bert, bert_masked, vit, t5, whisper, resnet, convnext, unet)},
}


def make(name, seed=0):
    """Makes a model; statistics and gains that start as zeros and ones are made ragged, so that a wrong one shows."""
    torch.manual_seed(seed)
    module, inputs, dims = MODELS[name]()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for key, value in module.named_buffers():
            if key.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif key.endswith("running_var"):
                value.uniform_(0.5, 2)
    return module.eval(), inputs, dims


def export(module, inputs, dims, path, opset=18, dynamo=True):
    """Exports to `path`, by either exporter."""
    options = {"input_names": list(inputs), "opset_version": opset, "dynamo": dynamo}
    if dynamo:
        symbols = {name: torch.export.Dim(name, min=1, max=32) for axes in dims.values() for name in axes.values()}
        shapes = [{axis: symbols[name] for axis, name in dims.get(key, {}).items()} for key in inputs]
        # forward(first, *rest) has its rest as one argument.
        options["dynamic_shapes"] = (shapes[0], tuple(shapes[1:])) if isinstance(module, Cached) else tuple(shapes)
        options["external_data"] = False
    else:
        options["dynamic_axes"] = dims
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module, tuple(inputs.values()), str(path), **options)
    return path
