"""The data set as the transformer sees it: posterior means and deviations of the autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from autoencoder import AutoencoderKL
from emoji_data import EmojiImages, to_unit_range

ENCODE_BATCH = 256


@dataclass(frozen=True)
class LatentPosteriors:
    """`values` [2 * images, 8, 16, 16]: mean and deviation, as given, then mirrored; unscaled."""

    values: torch.Tensor
    scaling_factor: float

    @property
    def images(self) -> int:
        return len(self.values) // 2

    def sample(self, rows: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Scaled latents [B, 4, 16, 16] drawn from the posteriors of `rows` [B]."""
        mean, deviation = self.values[rows].chunk(2, dim=1)
        return (mean + deviation * noise) * self.scaling_factor


@torch.no_grad()
def encode_images(
    autoencoder: AutoencoderKL,
    images: EmojiImages,
    scaling_factor: float,
    device: torch.device,
) -> LatentPosteriors:
    encoded = []
    for mirrored in (False, True):
        for batch in images.pixels.split(ENCODE_BATCH):
            x = to_unit_range(batch.to(device))
            mean, log_variance = autoencoder.encode(x.flip(3) if mirrored else x)
            encoded.append(torch.cat([mean, torch.exp(0.5 * log_variance)], dim=1).contiguous())
    return LatentPosteriors(torch.cat(encoded), scaling_factor)
