"""The Python sides of scripts/bench/networks.ts: the classifier's network alone, at several scales, with the
mirror image as the second of a batch, without resizing, normalising or adding up.

    python tests/bench/time_networks.py MODEL.onnx THREADS SCALE,SCALE

Reads names of sides, one a line, and answers the seconds each took, by the clock and of all processors. Written for onnxruntime 1.30, PyTorch
2.15.0 and resnest 0.0.5.
"""

import os
import sys
import time

import numpy as np
import onnxruntime
import torch
from resnest.torch import resnest

WIDTH, HEIGHT, CLASSES = 500, 375, 20

model, threads = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(0)
IMAGES = [
    random.standard_normal((2, 3, round(HEIGHT * s), round(WIDTH * s)), dtype=np.float32)
    for s in map(float, sys.argv[3].split(","))
]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
options.log_severity_level = 3
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

torch.set_num_threads(threads)
network = resnest.resnest101(pretrained=False, dilated=False, dilation=2).eval()
classifier = torch.nn.Conv2d(2048, CLASSES, 1, bias=False)


def forward(x):
    x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
    x = network.layer4(network.layer3(network.layer2(network.layer1(x))))
    return classifier(x)


def run_onnxruntime():
    for image in IMAGES:
        session.run(None, {"image": image})


def run_pytorch():
    with torch.inference_mode():
        for image in IMAGES:
            forward(torch.from_numpy(image))


SIDES = {"onnxruntime": run_onnxruntime, "pytorch": run_pytorch}
for line in sys.stdin:
    start, before = time.perf_counter(), os.times()
    SIDES[line.strip()]()
    after = os.times()
    cpu = after.user + after.system - before.user - before.system
    print(time.perf_counter() - start, cpu, flush=True)
