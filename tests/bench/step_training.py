"""PyTorch's side of `deno task parity:training`.

    python tests/bench/step_training.py THREADS

Reads lines `FOLDER`; FOLDER holds case.json and start.npz: the weights (`weights/NAME`) and one batch
(`feeds/NAME`). Writes FOLDER/torch.npz, and answers with the seconds it took, by the clock and of the
processor. The file has

- `updates/NAME`: how the first step at rate 1 changes each tensor that is learnt, in float64;
- `errors/NAME`: how far float32 is from that, as a share of its length: for the weights as they are,
  and for weights that differ by roundings in their last place, up or down, which is no worse a result;
- `forced/NAME`: the same for float32 when all ReLUs, maxima and magnitudes are on the sides of their
  kinks that they are on in float64;
- `losses`: before each step at case.json's rates, from the same start, in float32;
- `rounded_losses`: the same from the first of the weights that differ by roundings.

Needs torch and NumPy.
"""

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from kinks import kinks
from torch_losses import make_loss
from torch_networks import make_network

ROUNDINGS = 4


def load(folder, kind, dtype):
    """Tensors of start.npz by name, floating point ones as `dtype`."""
    with np.load(folder / "start.npz") as arrays:
        found = {
            key.removeprefix(f"{kind}/"): torch.from_numpy(arrays[key])
            for key in arrays.files if key.startswith(f"{kind}/")
        }
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in found.items()}


def train(case, folder, dtype, rates, noise=0, sides=nullcontext()):
    """Losses before each step, and how the tensors that are learnt have changed in the end.

    noise: seed of roundings of the weights, 0 for none. sides: within which losses are computed.
    """
    network = make_network(case["kind"], case["backbone"], case["classes"]).to(dtype)
    weights = load(folder, "weights", dtype)
    if noise > 0:
        generator = torch.Generator().manual_seed(noise)
        for w in weights.values():
            if w.is_floating_point():
                # In double: 1 + eps/2 and less is 1 in the weights' own type.
                shift = torch.rand(w.shape, generator=generator, dtype=torch.float64) * 2 - 1
                w.copy_((w.double() * (1 + torch.finfo(dtype).eps * shift)).to(w.dtype))
    strange = network.load_state_dict(weights, strict=False)
    missing = [name for name in strange.missing_keys if "num_batches_tracked" not in name]
    if missing or strange.unexpected_keys:
        raise SystemExit(f"weights do not fit: {missing}, {strange.unexpected_keys}")
    feeds = load(folder, "feeds", dtype)
    groups = []
    for name, parameter in network.named_parameters():
        group = case["groups"].get(name)
        parameter.requires_grad_(group is not None)
        if group is not None:
            decay = group["weightDecay"]
            groups.append({"params": [parameter], "factor": group["rate"], "weight_decay": decay})
    momentum, nesterov = case["momentum"], case["nesterov"]
    optimizer = torch.optim.SGD(groups, lr=1, momentum=momentum, nesterov=nesterov)
    learnt = {name: p for name, p in network.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in learnt.items()}
    loss = make_loss(case["kind"], feeds)
    losses = []
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        optimizer.zero_grad()
        with sides:
            value = loss(network, feeds)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, {name: p.detach() - before[name] for name, p in learnt.items()}


def errors(found, expected):
    """Of each tensor the length of the difference, as a share of the length of `expected`."""

    def error(name, e):
        apart = (found[name] - e).norm()
        return (apart / e.norm()).item() if apart > 0 else 0.0

    return {name: error(name, e) for name, e in expected.items()}


def compare(case, folder):
    exact, single = torch.float64, torch.float32
    recorded = []
    _, updates = train(case, folder, exact, [1], sides=kinks(recorded, record=True))
    plain = [
        errors(train(case, folder, single, [1], noise)[1], updates)
        for noise in range(1 + ROUNDINGS)
    ]
    forced = train(case, folder, single, [1], sides=kinks(recorded, record=False))[1]
    results = {f"updates/{name}": update.numpy() for name, update in updates.items()}
    results |= {f"errors/{name}": np.array([each[name] for each in plain]) for name in updates}
    results |= {f"forced/{name}": np.array(e) for name, e in errors(forced, updates).items()}
    results["losses"] = np.array(train(case, folder, single, case["rates"])[0])
    results["rounded_losses"] = np.array(train(case, folder, single, case["rates"], noise=1)[0])
    np.savez(folder / "torch.npz", **results)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        start = time.perf_counter(), time.process_time()
        compare(json.loads((folder / "case.json").read_text()), folder)
        print(time.perf_counter() - start[0], time.process_time() - start[1], flush=True)


if __name__ == "__main__":
    main()
