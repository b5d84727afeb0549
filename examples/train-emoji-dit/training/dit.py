"""The diffusion transformer DiT (Peebles & Xie 2022, adaLN-Zero), published parameter names."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class DiTConfig:
    num_classes: int
    depth: int = 12
    hidden_size: int = 256
    num_heads: int = 4
    patch_size: int = 2
    input_size: int = 16
    in_channels: int = 4

    @property
    def null_class(self) -> int:
        """The label of the unconditional prediction, one past the last class."""
        return self.num_classes

    def describe(self) -> dict[str, int | bool]:
        """The architecture as `config.json` states it."""
        return {
            "depth": self.depth,
            "hidden_size": self.hidden_size,
            "num_heads": self.num_heads,
            "patch_size": self.patch_size,
            "input_size": self.input_size,
            "learn_sigma": True,
            "num_classes": self.num_classes,
        }

    @property
    def forward_flops(self) -> int:
        """Floating-point operations of one forward pass of one sample (2 per multiply-add)."""
        width, tokens = self.hidden_size, (self.input_size // self.patch_size) ** 2
        patch_values = self.in_channels * self.patch_size**2
        per_token = self.depth * (12 * width**2 + 2 * tokens * width) + 3 * patch_values * width
        per_sample = (6 * self.depth + 3) * width**2 + 256 * width
        return 2 * (tokens * per_token + per_sample)


def modulate(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return x * (1 + scale[:, None]) + shift[:, None]


class PatchEmbed(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        patch = config.patch_size
        self.proj = nn.Conv2d(config.in_channels, config.hidden_size, patch, patch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)  # (B, L, D)


class TimestepEmbedder(nn.Module):
    FREQUENCIES = 128

    def __init__(self, width: int) -> None:
        super().__init__()
        inputs = 2 * self.FREQUENCIES
        self.mlp = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, timestep: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(self.FREQUENCIES, device=timestep.device, dtype=torch.float32)
        frequencies = torch.exp(-math.log(10000) * steps / self.FREQUENCIES)
        angles = timestep[:, None].float() * frequencies
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1))


class LabelEmbedder(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.embedding_table = nn.Embedding(config.num_classes + 1, config.hidden_size)

    def forward(self, label: torch.Tensor) -> torch.Tensor:
        return self.embedding_table(label)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, L, D / heads)
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class DiTBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.mlp = Mlp(width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        shift_attn, scale_attn, gate_attn, shift_mlp, scale_mlp, gate_mlp = self.adaLN_modulation(
            condition
        ).chunk(6, dim=1)
        attended = self.attn(modulate(self.norm1(x), shift_attn, scale_attn))
        x = x + gate_attn[:, None] * attended
        return x + gate_mlp[:, None] * self.mlp(modulate(self.norm2(x), shift_mlp, scale_mlp))


class FinalLayer(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm_final = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.linear = nn.Linear(width, config.patch_size**2 * 2 * config.in_channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        shift, scale = self.adaLN_modulation(condition).chunk(2, dim=1)
        return self.linear(modulate(self.norm_final(x), shift, scale))


class DiT(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        width, side = config.hidden_size, config.input_size // config.patch_size
        self.x_embedder = PatchEmbed(config)
        self.t_embedder = TimestepEmbedder(width)
        self.y_embedder = LabelEmbedder(config)
        self.pos_embed = nn.Parameter(sin_cos_positions(width, side)[None], requires_grad=False)
        self.blocks = nn.ModuleList(DiTBlock(width, config.num_heads) for _ in range(config.depth))
        self.final_layer = FinalLayer(config)
        self._initialize()

    def forward(self, x: torch.Tensor, timestep: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Noise and variance [B, 8, 16, 16] of x [B, 4, 16, 16] at timestep [B], 0..999."""
        tokens = self.x_embedder(x) + self.pos_embed
        condition = self.t_embedder(timestep) + self.y_embedder(label)
        for block in self.blocks:
            tokens = block(tokens, condition)
        return self._unpatchify(self.final_layer(tokens, condition))

    def _unpatchify(self, tokens: torch.Tensor) -> torch.Tensor:
        patch, size = self.config.patch_size, self.config.input_size
        side, channels = size // patch, 2 * self.config.in_channels
        patches = tokens.reshape(-1, side, side, patch, patch, channels)
        return patches.permute(0, 5, 1, 3, 2, 4).reshape(-1, channels, size, size)

    def _initialize(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.x_embedder.proj.weight.data.flatten(1))
        nn.init.zeros_(self.x_embedder.proj.bias)
        nn.init.normal_(self.y_embedder.embedding_table.weight, std=0.02)
        for layer in (self.t_embedder.mlp[0], self.t_embedder.mlp[2]):
            nn.init.normal_(layer.weight, std=0.02)
        modulations = [block.adaLN_modulation[1] for block in self.blocks]
        final = [self.final_layer.adaLN_modulation[1], self.final_layer.linear]
        for layer in (*modulations, *final):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)


def sin_cos_positions(width: int, side: int) -> torch.Tensor:
    """Fixed positions [side * side, width]: sine and cosine of the column, then of the row."""

    def along(axis: np.ndarray) -> np.ndarray:
        frequencies = 1 / 10000 ** (np.arange(width // 4, dtype=np.float64) / (width // 4))
        angles = np.outer(axis.reshape(-1), frequencies)
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)

    columns, rows = np.meshgrid(np.arange(side), np.arange(side))
    return torch.from_numpy(np.concatenate([along(columns), along(rows)], axis=1)).float()
