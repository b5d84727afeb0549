"""The 1000-step linear diffusion of DiT: training loss, noise-prediction error, DDIM sampling."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np
import torch

STEPS = 1000

Denoiser = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Diffusion:
    """q(x_t | x_0) and its posterior, as float32 tables [1000] computed in float64."""

    def __init__(self, device: torch.device) -> None:
        betas = np.linspace(1e-4, 0.02, STEPS, dtype=np.float64)
        alpha_bar = np.cumprod(1 - betas)
        alpha_bar_before = np.append(1.0, alpha_bar[:-1])
        posterior_variance = betas * (1 - alpha_bar_before) / (1 - alpha_bar)
        # The posterior variance is zero at t = 0: its logarithm takes the next value instead.
        clipped = np.append(posterior_variance[1], posterior_variance[1:])

        def table(values: np.ndarray) -> torch.Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)

        self.signal = table(np.sqrt(alpha_bar))
        self.noise = table(np.sqrt(1 - alpha_bar))
        self.log_beta = table(np.log(betas))
        self.log_posterior_variance = table(np.log(clipped))
        self.posterior_clean = table(betas * np.sqrt(alpha_bar_before) / (1 - alpha_bar))
        self.posterior_noisy = table((1 - alpha_bar_before) * np.sqrt(1 - betas) / (1 - alpha_bar))

    def add_noise(self, clean: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return at(self.signal, t) * clean + at(self.noise, t) * noise

    def loss(
        self,
        output: torch.Tensor,
        clean: torch.Tensor,
        noisy: torch.Tensor,
        t: torch.Tensor,
        noise: torch.Tensor,
        bound_weight: float = 0.3,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise MSE plus `bound_weight` times the variational bound (bits per value).

        The bound trains the learned variance only: its mean uses a detached noise prediction
        (Improved DDPM, Nichol & Dhariwal 2021, section 4).

        @returns the loss and the noise MSE, both scalars.
        """
        predicted, variance_fraction = output.float().chunk(2, dim=1)
        mse = (predicted - noise).square().mean()

        log_min, log_max = at(self.log_posterior_variance, t), at(self.log_beta, t)
        fraction = (variance_fraction + 1) / 2
        log_variance = fraction * log_max + (1 - fraction) * log_min
        estimate = (noisy - at(self.noise, t) * predicted.detach()) / at(self.signal, t)
        mean = self._posterior_mean(estimate, noisy, t)
        true_mean = self._posterior_mean(clean, noisy, t)

        divergence = 0.5 * (
            log_variance
            - log_min
            - 1
            + torch.exp(log_min - log_variance)
            + (true_mean - mean).square() * torch.exp(-log_variance)
        )
        likelihood = 0.5 * (
            log_variance
            + (clean - mean).square() * torch.exp(-log_variance)
            + math.log(2 * math.pi)
        )
        bound = torch.where((t == 0)[:, None, None, None], likelihood, divergence)
        bits = bound.mean(dim=(1, 2, 3)) / math.log(2)
        return mse + bound_weight * bits.clamp(max=10).mean(), mse

    def _posterior_mean(
        self, clean: torch.Tensor, noisy: torch.Tensor, t: torch.Tensor
    ) -> torch.Tensor:
        return at(self.posterior_clean, t) * clean + at(self.posterior_noisy, t) * noisy


def at(table: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Values of a per-step table [1000] at t [B], shaped [B, 1, 1, 1]."""
    return table[t][:, None, None, None]


@torch.no_grad()
def noise_error(
    model: Denoiser,
    diffusion: Diffusion,
    latents: torch.Tensor,
    labels: torch.Tensor,
    timesteps: int = 20,
    seed: int = 0,
) -> float:
    """Mean squared error of the predicted noise over an even grid of timesteps and fixed noise.

    @param latents [B, 4, 16, 16] clean and scaled.
    """
    generator = torch.Generator().manual_seed(seed)
    spacing = STEPS // timesteps
    total = 0.0
    for step in range(spacing // 2, STEPS, spacing):
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        t = torch.full((len(latents),), step, device=latents.device)
        output = model(diffusion.add_noise(latents, t, noise), t, labels)
        total += (output[:, :4].float() - noise).square().mean().item()
    return total / timesteps


@torch.no_grad()
def sample_ddim(
    model: Denoiser,
    diffusion: Diffusion,
    labels: torch.Tensor,
    null_class: int,
    guidance: float,
    steps: int = 50,
    seed: int = 0,
) -> torch.Tensor:
    """DDIM (eta 0) with classifier-free guidance on all four channels; latents [B, 4, 16, 16]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(labels), 4, 16, 16, generator=generator).to(labels.device)
    both_labels = torch.cat([labels, torch.full_like(labels, null_class)])
    timesteps = np.linspace(0, STEPS - 1, steps).round().astype(int)[::-1]
    for step, timestep in enumerate(timesteps):
        t = torch.full((len(both_labels),), int(timestep), device=labels.device)
        conditional, unconditional = model(torch.cat([x, x]), t, both_labels)[:, :4].chunk(2)
        noise = unconditional + guidance * (conditional - unconditional)
        clean = (x - diffusion.noise[timestep] * noise) / diffusion.signal[timestep]
        if step + 1 == steps:
            return clean
        following = timesteps[step + 1]
        x = diffusion.signal[following] * clean + diffusion.noise[following] * noise
    return x
