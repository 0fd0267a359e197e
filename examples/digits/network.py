"""The demo's network: three BitLinear layers that read handwritten digits."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from bit_mlir.nn import BitLinear, activation_quant


class Digits(nn.Module):
    """64 pixels to 10 logits. Every layer normalizes, quantizes to 8 bits and multiplies by ternary weights."""

    def __init__(self, hidden=512):
        super().__init__()
        self.first = BitLinear(64, hidden, norm="layer")
        self.second = BitLinear(hidden, hidden, norm="rms")
        self.last = BitLinear(hidden, 10, norm="rms")

    def forward(self, x):
        """Logits of a batch of images."""
        x = self.first(x).relu()
        x = self.second(x).relu()
        return self.last(x)


class Probe(nn.Module):
    """The same network, which also shows what each layer quantizes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        """Logits, then the normalized inputs of the three layers."""
        n = self.network
        a = n.first.norm(x)
        b = n.second.norm(n.first(x).relu())
        c = n.last.norm(n.second(n.first(x).relu()).relu())
        return n(x), a, b, c


def data():
    """Images and labels of scikit-learn's digits: train and test, float32 in 0..1."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(np.float32)
    return train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)


def train(epochs=20, hidden=512, seed=0):
    """Trains with the straight-through estimator; returns the network in eval mode."""
    torch.manual_seed(seed)
    images, _, labels, _ = data()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    network = Digits(hidden)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    batches = -(-len(images) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=epochs * batches)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            # One pixel of shift in either direction, so that few images do for many weights.
            shift = tuple(torch.randint(-1, 2, (2,)).tolist())
            shifted = images[batch].view(-1, 8, 8).roll(shift, (1, 2)).flatten(1)
            loss = nn.functional.cross_entropy(network(shifted), labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def codes(x):
    """The 8-bit codes that a layer makes of its normalized input."""
    return (activation_quant(x) * (127.0 / x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-5))).round()
