"""On which side of their kinks the piecewise linear functions of a network are: recorded, and forced."""

from contextlib import contextmanager

import torch
import torch.nn.functional as F


def relu(x, inplace=False, side=None):
    side = x > 0 if side is None else side
    return x * side, side


def relu6(x, inplace=False, side=None):
    inside, above = ((x > 0) & (x < 6), x >= 6) if side is None else side
    return x * inside + 6 * above, (inside, above)


def absolute(x, side=None):
    side = x.sign().detach() if side is None else side
    return x * side.to(x.dtype), side


def max_pool2d(x, *window, side=None):
    if side is None:
        _, side = F.max_pool2d_with_indices(x, *window)
    return x.flatten(-2).gather(-1, side.flatten(-2)).view(side.shape), side


FUNCTIONS = {(F, "relu"): relu, (F, "relu6"): relu6, (torch, "abs"): absolute,
             (F, "max_pool2d"): max_pool2d}


@contextmanager
def kinks(sides, record):
    """Appends sides to the list, or takes them from it in the same order."""
    plain = {key: getattr(*key) for key in FUNCTIONS}
    known = None if record else iter(sides)

    def watched(function):
        def call(*arguments, **more):
            if not record:
                return function(*arguments, **more, side=next(known))[0]
            result, side = function(*arguments, **more)
            sides.append(side)
            return result

        return call

    for (module, name), function in FUNCTIONS.items():
        setattr(module, name, watched(function))
    try:
        yield
    finally:
        for (module, name), function in plain.items():
            setattr(module, name, function)
