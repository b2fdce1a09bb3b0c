"""The networks that `torch_step.py` measures, with the names and sizes of the bench `step`.

A case has encoders (one per modality), everything else (fusion, head, decoder), and a forward pass
for all modalities or one alone: an absent modality's stream is not run where modalities meet, and
zeros stand for it.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv_norm(inputs, outputs, size, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride)
        self.second = conv_norm(outputs, outputs, 3, 1)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class Factorised(nn.Module):
    """Two pairs of a 3x1 and a 1x3 convolution and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.tall1 = nn.Conv2d(inputs, outputs, (3, 1), (stride, 1), (1, 0))
        self.wide1 = nn.Conv2d(outputs, outputs, (1, 3), (1, stride), (0, 1))
        self.norm1 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.tall2 = nn.Conv2d(outputs, outputs, (3, 1), 1, (1, 0))
        self.wide2 = nn.Conv2d(outputs, outputs, (1, 3), 1, (0, 1))
        self.norm2 = nn.BatchNorm2d(outputs, eps=1e-3)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x):
        y = F.relu(self.norm1(self.wide1(F.relu(self.tall1(x)))))
        y = self.norm2(self.wide2(F.relu(self.tall2(y))))
        return F.relu(y + self.skip(x))


def stages(width, block):
    """Four stages of two blocks each."""
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    return nn.ModuleList(
        nn.Sequential(block(a, b, 2 if a != b else 1), block(b, b, 1)) for a, b in zip(widths, widths[1:])
    )


class ResNet(nn.Module):
    def __init__(self, channels, width=64, block=Block):
        super().__init__()
        self.stem = nn.Sequential(conv_norm(channels, width, 7, 2), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stages = stages(width, block)

    def forward(self, x):
        x = self.pool(self.stem(x))
        for stage in self.stages:
            x = stage(x)
        return mean(x)


def mean(x):
    return x.mean((2, 3))


class Late(nn.Module):
    """Late fusion: an encoder per modality (a ResNet-18) and one linear layer."""

    sizes = [(1, 257, 188), (3, 224, 224)]
    width = 512

    def __init__(self):
        super().__init__()
        self.encoders = nn.ModuleList(self.encoder(*size) for size in self.sizes)
        self.rest = nn.ModuleDict({"head": nn.Linear(self.width * len(self.sizes), 10)})

    def encoder(self, channels, *_):
        return ResNet(channels)

    def forward(self, inputs):
        found = [None if x is None else self.encoders[m](x) for m, x in enumerate(inputs)]
        zeros = torch.zeros_like(next(z for z in found if z is not None))
        return self.rest["head"](torch.cat([zeros if z is None else z for z in found], 1))


class Small(Late):
    """Convolutions of stride 2 with batch norm and ReLU, then the mean."""

    sizes = [(1, 64, 32), (1, 28, 28)]
    width = 64

    def encoder(self, channels, *_):
        widths = [channels, 16, 32, 64, 64]
        layers = [nn.Sequential(conv_norm(a, b, 3, 2), nn.ReLU()) for a, b in zip(widths, widths[1:])]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Perceptrons(Late):
    """Two linear layers with ReLU."""

    sizes = [(300,), (74,), (35,)]
    width = 256

    def encoder(self, inputs):
        return nn.Sequential(nn.Linear(inputs, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())


class Mmtm(nn.Module):
    """MMTM-ResNet-18: joint gates after stages 2, 3 and 4, and one linear layer."""

    sizes = Late.sizes

    def __init__(self, ratio=4):
        super().__init__()
        self.encoders = nn.ModuleList(ResNet(size[0]) for size in self.sizes)
        gates = []
        for channels in (128, 256, 512):
            joint = 2 * 2 * channels // ratio
            gates.append(
                nn.ModuleDict(
                    {
                        "squeeze": nn.Linear(2 * channels, joint),
                        "gates": nn.ModuleList(nn.Linear(joint, channels) for _ in self.sizes),
                    }
                )
            )
        self.rest = nn.ModuleDict({"gates": nn.ModuleList(gates), "head": nn.Linear(1024, 10)})

    @staticmethod
    def joined(streams):
        there = next(x for x in streams if x is not None)
        zeros = there.new_zeros(there.shape[:2])
        return torch.cat([zeros if x is None else mean(x) for x in streams], 1)

    def forward(self, inputs):
        streams = [
            None if x is None else encoder.pool(encoder.stem(x)) for encoder, x in zip(self.encoders, inputs)
        ]
        for number in range(4):
            streams = [
                None if x is None else encoder.stages[number](x) for encoder, x in zip(self.encoders, streams)
            ]
            if number > 0:
                exchange = self.rest["gates"][number - 1]
                joint = F.relu(exchange["squeeze"](self.joined(streams)))
                streams = [
                    None if x is None else x * torch.sigmoid(gate(joint))[:, :, None, None]
                    for gate, x in zip(exchange["gates"], streams)
                ]
        return self.rest["head"](self.joined(streams))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=16):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class Upsample(nn.Module):
    """Nearest neighbours, then a 3x3 convolution per channel."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x, size):
        return self.conv(F.interpolate(x, size=size, mode="nearest"))


def conv_norm_relu(inputs, outputs, size):
    return nn.Sequential(conv_norm(inputs, outputs, size, 1), nn.ReLU())


class EsaNet(nn.Module):
    """ESANet of configs/nyuv2-dgl.toml: colour goes on with the fused maps, depth with its own."""

    sizes = [(3, 120, 160), (1, 120, 160)]
    bins = (1, 5)

    def __init__(self, width=16, classes=40):
        super().__init__()
        points = [width, width, 2 * width, 4 * width, 8 * width]
        widths = [8 * width, 4 * width, 2 * width]
        top = points[4]
        self.encoders = nn.ModuleList(ResNet(size[0], width, Factorised) for size in self.sizes)
        decoder = []
        for inputs, outputs in zip([top, *widths], widths):
            decoder.append(
                nn.ModuleDict(
                    {
                        "conv": conv_norm_relu(inputs, outputs, 3),
                        "block": Factorised(outputs, outputs, 1),
                        "side": nn.Conv2d(outputs, classes, 1),
                        "upsample": Upsample(outputs),
                    }
                )
            )
        self.rest = nn.ModuleDict(
            {
                "fusions": nn.ModuleList(
                    nn.ModuleList(SqueezeExcite(channels) for _ in self.sizes) for channels in points
                ),
                "skips": nn.ModuleList(conv_norm_relu(points[i], 2 * points[i], 1) for i in (1, 2, 3)),
                "branches": nn.ModuleList(conv_norm_relu(top, top // 2, 1) for _ in self.bins),
                "context": conv_norm_relu(2 * top, top, 1),
                "decoder": nn.ModuleList(decoder),
                "out": nn.Conv2d(widths[-1], classes, 3, padding=1),
                "upsample1": Upsample(classes),
                "upsample2": Upsample(classes),
            }
        )

    def fused(self, inputs):
        colour, depth = inputs
        points = []
        for number, fusions in enumerate(self.rest["fusions"]):
            terms = []
            for m, x in enumerate((colour, depth)):
                if x is None:
                    continue
                encoder = self.encoders[m]
                if number == 0:
                    x = encoder.stem(x)
                else:
                    x = encoder.stages[number - 1](encoder.pool(x) if number == 1 else x)
                if m == 1:
                    depth = x
                terms.append(fusions[m](x))
            points.append(sum(terms[1:], terms[0]))
            colour = None if colour is None else points[-1]
        return points

    def forward(self, inputs):
        size = next(x for x in inputs if x is not None).shape[2:]
        points, rest = self.fused(inputs), self.rest
        x = points[-1]
        parts = [x]
        for bins, branch in zip(self.bins, rest["branches"]):
            parts.append(F.interpolate(branch(F.adaptive_avg_pool2d(x, bins)), size=x.shape[2:], mode="nearest"))
        x = rest["context"](torch.cat(parts, 1))
        scores = []
        for stage, skip, point in zip(rest["decoder"], reversed(rest["skips"]), points[3:0:-1]):
            x = stage["block"](stage["conv"](x))
            scores.append(stage["side"](x))
            x = stage["upsample"](x, point.shape[2:]) + skip(point)
        half = [(side + 1) // 2 for side in size]
        x = rest["upsample2"](rest["upsample1"](rest["out"](x), half), size)
        return [x, *reversed(scores)]


def classes_loss(scores, labels):
    return F.cross_entropy(scores, labels)


def maps_loss(scores, labels):
    """The sum over the scales of the mean over their valid pixels."""
    strides = [labels.shape[1] // s.shape[2] if i == 0 else 8 << (i - 1) for i, s in enumerate(scores)]
    return sum(
        F.cross_entropy(s, labels[:, ::stride, ::stride], ignore_index=255)
        for s, stride in zip(scores, strides)
    )


def labels_of(case, batch, device):
    if case is EsaNet:
        size = EsaNet.sizes[0][1:]
        count = batch * size[0] * size[1]
        return (torch.arange(count, device=device) % 40).reshape(batch, *size)
    return torch.arange(batch, device=device) % 10


CASES = {
    "resnet18": (Late, classes_loss, 16),
    "mmtm": (Mmtm, classes_loss, 16),
    "esanet": (EsaNet, maps_loss, 8),
    "small": (Small, classes_loss, 64),
    "mlp": (Perceptrons, classes_loss, 64),
}
