"""What a training step of two ResNet-18 costs in PyTorch, to compare `step resnet18` with.

    python3 scripts/torch_step.py [--batch 64] [--steps 20] [--warmup 5] [--device cuda]
        [--method dgl] [--layout channels_last] [--threads 2] [--out FILE.json]

The same model and data sizes: audio 1x257x188, image 3x224x224, concatenation, one linear head,
10 classes, SGD with momentum 0.9 and weight decay 1e-4. `dgl` is disentangled gradient learning
with one backward pass: the head is constant inside the losses of single modalities, and features
are constant inside the fused one. Each is timed with exact float32 and with TF32, which rounds
the factors of products to 10 bits. Prints milliseconds and peak memory.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn


def conv_norm(inputs, outputs, size, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride)
        self.second = conv_norm(outputs, outputs, 3, 1)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


def resnet18(channels):
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [
        Block(a, b, 2 if a != b else 1) for a, b in zip(widths, widths[1:])
    ]
    stem = [conv_norm(channels, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def fused(head, parts):
    return head(torch.cat(parts, 1))


def joint(encoders, head, inputs, labels):
    return F.cross_entropy(fused(head, [f(x) for f, x in zip(encoders, inputs)]), labels)


def dgl(encoders, head, inputs, labels, alpha=4.0):
    features = [f(x) for f, x in zip(encoders, inputs)]
    loss = F.cross_entropy(fused(head, [z.detach() for z in features]), labels)
    weight, bias = head.weight.detach(), head.bias.detach()
    for shown in range(len(features)):
        seen = [z if i == shown else torch.zeros_like(z) for i, z in enumerate(features)]
        scores = F.linear(torch.cat(seen, 1), weight, bias)
        loss = loss + alpha * F.cross_entropy(scores, labels)
    return loss


def measure(method, options, device):
    torch.manual_seed(0)
    encoders = nn.ModuleList([resnet18(1), resnet18(3)]).to(device)
    head = nn.Linear(1024, 10).to(device)
    parameters = [*encoders.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=2e-3, momentum=0.9, weight_decay=1e-4)
    sizes = [(1, 257, 188), (3, 224, 224)]
    inputs = [torch.rand(options.batch, *size, device=device) * 2 - 1 for size in sizes]
    labels = torch.arange(options.batch, device=device) % 10
    times = []
    if options.layout == "channels_last":
        encoders = encoders.to(memory_format=torch.channels_last)
        inputs = [x.to(memory_format=torch.channels_last) for x in inputs]
    for _ in range(options.steps + options.warmup):
        begun = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = method(encoders, head, inputs, labels)
        loss.backward()
        optimizer.step()
        loss.item()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - begun) * 1e3)
    times = sorted(times[options.warmup :])
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    return {"median_ms": times[len(times) // 2], "min_ms": times[0], "max_ms": times[-1], "peak_bytes": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--method", choices=["joint", "dgl"])
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    result = {"torch": torch.__version__, "device": options.device, "batch": options.batch, "steps": {}}
    if device.type == "cuda":
        result["adapter"] = torch.cuda.get_device_name(device)
    for precision, tf32 in (("float32", False), ("tf32", True)):
        if tf32 and device.type != "cuda":
            continue
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        for method in (joint, dgl):
            if options.method not in (None, method.__name__):
                continue
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            found = measure(method, options, device)
            result["steps"][f"{precision} {method.__name__}"] = found
            print(
                f"{precision:>8} {method.__name__:>5}: {found['median_ms']:8.1f} ms "
                f"({found['min_ms']:.1f}-{found['max_ms']:.1f})  {found['peak_bytes'] / 2**20:.0f} MiB"
            )
    if options.out:
        with open(options.out, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
