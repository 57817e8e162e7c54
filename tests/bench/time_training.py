"""Times steps of PyTorch's training for `deno task bench:training --python PYTHON`.

    python tests/bench/time_training.py THREADS

Reads lines `KIND BACKBONE BATCH SIZE`, takes one step of that training in channels_last layout with
stored statistics in batch normalisation, and answers with its seconds by the clock and of the
processor. A case's network is made, and stepped twice to warm up, when it is first asked for. Needs
torch; the weights are PyTorch's own, as they do not matter for the time.
"""

import sys
import time

import torch

from torch_losses import make_loss
from torch_networks import make_network

CLASSES = {"classifier": 20, "affinity": 0, "deeplabv3plus": 21}


def make(kind, backbone, batch, size):
    """A function that takes a step."""
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    if kind == "classifier":
        labels = (torch.rand(batch, CLASSES[kind]) < 0.2).float()
    else:
        block = torch.arange(size // 4 if kind == "affinity" else size) // 12
        labels = ((block[:, None] + 2 * block) % 3).expand(batch, -1, -1)
    feeds = {"image": x, "labels": labels}
    network = make_network(kind, backbone, CLASSES[kind]).to(memory_format=torch.channels_last)
    if kind == "affinity":
        network.model.requires_grad_(False)
    learnt = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learnt, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)
    loss = make_loss(kind, feeds)

    def step():
        optimizer.zero_grad()
        loss(network, feeds).backward()
        optimizer.step()

    return step


def main():
    torch.set_num_threads(int(sys.argv[1]))
    steps = {}
    for line in sys.stdin:
        key = line.strip()
        if key not in steps:
            steps.clear()
            kind, backbone, batch, size = key.split()
            steps[key] = make(kind, backbone, int(batch), int(size))
            for _ in range(2):
                steps[key]()
        start = time.perf_counter(), time.process_time()
        steps[key]()
        print(time.perf_counter() - start[0], time.process_time() - start[1], flush=True)


if __name__ == "__main__":
    main()
