"""What is measured of a checkpoint: noise-prediction error, and samples."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from autoencoder import AutoencoderKL
from diffusion import Denoiser, Diffusion, noise_error, sample_ddim
from emoji_data import EmojiImages, to_unit_range
from latents import LatentPosteriors

SHOWN_CLASSES = (
    "face-smiling animal-mammal animal-bird food-fruit transport-ground heart plant-flower "
    "country-flag food-prepared person-role musical-instrument animal-marine sky-weather "
    "clothing place-building cat-face"
).split()
SAMPLES_PER_CLASS = 8
POSTERIOR_SEED = 2


def thumbnails(images: torch.Tensor) -> torch.Tensor:
    """[B, 3, 128, 128] in -1..1 to [B, 3, 32, 32] in 0..1."""
    return F.avg_pool2d((images + 1) / 2, 4)


class Evaluator:
    """Measures any transformer of one model on the same pictures, noise and sampling seeds."""

    def __init__(
        self,
        images: EmojiImages,
        autoencoder: AutoencoderKL,
        posteriors: LatentPosteriors,
        diffusion: Diffusion,
    ) -> None:
        self.images, self.autoencoder = images, autoencoder
        self.posteriors, self.diffusion = posteriors, diffusion
        self.device = posteriors.values.device

    def noise_mse(self, model: Denoiser, training_images: int = 2048) -> dict[str, float]:
        """Error on the first training pictures and on all held-out pictures."""
        training_rows, held_out_rows = self.images.split()
        return {
            "training": self._noise_mse(model, training_rows[:training_images]),
            "held_out": self._noise_mse(model, held_out_rows),
        }

    @torch.no_grad()
    def draw_samples(self, model: Denoiser, guidance: float) -> torch.Tensor:
        """Eight samples for each of sixteen classes, [128, 3, 128, 128] in -1..1."""
        classes = self.images.classes
        shown = [classes.index(name) for name in SHOWN_CLASSES for _ in range(SAMPLES_PER_CLASS)]
        labels = torch.tensor(shown, device=self.device)
        latents = sample_ddim(model, self.diffusion, labels, len(classes), guidance)
        return self.autoencoder.decode(latents / self.posteriors.scaling_factor).clamp(-1, 1)

    def distances_to_training(self, samples: torch.Tensor) -> torch.Tensor:
        """How far each sample [B] is from the nearest training picture or its mirror image.

        The distance is the root mean square difference of the 32 x 32 thumbnails, values in 0..1.
        """
        training_rows, _ = self.images.split()
        pictures = thumbnails(to_unit_range(self.images.pixels[training_rows])).to(self.device)
        known = torch.cat([pictures, pictures.flip(3)]).flatten(1)
        distances = torch.cdist(thumbnails(samples).flatten(1), known) / known.shape[1] ** 0.5
        return distances.min(dim=1).values

    def _noise_mse(self, model: Denoiser, rows: torch.Tensor) -> float:
        """The pictures are not mirrored, each with one fixed draw from its posterior."""
        generator = torch.Generator().manual_seed(POSTERIOR_SEED)
        noise = torch.randn(len(rows), 4, 16, 16, generator=generator).to(self.device)
        latents = self.posteriors.sample(rows.to(self.device), noise)
        labels = self.images.labels[rows].to(self.device)
        return round(noise_error(model, self.diffusion, latents, labels), 5)
