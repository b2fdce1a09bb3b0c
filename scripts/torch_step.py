"""What a training step costs in PyTorch, to compare the bench `step` with.

    python3 scripts/torch_step.py [--case resnet18|mmtm|esanet|small|mlp] [--batch 16] [--steps 20] [--warmup 5]
        [--device cuda] [--method joint|dgl|passes|evaluate] [--layout channels_last] [--threads 2] [--out FILE.json]

The same models and data sizes as there, SGD with momentum 0.9 and weight decay 1e-4. `passes` is
disentangled gradient learning as its authors' code has it: a pass through everything for the losses
of single modalities, the others zeros, after which the gradients of fusion and head are thrown away,
and one for the fused loss, after which those of the encoders are. `dgl` is the same without what it can do
without: what a loss does not train asks for no gradient, an absent modality is not run, and with
late fusion the encoders run once. `evaluate` is a forward pass in evaluation mode. Each is timed with exact float32 and, on a GPU, with TF32, which
rounds the factors of products to 10 bits. Prints milliseconds and peak memory.
"""

import argparse
import json
import time

import torch
from torch.nn import functional as F

from torch_networks import CASES, Late, labels_of

ALPHA = 4.0


def alone(inputs, m):
    return [x if i == m else None for i, x in enumerate(inputs)]


def joint(model, loss, inputs, labels):
    loss(model(inputs), labels).backward()


def passes(model, loss, inputs, labels):
    for m in range(len(inputs)):
        shown = [x if i == m else torch.zeros_like(x) for i, x in enumerate(inputs)]
        (ALPHA * loss(model(shown), labels)).backward()
        # What a zeroed modality would teach its own encoder is thrown away, too.
        others = [p for i, e in enumerate(model.encoders) if i != m for p in e.parameters()]
        for p in [*model.rest.parameters(), *others]:
            p.grad = p.kept if hasattr(p, "kept") else None
        for p in model.encoders[m].parameters():
            p.kept = p.grad
    loss(model(inputs), labels).backward()
    for encoder in model.encoders:
        for p in encoder.parameters():
            p.grad = p.kept
            del p.kept


def dgl(model, loss, inputs, labels):
    if isinstance(model, Late):
        return late(model, loss, inputs, labels)
    model.rest.requires_grad_(False)
    for m in range(len(inputs)):
        (ALPHA * loss(model(alone(inputs, m)), labels)).backward()
    model.rest.requires_grad_(True)
    model.encoders.requires_grad_(False)
    loss(model(inputs), labels).backward()
    model.encoders.requires_grad_(True)


def late(model, loss, inputs, labels):
    features = [encoder(x) for encoder, x in zip(model.encoders, inputs)]
    head = model.rest["head"]
    total = loss(head(torch.cat([z.detach() for z in features], 1)), labels)
    for shown in range(len(features)):
        seen = [z if i == shown else torch.zeros_like(z) for i, z in enumerate(features)]
        scores = F.linear(torch.cat(seen, 1), head.weight.detach(), head.bias.detach())
        total = total + ALPHA * loss(scores, labels)
    total.backward()


@torch.no_grad()
def evaluate(model, loss, inputs, labels):
    model(inputs)


def measure(method, options, device):
    torch.manual_seed(0)
    network, loss, usual = CASES[options.case]
    batch = options.batch or usual
    model = network().to(device).train(method is not evaluate)
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=2e-3, momentum=0.9, weight_decay=1e-4)
    inputs = [torch.rand(batch, *size, device=device) * 2 - 1 for size in model.sizes]
    labels = labels_of(network, batch, device)
    times = []
    if options.layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        inputs = [x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
    for _ in range(options.steps + options.warmup):
        begun = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        method(model, loss, inputs, labels)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - begun) * 1e3)
    times = sorted(times[options.warmup :])
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    return {
        "median_ms": times[len(times) // 2],
        "min_ms": times[0],
        "max_ms": times[-1],
        "peak_bytes": peak,
        "parameters": sum(p.numel() for p in parameters),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, default="resnet18")
    parser.add_argument("--batch", type=int, help="16; 8 for esanet, 64 for small and mlp")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--method", choices=["joint", "dgl", "passes", "evaluate"])
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    result = {
        "torch": torch.__version__,
        "device": options.device,
        "case": options.case,
        "batch": options.batch or CASES[options.case][2],
        "steps": {},
    }
    if device.type == "cuda":
        result["adapter"] = torch.cuda.get_device_name(device)
    for precision, tf32 in (("float32", False), ("tf32", True)):
        if tf32 and device.type != "cuda":
            continue
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        for method in (joint, dgl, passes, evaluate):
            if options.method not in (None, method.__name__):
                continue
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            found = measure(method, options, device)
            result["steps"][f"{precision} {method.__name__}"] = found
            print(
                f"{precision:>8} {method.__name__:>8}: {found['median_ms']:8.1f} ms "
                f"({found['min_ms']:.1f}-{found['max_ms']:.1f})  {found['peak_bytes'] / 2**20:.0f} MiB  "
                f"{found['parameters']} parameters"
            )
    if options.out:
        with open(options.out, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
