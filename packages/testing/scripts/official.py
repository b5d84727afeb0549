"""Access to an official HarmoniCa checkout: its modules, and the same code in honest float64.

Nothing of the checkout is copied. It is imported, and where it forces float32 (the sampler's coefficients and the
timestep embedding) float64 runs replace exactly those two functions, so that their results are the mathematics and
not a rounding of it.
"""

import contextlib
import importlib
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch


@dataclass(frozen=True)
class Official:
    """The modules of a checkout. `create_diffusion` and `get_lambda` are its functions of these names."""

    commit: str
    plain: ModuleType
    routed: ModuleType
    thresholded: ModuleType
    gaussian: ModuleType
    create_diffusion: Callable
    get_lambda: Callable | None


def load_official(checkout: Path, commit: str | None = None, has_lambda: bool = True) -> Official:
    """Imports the checkout, of HarmoniCa or, without lambda, of Learning-to-Cache, whose modules have the same names.

    Its commit is read from git unless it is given.
    """
    sys.path.insert(0, str(checkout))
    if commit is None:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Official(
        commit=commit,
        plain=importlib.import_module("models.models"),
        routed=importlib.import_module("models.router_models"),
        thresholded=importlib.import_module("models.dynamic_models"),
        gaussian=importlib.import_module("diffusion.gaussian_diffusion"),
        create_diffusion=importlib.import_module("diffusion").create_diffusion,
        get_lambda=importlib.import_module("train_router").get_lambda if has_lambda else None,
    )


@contextlib.contextmanager
def precision(official: Official, dtype: torch.dtype):
    """Inside, the official code computes in `dtype`. float32 is the official code untouched."""
    if dtype == torch.float32:
        yield
        return
    embedders = [m.TimestepEmbedder for m in (official.plain, official.routed, official.thresholded)]
    extract = official.gaussian._extract_into_tensor
    originals = [embedder.__dict__["timestep_embedding"] for embedder in embedders]
    official.gaussian._extract_into_tensor = extract_in_float64
    for embedder in embedders:
        embedder.timestep_embedding = staticmethod(embed_timestep_in_float64)
    try:
        yield
    finally:
        official.gaussian._extract_into_tensor = extract
        for embedder, original in zip(embedders, originals):
            embedder.timestep_embedding = original


def extract_in_float64(coefficients, index, shape):
    """One coefficient per sample, broadcast to `shape`."""
    values = torch.from_numpy(coefficients)[index].double()
    return values.reshape(-1, *[1] * (len(shape) - 1)).expand(shape)


def embed_timestep_in_float64(time, width, max_period=10000):
    """`[cos(t w_k), sin(t w_k)]` with `w_k = max_period^(-k / (width / 2))`; even widths only."""
    exponent = torch.arange(width // 2, dtype=torch.float64) / (width // 2)
    angle = time[:, None].double() * torch.exp(-math.log(max_period) * exponent)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


@contextlib.contextmanager
def replayed_noise(noise):
    """Inside, `torch.randn_like` hands out the entries of `noise` in order."""
    original, entries = torch.randn_like, iter(noise)

    def replay(like):
        entry = next(entries).to(like.dtype)
        assert entry.shape == like.shape
        return entry

    torch.randn_like = replay
    try:
        yield
    finally:
        torch.randn_like = original
