"""Writes src/__fixtures__/python-2.pt, a checkpoint as PyTorch wrote it before 1.6 under Python 2.

Needs Python 2.7 and torch==1.4.0, the last of both together. The values follow from their names' order and are written
out in src/pytorch-legacy.test.ts. Run: python2.7 scripts/make-python-2-fixture.py
"""

import os

import torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "__fixtures__")

line = torch.arange(6, dtype=torch.float32)
model = torch.nn.BatchNorm1d(2)
torch.save(
    {
        "state_dict": model.state_dict(),
        "whole": line,
        "odd": line[1::2],
        "half": torch.tensor([0.5, -2.0], dtype=torch.float16),
        "epoch": 7,
        u"gr\xf6\xdfe": u"\xfc",
    },
    os.path.join(FOLDER, "python-2.pt"),
)
