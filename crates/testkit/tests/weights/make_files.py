"""Writes the files of this folder: a narrow ResNet-18 as torch and safetensors save it,
and what torch computes with it. Run where torch, torchvision and safetensors are installed:

    python make_files.py
"""

import json

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet


class NarrowResNet18(ResNet):
    """torchvision's ResNet-18, whose widths are divided."""

    def __init__(self, width):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=3)
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(BasicBlock, width, 2)
        self.layer2 = self._make_layer(BasicBlock, 2 * width, 2, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 4 * width, 2, stride=2)
        self.layer4 = self._make_layer(BasicBlock, 8 * width, 2, stride=2)
        self.fc = nn.Linear(8 * width, 3)


def features(model, x):
    """Everything before the classifier, in evaluation mode."""
    fc, model.fc = model.fc, nn.Identity()
    with torch.no_grad():
        z = model.eval()(x)
    model.fc = fc
    return z.flatten().tolist()


torch.manual_seed(7)
model = NarrowResNet18(2)
model.train()
for _ in range(20):  # running statistics that are not 0 and 1
    model(torch.randn(8, 3, 40, 48) * 2 + 0.5)

torch.save(model.state_dict(), "narrow.pth")
torch.save(model.state_dict(), "narrow-before-1.6.pth", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "state_dict": model.half().state_dict()}, "narrow-half-checkpoint.pth")
model.float()
model.load_state_dict(torch.load("narrow.pth"))
save_file(model.state_dict(), "narrow.safetensors")

# The input is a formula, so that it need not be stored.
x = torch.cos(torch.arange(2 * 3 * 40 * 48) * 0.37).reshape(2, 3, 40, 48)
grey = torch.cos(torch.arange(2 * 40 * 48) * 0.37).reshape(2, 1, 40, 48)
expected = {"colour": features(model, x), "one_channel": features(model, grey.expand(-1, 3, -1, -1))}
json.dump(expected, open("expected.json", "w"))
