"""Checks that torch.load reads src/__fixtures__/written.pt, a file that writePyTorch wrote, as what it was written of.

The test of writePyTorch holds its bytes to that file. Checked with torch 2.15.0. Run: python scripts/check-written.py
"""

from pathlib import Path

import torch

FOLDER = Path(__file__).parent.parent / "src" / "__fixtures__"

expected = {
    "routers": {"0.prob": torch.tensor([0.1, -2.0, 5.0]), "größe": torch.zeros(2, 0, 3)},
    "cube": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4),
    "scalar": torch.tensor(2.5),
    "empty": {},
}


def same(actual, wanted):
    """Equal types, keys in order, shapes, strides and values."""
    if isinstance(wanted, dict):
        return type(actual) is dict and list(actual) == list(wanted) and all(same(actual[k], wanted[k]) for k in wanted)
    kinds = [(value.dtype, value.shape, value.stride(), value.requires_grad) for value in (actual, wanted)]
    return kinds[0] == kinds[1] and torch.equal(actual, wanted)


for options in ({"weights_only": True}, {"weights_only": False}, {"weights_only": True, "mmap": True}):
    loaded = torch.load(FOLDER / "written.pt", **options)
    assert same(loaded, expected), (options, loaded)
print(f"torch {torch.__version__} reads it")
