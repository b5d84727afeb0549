"""Float16 safetensors files of the model, each small enough to be kept in a git repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Mapping, Sequence

import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file

from autoencoder import AutoencoderKL
from dit import DiT, DiTConfig

DIT_FILES = ("dit-1.safetensors", "dit-2.safetensors")


def save_half(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Writes float16 tensors, replacing `path` only once the file is complete."""
    partial = path.with_suffix(".partial")
    save_file({name: value.half().contiguous().cpu() for name, value in state.items()}, partial)
    partial.replace(path)


def save_dit(model: nn.Module, folder: Path) -> None:
    """Splits the weights over two files of about equal size, in the order of the parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    state = model.state_dict()
    half_of_values = sum(value.numel() for value in state.values()) / 2
    parts: tuple[dict[str, torch.Tensor], ...] = ({}, {})
    written = 0
    for name, value in state.items():
        parts[0 if written < half_of_values else 1][name] = value
        written += value.numel()
    for part, file in zip(parts, DIT_FILES):
        save_half(part, folder / file)


def load_dit(files: Sequence[Path], config: DiTConfig, device: torch.device) -> DiT:
    model = DiT(config)
    state = {name: value.float() for file in files for name, value in load_file(file).items()}
    model.load_state_dict(state)
    return model.to(device)


def load_autoencoder(file: Path, device: torch.device) -> AutoencoderKL:
    model = AutoencoderKL()
    model.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def read_config(path: Path) -> dict:
    return json.loads(path.read_text())


def write_config(config: dict, path: Path) -> None:
    path.write_text(json.dumps(config, indent=1) + "\n")
