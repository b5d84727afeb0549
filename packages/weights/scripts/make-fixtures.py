"""Writes the checkpoints in src/__fixtures__ that the tests read, and what they hold as expected.json.

Needs torch and safetensors; the versions that were used stand in expected.json. Run: python scripts/make-fixtures.py
"""

import argparse
import json
import math
import platform
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parent.parent / "src" / "__fixtures__"
DTYPES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
    torch.uint8: "u8",
    torch.bool: "bool",
}
FLOAT8 = {torch.float8_e4m3fn: "f8_e4m3", torch.float8_e5m2: "f8_e5m2"}


def describe(tensor):
    """Shape, type and values (as float32) of a tensor; infinity and NaN, which JSON lacks, as text."""
    values = [spell(value) for value in tensor.detach().to(torch.float32).flatten().tolist()]
    return {"shape": list(tensor.shape), "dtype": (DTYPES | FLOAT8)[tensor.dtype], "values": values}


def spell(value):
    """A number, or the name that JavaScript has for it."""
    if math.isnan(value):
        return "NaN"
    return f"{'-' if value < 0 else ''}Infinity" if math.isinf(value) else value


def flatten(value, name=""):
    """Dotted name and description of every tensor in a tree."""
    if isinstance(value, torch.Tensor):
        return {name: describe(value)}
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, (list, tuple)) else items
    if isinstance(value, argparse.Namespace):
        items = vars(value).items()
    found = {}
    for key, item in items:
        found |= flatten(item, f"{name}.{key}" if name else str(key))
    return found


def mixed_tree(generator):
    """Tensors of all types and layouts within all kinds of containers."""
    table = torch.randn(6, 4, generator=generator)
    line = torch.arange(12, dtype=torch.float32)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    return {
        "types": {name: (torch.randn(2, 3, generator=generator) * 50).to(dtype) for dtype, name in DTYPES.items()},
        "extremes": torch.tensor([65504.0, 2.0**-24, -0.0, float("inf"), float("-inf")]).half(),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "views": {
            "whole": table,
            "transposed": table.t(),
            "column": table[:, 1],
            "every_other_row": table[1::2],
            "block": table[2:5, 1:3],
            "permuted": torch.randn(2, 3, 4, generator=generator).permute(2, 0, 1),
            "expanded": line[3:4].expand(5),
            "first_half": line[:6],
            "second_half": line[6:],
            "overlapping": line.unfold(0, 4, 2),
        },
        "parameter": torch.nn.Parameter(torch.randn(3, generator=generator)),
        "frozen": torch.nn.Parameter(torch.ones(2), requires_grad=False),
        "state_dict": model.state_dict(),
        "ordered": OrderedDict([("z", torch.ones(1)), ("a", torch.zeros(1))]),
        "list": [torch.tensor([1.0]), (torch.tensor([2.0]), {"deep": torch.tensor([3.0])})],
        "same": [table, table],
        "options": argparse.Namespace(tensor=torch.tensor([4.0]), lr=0.5, name="größe", nothing=None),
        "plain": {
            "integers": [0, -1, 255, 65535, -(2**31), 2**40, 2**53, 2**70, -(2**70)],
            "floats": [0.1, -1e300],
            "flags": (True, False, None),
            "set": {1, 2},
            "frozenset": frozenset(["a"]),
            "size": torch.Size([2, 3]),
            7: "seven",
        },
    }


class Router(torch.nn.Module):
    """One logit per branch, under the name that a router checkpoint has."""

    def __init__(self, branches, generator):
        super().__init__()
        self.prob = torch.nn.Parameter(torch.randn(branches, generator=generator))


def router_checkpoint(generator, steps=10, branches=8):
    """What HarmoniCa's training script saves: a ModuleList of routers, its optimizer, the command line."""
    routers = torch.nn.ModuleList(Router(branches, generator) for _ in range(steps))
    optimizer = torch.optim.AdamW(routers.parameters(), lr=0.01, weight_decay=0)
    for _ in range(2):
        optimizer.zero_grad()
        sum((router.prob**2).sum() for router in routers).backward()
        optimizer.step()
    args = argparse.Namespace(
        results_dir="results", model="DiT-XL/2", image_size=256, num_classes=1000, epochs=1,
        global_batch_size=64, global_seed=0, vae="ema", num_workers=4, log_every=10, ckpt_every=50000,
        wandb=False, ckpt=None, num_sampling_steps=steps, l1=7e-8, lr=0.01, max_steps=20000,
        cfg_scale=1.5, ste_threshold=0.1, lambda_c=500,
    )
    return {"routers": routers.state_dict(), "opt": optimizer.state_dict(), "args": args}


def recompress(source, target):
    """The same archive with every entry deflated."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)


def recompress_64(source, target):
    """The same archive with the 64-bit fields that archives beyond 4 GiB have."""
    limit = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 4
    recompress(source, target)
    zipfile.ZIP64_LIMIT = limit


def write_pytorch(generator):
    """PyTorch files; returns what they hold."""
    mixed = mixed_tree(generator)
    router = router_checkpoint(generator)
    torch.save(mixed, FOLDER / "mixed.pt")
    torch.save(mixed, FOLDER / "protocol-5.pt", pickle_protocol=5)
    recompress(FOLDER / "mixed.pt", FOLDER / "deflated.pt")
    recompress_64(FOLDER / "mixed.pt", FOLDER / "zip64.pt")
    torch.save(router, FOLDER / "router-checkpoint.pt")
    torch.save({"w": torch.ones(2)}, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(mixed, FOLDER / "legacy-mixed.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 1), FOLDER / "module.pt")
    torch.serialization.set_crc32_options(False)
    torch.save({"w": torch.ones(2)}, FOLDER / "no-checksums.pt")
    torch.serialization.set_crc32_options(True)
    return {
        "mixed.pt": flatten(mixed),
        "protocol-5.pt": flatten(mixed),
        "deflated.pt": flatten(mixed),
        "zip64.pt": flatten(mixed),
        "legacy.pt": {"w": describe(torch.ones(2))},
        "legacy-mixed.pt": flatten(mixed),
        "router-checkpoint.pt": flatten(router),
        "no-checksums.pt": {"w": describe(torch.ones(2))},
    }


def write_safetensors(generator):
    """Safetensors files; returns what they hold."""
    weights = {
        "blocks.0.weight": torch.randn(4, 3, generator=generator),
        "blocks.0.bias": torch.randn(4, generator=generator) * 1e-6,
        "scale": torch.tensor(3.0),
        "none": torch.zeros(2, 0),
    }
    files = {
        "f32.safetensors": weights,
        "f16.safetensors": {name: tensor.half() for name, tensor in weights.items()},
        "bf16.safetensors": {name: tensor.bfloat16() for name, tensor in weights.items()},
        "types.safetensors": {
            name: (torch.randn(2, 3, generator=generator) * 50).to(dtype) for dtype, name in DTYPES.items()
        },
        "float8.safetensors": {
            name: torch.arange(256, dtype=torch.uint8).view(dtype) for dtype, name in FLOAT8.items()
        },
        "sharded/model-00001-of-00002.safetensors": {"blocks.0.weight": weights["blocks.0.weight"]},
        "sharded/model-00002-of-00002.safetensors": {
            name: tensor for name, tensor in weights.items() if name != "blocks.0.weight"
        },
    }
    for name, tensors in files.items():
        save_file(tensors, FOLDER / name, metadata={"format": "pt"})
    shards = {name: file.name for file in sorted((FOLDER / "sharded").glob("*.safetensors"))
              for name in files[f"sharded/{file.name}"]}
    index = {"metadata": {"total_size": 17 * 4}, "weight_map": shards}
    (FOLDER / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    return {name: flatten(tensors) for name, tensors in files.items()} | {
        "sharded/model.safetensors.index.json": flatten(weights)
    }


def main():
    warnings.filterwarnings("error")
    (FOLDER / "sharded").mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    made_with = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "safetensors": safetensors.__version__,
    }
    files = write_pytorch(generator) | write_safetensors(generator)
    expected = {"madeWith": made_with, "files": files}
    (FOLDER / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
