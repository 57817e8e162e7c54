"""The losses of the trainings in PyTorch, beside torch_networks.py."""

import torch
import torch.nn.functional as F

RADIUS = 10
IGNORED = 255


def margin(maps, tags):
    return F.multilabel_soft_margin_loss(maps.mean((2, 3)), tags)


def classifier_loss(network, feeds):
    """With `alpha` among the feeds by Puzzle-CAM."""
    x, tags = feeds["image"], feeds["labels"]
    maps = network(x)
    if "alpha" not in feeds:
        return margin(maps, tags)
    # Upper left, upper right, lower left, lower right.
    tiles = torch.cat([tile for row in x.chunk(2, 2) for tile in row.chunk(2, 3)])
    a, b, c, d = network(tiles).chunk(4)
    merged = torch.cat([torch.cat([a, b], 3), torch.cat([c, d], 3)], 2)
    apart = (torch.abs(maps - merged) * tags[:, :, None, None]).mean()
    return margin(maps, tags) + margin(merged, tags) + feeds["alpha"] * apart


class Paths:
    """Pairs within a radius and the pixels between them, as places in a flat map."""

    def __init__(self, height, width, radius=RADIUS):
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


class AffinityLoss:
    """The loss of AffinityNet for maps of one size."""

    def __init__(self, height, width):
        self.paths = Paths(height, width)

    def __call__(self, network, feeds):
        paths, labels = self.paths, feeds["labels"].flatten(1)
        flat = torch.sigmoid(network(feeds["image"])).flatten(1)
        strongest = []
        for places in paths.paths:
            along = flat.index_select(1, places.flatten()).view(len(flat), *places.shape)
            along = F.max_pool2d(along.transpose(2, 3).flatten(1, 2), (1, places.shape[1]))
            strongest.append(along.view(len(flat), places.shape[0], -1))
        affinity = 1 - torch.cat(strongest, 1)
        own = labels[:, None, paths.source]
        other = labels[:, paths.targets]
        valid = (own < IGNORED) & (other < IGNORED)
        alike = -torch.log(affinity + 1e-5)
        unlike = -torch.log(1 + 1e-5 - affinity)

        def mean(cost, kind):
            kind = (kind & valid).to(cost.dtype)
            return (cost * kind).sum() / (kind.sum() + 1e-5)

        ground = mean(alike, (own == other) & (own == 0))
        objects = mean(alike, (own == other) & (own > 0))
        return (ground / 2 + objects / 2) / 2 + mean(unlike, own != other) / 2


def segmentation_loss(network, feeds):
    labels = feeds["labels"].long()
    logits = network(feeds["image"])
    size, align = labels.shape[1:], network.align_corners
    logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=align)
    return F.cross_entropy(logits, labels, ignore_index=IGNORED)


def make_loss(kind, feeds):
    """A function of network and feeds."""
    if kind == "classifier":
        return classifier_loss
    if kind == "affinity":
        return AffinityLoss(*feeds["labels"].shape[1:])
    return segmentation_loss
