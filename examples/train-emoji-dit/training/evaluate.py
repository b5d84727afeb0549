"""Measures a trained model: reconstruction, noise-prediction error, and samples to look at.

    python evaluate.py --data ../prepared --model ../../../packages/emoji-dit/weights --out ../out
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from checkpoint import DIT_FILES, load_autoencoder, load_dit, read_config
from diffusion import Diffusion
from dit import DiTConfig
from emoji_data import load_emoji_images, save_grid
from evaluation import Evaluator
from latents import encode_images
from train_vae import psnr, reconstruct

# Root mean square difference of thumbnails under which a sample counts as a copy.
COPY_DISTANCE = 0.03


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared shards")
    parser.add_argument("--model", type=Path, required=True, help="folder of weights and config")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sample grids")
    parser.add_argument("--training-images", type=int, default=2048)
    parser.add_argument("--guidance", type=float, nargs="*", default=[2.0, 3.0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device)
    config = read_config(options.model / "config.json")
    images = load_emoji_images(options.data)
    autoencoder = load_autoencoder(options.model / "vae.safetensors", device)
    files = [options.model / name for name in DIT_FILES]
    model = load_dit(files, DiTConfig(num_classes=len(images.classes)), device).eval()

    pictures, decoded = reconstruct(autoencoder, images, device)
    print(f"held-out PSNR of the autoencoder {psnr(decoded, pictures):.2f} dB")

    posteriors = encode_images(autoencoder, images, config["scaling_factor"], device)
    evaluator = Evaluator(images, autoencoder, posteriors, Diffusion(device))
    for name, error in evaluator.noise_mse(model, options.training_images).items():
        print(f"noise MSE on {name.replace('_', '-')} pictures {error:.5f}")

    for guidance in options.guidance:
        path = options.out / f"samples-guidance-{guidance:g}.png"
        samples = evaluator.draw_samples(model, guidance)
        save_grid(samples, 16, path)
        distances = evaluator.distances_to_training(samples)
        copies = (distances < COPY_DISTANCE).float().mean().item()
        print(
            f"samples at guidance {guidance:g}: mean distance to the nearest training picture "
            f"{distances.mean().item():.4f}, {copies:.1%} below {COPY_DISTANCE}; {path}"
        )


if __name__ == "__main__":
    main()
