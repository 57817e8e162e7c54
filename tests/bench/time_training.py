"""Times steps of PyTorch's training for `deno task bench:training --python PYTHON`.

    python tests/bench/time_training.py THREADS

Reads lines `CASE BATCH SIZE`, takes one step of that training in channels_last layout with stored
statistics in batch normalisation, and answers with its seconds by the clock and of the processor. A
case's network is made, and stepped twice to warm up, when it is first asked for. Needs torch; the
weights are PyTorch's own, as they do not matter for the time.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 20
LITE = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]


class ConvNorm(nn.Module):
    """Convolution with TensorFlow's "same" padding, normalisation, activation."""

    def __init__(self, inputs, outputs, size, stride=1, dilation=1, groups=1, activation=F.relu6):
        super().__init__()
        self.reach = (size - 1) * dilation + 1
        pads = (self.reach - 1) // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, size, stride, pads, dilation, groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = activation

    def forward(self, x):
        stride = self.conv.stride[0]
        if stride > 1:
            pads = [max((-(-s // stride) - 1) * stride + self.reach - s, 0) for s in x.shape[:1:-1]]
            if any(pads):
                x = F.pad(x, [part for p in pads for part in (p // 2, p - p // 2)])
        x = self.norm(self.conv(x))
        return self.activation(x) if self.activation else x


class Block(nn.Module):
    """Branches whose sum is the output; the second may be the input itself."""

    def __init__(self, layers, shortcut=None, activation=None):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x):
        y = self.layers(x)
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.activation(y) if self.activation else y


class Stages(nn.Module):
    """Stages one after the other, with the outputs of all of them."""

    def __init__(self, stages):
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, x):
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


def lite0():
    """EfficientNet-Lite0 at output stride 16."""
    inputs, dilation, reached, stages = 32, 1, 2, []
    for repeats, size, stride, expansion, outputs in LITE:
        blocks = []
        for i in range(repeats):
            step, own = (stride if i == 0 else 1), dilation
            if step > 1 and reached == 16:
                dilation, step = dilation * step, 1
            reached *= step
            inner = inputs * expansion
            layers = [ConvNorm(inputs, inner, 1)] if expansion > 1 else []
            layers.append(ConvNorm(inner, inner, size, step, own, inner))
            layers.append(ConvNorm(inner, outputs, 1, activation=None))
            blocks.append(Block(layers, nn.Identity() if i > 0 else None))
            inputs = outputs
        stages.append(nn.Sequential(*blocks))
    stages[0] = nn.Sequential(ConvNorm(3, 32, 3, 2), stages[0])
    return Stages(stages)


def resnet50():
    """ResNet-50 with no stride in its last stage."""
    inputs = 64
    stages = [nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    )]
    for repeats, width, stride in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 1)):
        blocks = []
        for i in range(repeats):
            step, outputs = (stride if i == 0 else 1), 4 * width
            layers = [
                ConvNorm(inputs, width, 1, activation=F.relu),
                ConvNorm(width, width, 3, step, activation=F.relu),
                ConvNorm(width, outputs, 1, activation=None),
            ]
            down = ConvNorm(inputs, outputs, 1, step, activation=None) if i == 0 else nn.Identity()
            blocks.append(Block(layers, down, F.relu))
            inputs = outputs
        stages.append(nn.Sequential(*blocks))
    return Stages(stages)


class Classifier(nn.Module):
    def __init__(self, stages, head, channels):
        super().__init__()
        self.stages = stages
        self.head = nn.Sequential(head, nn.Conv2d(channels, CLASSES, 1, bias=False))

    def forward(self, x):
        return self.head(self.stages(x)[-1])


class Affinity(nn.Module):
    """AffinityNet's branches on a backbone that stays as it is."""

    def __init__(self):
        super().__init__()
        self.stages = lite0().requires_grad_(False)
        channels = (16, 24, 40, 112, 320)
        self.convs = nn.ModuleList(
            nn.Conv2d(c, 32, 1 if i else 3, 1 if i else 2, 0 if i else 1, bias=False)
            for i, c in enumerate(channels)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, 32) for _ in channels)
        self.last = nn.Conv2d(160, 1, 1)

    def forward(self, x):
        with torch.no_grad():
            stages = self.stages(x)
        maps = []
        for i, stage in enumerate((0, 1, 2, 4, 6)):
            y = self.norms[i](self.convs[i](stages[stage]))
            if i > 1:
                y = F.interpolate(y, scale_factor=(2, 4, 4)[i - 2], mode="bilinear")
            maps.append(F.relu(y))
        return self.last(torch.cat(maps, 1))


class Paths:
    """Pairs within a radius of 10 and the pixels between them, as places in a flat map."""

    def __init__(self, height, width, radius=10):
        reach = radius - 1
        rows, columns = torch.meshgrid(
            torch.arange(height - reach), torch.arange(reach, width - reach), indexing="ij"
        )
        self.source = (rows * width + columns).flatten()
        bundles = {}
        for dy in range(radius):
            for dx in range(1 if dy == 0 else -reach, radius):
                if dx * dx + dy * dy >= radius * radius:
                    continue
                path = [
                    (y, x) for y in range(dy + 1) for x in range(min(0, dx), max(0, dx) + 1)
                    if (dy * x - dx * y) ** 2 < dy * dy + dx * dx
                ]
                places = torch.stack([self.source + y * width + x for y, x in path])
                target = self.source + dy * width + dx
                bundles.setdefault(len(path), []).append((places, target))
        self.paths = [torch.stack([p for p, _ in many]) for many in bundles.values()]
        self.targets = torch.cat([torch.stack([t for _, t in many]) for many in bundles.values()])


def affinity_loss(edges, labels, paths):
    flat = torch.sigmoid(edges).flatten(1)
    strongest = []
    for places in paths.paths:
        along = flat.index_select(1, places.flatten()).view(len(flat), *places.shape)
        along = F.max_pool2d(along.transpose(2, 3).flatten(1, 2), (1, places.shape[1]))
        strongest.append(along.view(len(flat), places.shape[0], -1))
    affinity = 1 - torch.cat(strongest, 1)
    flat_labels = labels.flatten(1)
    own = flat_labels[:, None, paths.source]
    other = flat_labels[:, paths.targets]
    valid = (own < 255) & (other < 255)
    ground = (valid & (own == other) & (own == 0)).float()
    objects = (valid & (own == other) & (own > 0)).float()
    different = (valid & (own != other)).float()
    alike = -torch.log(affinity + 1e-5)
    unlike = -torch.log(1 + 1e-5 - affinity)

    def mean(cost, kind):
        return (cost * kind).sum() / (kind.sum() + 1e-5)

    return (mean(alike, ground) / 2 + mean(alike, objects) / 2) / 2 + mean(unlike, different) / 2


def make(case, batch, size):
    """A function that takes a step."""
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    if case == "affinity-lite0":
        network = Affinity()
        side = size // 4
        block = torch.arange(side) // 12
        labels = ((block[:, None] + 2 * block) % 3).expand(batch, side, side)
        paths = Paths(side, side)
        loss = lambda y: affinity_loss(y, labels, paths)  # noqa: E731
    else:
        if case == "classifier-lite0":
            network = Classifier(lite0(), ConvNorm(320, 1280, 1), 1280)
        else:
            network = Classifier(resnet50(), nn.Identity(), 2048)
        tags = (torch.rand(batch, CLASSES) < 0.2).float()
        loss = lambda y: F.multilabel_soft_margin_loss(y.mean((2, 3)), tags)  # noqa: E731
    network = network.eval().to(memory_format=torch.channels_last)
    learnt = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learnt, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        loss(network(x)).backward()
        optimizer.step()

    return step


def main():
    torch.set_num_threads(int(sys.argv[1]))
    steps = {}
    for line in sys.stdin:
        key = line.strip()
        if key not in steps:
            steps.clear()
            case, batch, size = key.split()
            steps[key] = make(case, int(batch), int(size))
            for _ in range(2):
                steps[key]()
        start = time.perf_counter(), time.process_time()
        steps[key]()
        print(time.perf_counter() - start[0], time.process_time() - start[1], flush=True)


if __name__ == "__main__":
    main()
