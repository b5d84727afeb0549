"""Trains the autoencoder on the prepared emoji and measures its reconstruction.

    python train_vae.py --data ../prepared --seconds 300 --out ../out/vae

Written to `--out`: `vae.safetensors` (float16, EMA), `config.json` (classes, scaling factor,
held-out PSNR), `reconstructions.png` (pairs of picture and reconstruction) and `train.log`.
"""

from __future__ import annotations

import argparse
import copy
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from autoencoder import BLOCK_CHANNELS, LATENT_CHANNELS, NORM_GROUPS, AutoencoderKL
from checkpoint import save_half, write_config
from emoji_data import HELD_OUT_IMAGES, EmojiImages, load_emoji_images, save_grid, to_unit_range
from latents import encode_images
from run import Budget, RunLog

KL_WEIGHT = 1e-6
MINIMUM_LEARNING_RATE = 1e-5
EMA_DECAY, YOUNG_EMA_DECAY, YOUNG_STEPS = 0.998, 0.95, 1000


def reconstruction_loss(autoencoder: AutoencoderKL, images: torch.Tensor) -> torch.Tensor:
    """L1 + L2 of the pixels, L1 of the edges at two scales, and a slight pull to N(0, 1).

    @param images [B, 3, H, W] in -1..1.
    """
    mean, log_variance = autoencoder.encode(images)
    latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    decoded, target = autoencoder.decode(latents).float(), images.float()
    pixels = (decoded - target).abs().mean() + (decoded - target).square().mean()
    edges = edge_error(decoded, target)
    edges = edges + edge_error(F.avg_pool2d(decoded, 2), F.avg_pool2d(target, 2))
    mean, log_variance = mean.float(), log_variance.float()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return pixels + edges + KL_WEIGHT * divergence.sum(dim=(1, 2, 3)).mean()


def edge_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the horizontal and of the vertical pixel differences."""
    return sum((a.diff(dim=axis) - b.diff(dim=axis)).abs().mean() for axis in (2, 3))


def draw_batch(
    pixels: torch.Tensor, mirrorable: torch.Tensor, weights: torch.Tensor, count: int
) -> torch.Tensor:
    """[count, 3, H, W] in -1..1, drawn by weight, mirrored at random where allowed."""
    rows = torch.multinomial(weights, count, replacement=True)
    images = to_unit_range(pixels[rows])
    mirrored = (torch.rand(count, device=pixels.device) < 0.5) & mirrorable[rows]
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return images.contiguous(memory_format=torch.channels_last)


def learning_rate_at(step: int, fraction: float, peak: float, warmup_steps: int = 300) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * fraction))
    return peak * min(1.0, (step + 1) / warmup_steps) * cosine + MINIMUM_LEARNING_RATE


def optimize(
    options: argparse.Namespace, images: EmojiImages, device: torch.device, log: RunLog
) -> AutoencoderKL:
    """Trains on all but the held-out pictures; returns the average of the weights."""
    training_rows, _ = images.split()
    pixels = images.pixels[training_rows].to(device)
    mirrorable = images.may_flip()[images.labels[training_rows]].to(device)
    weights = images.sampling_weights()[training_rows].to(device)

    autoencoder = AutoencoderKL().to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(autoencoder).eval().requires_grad_(False)
    parameters, averaged = list(autoencoder.parameters()), list(average.parameters())
    log.line(f"{sum(p.numel() for p in parameters) / 1e6:.2f} M parameters")
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=1e-4)
    loss_of = torch.compile(reconstruction_loss) if options.compile else reconstruction_loss

    budget, step = Budget(options.steps, options.seconds), 0
    while (fraction := budget.fraction(step)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, fraction, options.learning_rate)
        batch = draw_batch(pixels, mirrorable, weights, options.batch_size)
        with torch.autocast(device.type, torch.bfloat16):
            loss = loss_of(autoencoder, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        decay = EMA_DECAY if step > YOUNG_STEPS else YOUNG_EMA_DECAY
        with torch.no_grad():
            torch._foreach_lerp_(averaged, parameters, 1 - decay)
        if step % options.log_every == 0:
            if not math.isfinite(loss.item()):
                raise FloatingPointError(f"the loss is not finite at step {step}")
            log.line(f"step {step} loss {loss.item():.4f}")
    log.line(f"steps {step}")
    return average


@torch.no_grad()
def reconstruct(
    autoencoder: AutoencoderKL, images: EmojiImages, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The held-out pictures and their reconstructions, each [256, 3, 128, 128] in -1..1."""
    _, held_out_rows = images.split()
    pictures = to_unit_range(images.pixels[held_out_rows]).to(device)
    decoded = [autoencoder.decode(autoencoder.encode(part)[0]) for part in pictures.split(64)]
    return pictures, torch.cat(decoded).clamp(-1, 1)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mean over the images of the peak signal-to-noise ratio in dB, for values in -1..1."""
    return (10 * torch.log10(4 / (a - b).square().mean(dim=(1, 2, 3)))).mean().item()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared shards")
    parser.add_argument("--out", type=Path, required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=float, help="wall-clock time of the optimisation")
    length.add_argument("--steps", type=int, help="optimizer steps")
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="peak")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=500, help="steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--compile", action=switch, default=torch.cuda.is_available())
    return parser.parse_args()


def train(options: argparse.Namespace, log: RunLog) -> None:
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    images = load_emoji_images(options.data)
    log.line(f"data {tuple(images.pixels.shape)} classes {len(images.classes)}")
    autoencoder = optimize(options, images, device, log)

    pictures, decoded = reconstruct(autoencoder, images, device)
    held_out_psnr = psnr(decoded, pictures)
    log.line(f"held-out PSNR {held_out_psnr:.2f} dB")
    pairs = torch.stack([pictures[:32], decoded[:32]], dim=1).flatten(0, 1)
    save_grid(pairs, 16, options.out / "reconstructions.png")

    posteriors = encode_images(autoencoder, images, 1.0, device)
    means = posteriors.values[: posteriors.images, :LATENT_CHANNELS]
    config = {
        "classes": images.classes,
        "counts": images.counts,
        "images": len(images.labels),
        "held_out_images": HELD_OUT_IMAGES,
        "scaling_factor": 1 / means.std().item(),
        "vae": {
            "block_out_channels": list(BLOCK_CHANNELS),
            "norm_num_groups": NORM_GROUPS,
            "latent_channels": LATENT_CHANNELS,
            "held_out_psnr": round(held_out_psnr, 2),
        },
    }
    save_half(autoencoder.state_dict(), options.out / "vae.safetensors")
    write_config(config, options.out / "config.json")
    log.line("done")


def main() -> None:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with RunLog(options.out / "train.log") as log:
        train(options, log)


if __name__ == "__main__":
    main()
