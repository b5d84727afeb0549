"""AutoencoderKL in the Stable Diffusion layout, diffusers' parameter names, 8x downsampling."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

BLOCK_CHANNELS = (32, 64, 128, 128)
LATENT_CHANNELS = 4
NORM_GROUPS = 16


def group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(NORM_GROUPS, channels, eps=1e-6)


class ResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = group_norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class SelfAttention(nn.Module):
    """Single-head attention over the pixels of a feature map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.group_norm = group_norm(channels)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, H*W, C)
        q, k, v = (layer(tokens)[:, None] for layer in (self.to_q, self.to_k, self.to_v))
        attended = F.scaled_dot_product_attention(q, k, v)[:, 0]
        return x + self.to_out[0](attended).transpose(1, 2).reshape(x.shape)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class DownBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, last: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(inputs, outputs), ResnetBlock(outputs, outputs)])
        self.downsamplers = nn.ModuleList([] if last else [Downsample(outputs)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (*self.resnets, *self.downsamplers):
            x = layer(x)
        return x


class UpBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, last: bool) -> None:
        super().__init__()
        first = ResnetBlock(inputs, outputs)
        self.resnets = nn.ModuleList([first, *(ResnetBlock(outputs, outputs) for _ in range(2))])
        self.upsamplers = nn.ModuleList([] if last else [Upsample(outputs)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (*self.resnets, *self.upsamplers):
            x = layer(x)
        return x


class MidBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels) for _ in range(2)])
        self.attentions = nn.ModuleList([SelfAttention(channels)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        channels = BLOCK_CHANNELS
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(channels[max(i - 1, 0)], channels[i], last=i == len(channels) - 1)
            for i in range(len(channels))
        )
        self.mid_block = MidBlock(channels[-1])
        self.conv_norm_out = group_norm(channels[-1])
        self.conv_out = nn.Conv2d(channels[-1], 2 * LATENT_CHANNELS, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        channels = BLOCK_CHANNELS[::-1]
        self.conv_in = nn.Conv2d(LATENT_CHANNELS, channels[0], 3, padding=1)
        self.mid_block = MidBlock(channels[0])
        self.up_blocks = nn.ModuleList(
            UpBlock(channels[max(i - 1, 0)], channels[i], last=i == len(channels) - 1)
            for i in range(len(channels))
        )
        self.conv_norm_out = group_norm(channels[-1])
        self.conv_out = nn.Conv2d(channels[-1], 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        z = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            z = block(z)
        return self.conv_out(F.silu(self.conv_norm_out(z)))


class AutoencoderKL(nn.Module):
    """Images [B, 3, 128, 128] in -1..1; latents [B, 4, 16, 16], unscaled."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.quant_conv = nn.Conv2d(2 * LATENT_CHANNELS, 2 * LATENT_CHANNELS, 1)
        self.post_quant_conv = nn.Conv2d(LATENT_CHANNELS, LATENT_CHANNELS, 1)

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the posterior, each [B, 4, 16, 16]."""
        mean, log_variance = self.quant_conv(self.encoder(images)).chunk(2, dim=1)
        return mean, log_variance.clamp(-30, 20)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(latents))
