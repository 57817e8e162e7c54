"""The networks that are trained, in PyTorch and under their published names.

Needs torch alone, so that anybody with PyTorch can run what is built on it. Normalisations keep to
stored statistics and dropout is left out, as `eval()` has it.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

LITE = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
LITE_CHANNELS = (16, 24, 40, 112, 320)
RESNET_CHANNELS = (64, 256, 512, 1024, 2048)
DILATIONS = (6, 12, 18)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding, for odd windows."""

    def __init__(self, inputs, outputs, size, stride=1, dilation=1, groups=1):
        self.reach = (size - 1) * dilation + 1
        pads = (self.reach - 1) // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, size, stride, pads, dilation, groups, bias=False)

    def forward(self, x):
        stride = self.stride[0]
        if stride > 1:
            pads = [max((-(-s // stride) - 1) * stride + self.reach - s, 0) for s in x.shape[:1:-1]]
            if any(pads):
                x = F.pad(x, [part for p in pads for part in (p // 2, p - p // 2)])
        return super().forward(x)


class LiteBlock(nn.Module):
    """An inverted bottleneck."""

    def __init__(self, inputs, outputs, size, expansion, stride, dilation, shortcut):
        super().__init__()
        inner = inputs * expansion
        self.shortcut = shortcut
        self._expand_conv = None
        if expansion > 1:
            self._expand_conv = SameConv(inputs, inner, 1)
            self._bn0 = nn.BatchNorm2d(inner, 1e-3)
        self._depthwise_conv = SameConv(inner, inner, size, stride, dilation, inner)
        self._bn1 = nn.BatchNorm2d(inner, 1e-3)
        self._project_conv = SameConv(inner, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, 1e-3)

    def forward(self, x):
        y = x
        if self._expand_conv is not None:
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return y + x if self.shortcut else y


class Lite0(nn.Module):
    """EfficientNet-Lite0 at output stride 16; gives five stages, and features where it has a head."""

    channels, width = LITE_CHANNELS, 1280

    def __init__(self, head):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, 1e-3)
        self._blocks = nn.ModuleList()
        inputs, dilation, reached, ends = 32, 1, 2, []
        for repeats, size, stride, expansion, outputs in LITE:
            for i in range(repeats):
                step, own = (stride if i == 0 else 1), dilation
                if step > 1 and reached == 16:
                    dilation, step = dilation * step, 1
                reached *= step
                block = LiteBlock(inputs, outputs, size, expansion, step, own, i > 0)
                self._blocks.append(block)
                inputs = outputs
            ends.append(len(self._blocks) - 1)
        self.ends = [ends[stage] for stage in (0, 1, 2, 4, 6)]
        if head:
            self._conv_head = SameConv(inputs, self.width, 1)
            self._bn1 = nn.BatchNorm2d(self.width, 1e-3)

    def forward(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        stages = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in self.ends:
                stages.append(x)
        return stages

    def features(self, x):
        return F.relu6(self._bn1(self._conv_head(self(x)[-1])))


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, stride):
        super().__init__()
        outputs = 4 * inner
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs or stride > 1:
            down = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(down, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """ResNet-50 with no stride in its last stage; gives the pooled stem and four stages."""

    channels, width = RESNET_CHANNELS, 2048

    def __init__(self, head):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, (repeats, stride) in enumerate(((3, 1), (4, 2), (6, 2), (3, 1))):
            inner = 64 * 2**stage
            blocks = []
            for i in range(repeats):
                blocks.append(Bottleneck(inputs, inner, stride if i == 0 else 1))
                inputs = 4 * inner
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, x):
        stages = [F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            stages.append(layer(stages[-1]))
        return stages

    def features(self, x):
        return self(x)[-1]


class Classifier(nn.Module):
    """Gives a map for each class."""

    def __init__(self, backbone, classes):
        super().__init__()
        self.model = backbone(head=True)
        self.classifier = nn.Conv2d(backbone.width, classes, 1, bias=False)

    def forward(self, x):
        return self.classifier(self.model.features(x))


class AffinityNet(nn.Module):
    """Gives logits of edges at stride 4."""

    def __init__(self, backbone):
        super().__init__()
        self.model = backbone(head=False)
        self.factors = (1, 1, 2, 4, 4)
        for i, channels in enumerate(backbone.channels):
            fine = i == 0 and backbone is Lite0
            conv = SameConv(channels, 32, 3, 2) if fine else SameConv(channels, 32, 1)
            setattr(self, f"fc_edge{i + 1}", nn.Sequential(conv, nn.GroupNorm(4, 32)))
        self.fc_edge6 = nn.Conv2d(160, 1, 1)

    def forward(self, x):
        maps = []
        for i, (stage, factor) in enumerate(zip(self.model(x), self.factors)):
            y = getattr(self, f"fc_edge{i + 1}")(stage)
            if factor > 1:
                y = F.interpolate(y, scale_factor=factor, mode="bilinear", align_corners=False)
                y = y[..., : maps[1].shape[2], : maps[1].shape[3]]
            maps.append(F.relu(y))
        return self.fc_edge6(torch.cat(maps, 1))


def normalised(conv, channels, groups):
    return [conv, nn.GroupNorm(groups, channels), nn.ReLU()]


class Aspp(nn.Module):
    def __init__(self, channels):
        super().__init__()
        for i, dilation in enumerate((1, *DILATIONS)):
            conv = SameConv(channels, 256, 1 if dilation == 1 else 3, 1, dilation)
            layers = OrderedDict(atrous_conv=conv, bn=nn.GroupNorm(4, 256), relu=nn.ReLU())
            setattr(self, f"aspp{i + 1}", nn.Sequential(layers))
        whole = normalised(SameConv(channels, 256, 1), 256, 4)
        self.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *whole)
        self.conv1 = SameConv(5 * 256, 256, 1)
        self.bn1 = nn.GroupNorm(4, 256)

    def forward(self, x):
        branches = [branch(x) for branch in (self.aspp1, self.aspp2, self.aspp3, self.aspp4)]
        branches.append(self.global_avg_pool(x).expand(-1, -1, *x.shape[2:]))
        return F.relu(self.bn1(self.conv1(torch.cat(branches, 1))))


class Decoder(nn.Module):
    def __init__(self, low, classes):
        super().__init__()
        self.conv1 = SameConv(low, 48, 1)
        self.bn1 = nn.GroupNorm(4, 48)
        self.classifier = nn.Sequential(
            *normalised(SameConv(304, 256, 3), 256, 4), nn.Identity(),
            *normalised(SameConv(256, 256, 3), 256, 4), nn.Identity(),
            nn.Conv2d(256, classes, 1),
        )

    def forward(self, x, low):
        low = F.relu(self.bn1(self.conv1(low)))
        x = F.interpolate(x, size=low.shape[2:], mode="bilinear", align_corners=True)
        return self.classifier(torch.cat([x, low], 1))


class DeepLab(nn.Module):
    """The published DeepLabv3+; gives logits at stride 4."""

    align_corners = True

    def __init__(self, backbone, classes):
        super().__init__()
        self.model = backbone(head=False)
        self.aspp = Aspp(backbone.channels[-1])
        self.decoder = Decoder(backbone.channels[1], classes)

    def forward(self, x):
        stages = self.model(x)
        return self.decoder(self.aspp(stages[4]), stages[1])


def pointwise(inputs, outputs):
    return nn.Sequential(*normalised(SameConv(inputs, outputs, 1), outputs, 8))


def separable(inputs, outputs, dilation):
    layers = OrderedDict(depthwise=SameConv(inputs, inputs, 3, 1, dilation, inputs))
    layers.update(pointwise(inputs, outputs).named_children())
    return nn.Sequential(layers)


class DeepLabLite(nn.Module):
    """DeepLabv3+ Lite; gives logits at stride 4."""

    align_corners = False

    def __init__(self, backbone, classes):
        super().__init__()
        self.model = backbone(head=False)
        coarse, fine = backbone.channels[4], backbone.channels[1]
        windows = {str(i + 1): separable(coarse, 128, d) for i, d in enumerate(DILATIONS)}
        self.aspp = nn.ModuleDict({
            "0": pointwise(coarse, 128),
            **windows,
            "pool": pointwise(coarse, 128),
            "project": pointwise(5 * 128, 128),
        })
        self.decoder = nn.ModuleDict({
            "context": pointwise(128, 64),
            "low": pointwise(fine, 32),
            "0": separable(96, 64, 1),
            "1": separable(64, 64, 1),
            "classifier": nn.Conv2d(64, classes, 1),
        })

    def forward(self, x):
        stages = self.model(x)
        coarse, aspp, decoder = stages[4], self.aspp, self.decoder
        branches = [aspp[str(i)](coarse) for i in range(4)]
        whole = aspp["pool"](coarse.mean((2, 3), keepdim=True))
        branches.append(whole.expand(-1, -1, *coarse.shape[2:]))
        x = decoder["context"](aspp["project"](torch.cat(branches, 1)))
        low = decoder["low"](stages[1])
        x = F.interpolate(x, size=low.shape[2:], mode="bilinear", align_corners=False)
        x = decoder["1"](decoder["0"](torch.cat([x, low], 1)))
        return decoder["classifier"](x)


BACKBONES = {"efficientnet-lite0": Lite0, "resnet50": ResNet50}


def make_network(kind, backbone, classes):
    """A network of a kind, with PyTorch's own weights."""
    backbone = BACKBONES[backbone]
    if kind == "classifier":
        network = Classifier(backbone, classes)
    elif kind == "affinity":
        network = AffinityNet(backbone)
    else:
        network = (DeepLabLite if backbone is Lite0 else DeepLab)(backbone, classes)
    return network.eval()
