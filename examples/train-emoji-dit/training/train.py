"""Trains the diffusion transformer on the autoencoder's latents of the prepared emoji.

    python train.py --data ../prepared --model ../out/vae --seconds 1800 --out ../out/dit
    python train.py … --initial dit-1.safetensors dit-2.safetensors --learning-rate 5e-4

`--model` holds `vae.safetensors` and the `config.json` that `train_vae.py` wrote. The transformer
starts from the `--initial` files, or from scratch without them. Written to `--out`: one folder
`ema-<decay>` per EMA decay with the float16 weights and their `config.json`, sample grids and
`train.log`.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch

from checkpoint import load_autoencoder, load_dit, read_config, save_dit, write_config
from diffusion import Diffusion
from dit import DiT, DiTConfig
from emoji_data import load_emoji_images, save_grid
from evaluation import Evaluator
from latents import encode_images
from run import Budget, RunLog
from trainer import Averages, BatchSource, Trainer

GUIDANCE_SCALES = (2.0, 3.0)
# Steps that may be queued on the device ahead of the clock that sets the learning rate.
SYNCHRONIZE_EVERY = 16


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared shards")
    parser.add_argument("--model", type=Path, required=True, help="vae.safetensors, config.json")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--initial", type=Path, nargs="*", default=[], help="weights to start from")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=float, help="wall-clock time of the optimisation")
    length.add_argument("--steps", type=int, help="optimizer steps")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="peak")
    parser.add_argument("--warmup-steps", type=int, default=1000)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--label-dropout", type=float, default=0.1)
    parser.add_argument("--ema-decays", type=float, nargs="+", default=[0.9995, 0.9999])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=1000, help="steps")
    parser.add_argument("--evaluate-every", type=int, default=5000, help="steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--compile", action=switch, default=torch.cuda.is_available())
    parser.add_argument("--cuda-graph", action=switch, default=torch.cuda.is_available())
    return parser.parse_args()


def learning_rate_at(step: int, fraction: float, peak: float, warmup_steps: int) -> float:
    """Linear warm-up, then a cosine to zero; `fraction` is the part of the budget used, 0..1."""
    return peak * min(1.0, (step + 1) / warmup_steps) * 0.5 * (1 + math.cos(math.pi * fraction))


def train(options: argparse.Namespace, log: RunLog) -> None:
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    config = read_config(options.model / "config.json")
    images = load_emoji_images(options.data)
    if images.classes != config["classes"]:
        raise ValueError("the prepared data and config.json list different classes")
    log.line(f"data {tuple(images.pixels.shape)} classes {len(images.classes)}")

    autoencoder = load_autoencoder(options.model / "vae.safetensors", device)
    posteriors = encode_images(autoencoder, images, config["scaling_factor"], device)
    log.line(f"encoded {posteriors.images} pictures and their mirror images")

    diffusion, dit_config = Diffusion(device), DiTConfig(num_classes=len(images.classes))
    evaluator = Evaluator(images, autoencoder, posteriors, diffusion)
    source = BatchSource(
        posteriors,
        images.labels.to(device),
        images.may_flip().to(device),
        images.training_weights().to(device),
    )
    if options.initial:
        model = load_dit(options.initial, dit_config, device)
        log.line(f"initial {evaluator.noise_mse(model)}")
        draw_samples(evaluator, model, options.out, "initial")
    else:
        model = DiT(dit_config).to(device)

    averages = Averages(model, options.ema_decays)
    trainer = Trainer(model, diffusion, source, options)
    steps = optimize(trainer, averages, evaluator, options, log)

    if options.initial:
        steps += config.get("dit", {}).get("steps", 0)
    for decay, average in averages.models.items():
        folder = options.out / f"ema-{decay}"
        save_dit(average, folder)
        measured = evaluator.noise_mse(average)
        log.line(f"final ema {decay} {measured}")
        draw_samples(evaluator, average, options.out, f"ema-{decay}")
        description = {
            **dit_config.describe(),
            "steps": steps,
            "batch": options.batch_size,
            "ema_decay": decay,
            "noise_mse": measured,
        }
        write_config({**config, "dit": description}, folder / "config.json")
    log.line("done")


def optimize(
    trainer: Trainer,
    averages: Averages,
    evaluator: Evaluator,
    options: argparse.Namespace,
    log: RunLog,
) -> int:
    """Runs the whole budget, logging, evaluating and saving on the way; returns its steps."""
    step_flops = 3 * trainer.model.config.forward_flops * options.batch_size
    parameters = sum(p.numel() for p in trainer.model.parameters()) / 1e6
    log.line(f"{parameters:.2f} M parameters, {step_flops / 1e12:.2f} TFLOP a step")
    trainer.warm_up()
    log.line("step is ready")

    budget = Budget(options.steps, options.seconds)
    step, logged_at = 0, time.monotonic()
    while (fraction := budget.fraction(step)) < 1:
        rate = learning_rate_at(step, fraction, options.learning_rate, options.warmup_steps)
        trainer.set_learning_rate(rate)
        trainer.step()
        step += 1
        averages.update(step)
        if step % SYNCHRONIZE_EVERY == 0:
            trainer.synchronize()
        if step % options.log_every == 0:
            mse = trainer.running_mse.item()
            if not math.isfinite(mse):
                raise FloatingPointError(f"the loss is not finite at step {step}")
            seconds, logged_at = time.monotonic() - logged_at, time.monotonic()
            speed = step_flops * options.log_every / seconds / 1e12
            log.line(f"step {step} mse {mse:.4f} lr {rate:.6f} {speed:.0f} TFLOP/s")
        if step % options.evaluate_every == 0:
            for decay, average in averages.models.items():
                log.line(f"step {step} ema {decay} {evaluator.noise_mse(average, 256)}")
                save_dit(average, options.out / f"ema-{decay}")
    log.line(f"steps {step}")
    return step


def draw_samples(evaluator: Evaluator, model: DiT, folder: Path, name: str) -> None:
    for guidance in GUIDANCE_SCALES:
        path = folder / f"samples-{name}-guidance-{guidance:g}.png"
        save_grid(evaluator.draw_samples(model, guidance), 16, path)


def main() -> None:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with RunLog(options.out / "train.log") as log:
        train(options, log)


if __name__ == "__main__":
    main()
