"""Times the official PyTorch code on the CPU: one forward and one SDT iteration of a DiT of emoji-dit's size.

    python bench_torch.py HarmoniCa

12 blocks of width 256 with 4 heads, 64 tokens, random weights. Prints medians in milliseconds. The SDT iteration is
timed with all weights frozen, and as the official training leaves them, where backward also computes the gradient of
every network weight, which nothing reads.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from golden_cases import GUIDANCE, PROXY_WEIGHTS, ROUTED_STEPS, STE_THRESHOLD, Trainer
from official import load_official

CONFIG = dict(
    input_size=16, patch_size=2, in_channels=4, hidden_size=256, depth=12, num_heads=4, num_classes=90, learn_sigma=True
)
STEP = ROUTED_STEPS // 2


def median_ms(run, repeats: int) -> float:
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def random_batch(batch: int):
    half = torch.randn(batch // 2, CONFIG["in_channels"], CONFIG["input_size"], CONFIG["input_size"])
    labels = torch.randint(0, CONFIG["num_classes"], (batch // 2,))
    return torch.cat([half, half]), torch.cat([labels, torch.full_like(labels, CONFIG["num_classes"])])


def forward_ms(official, batch: int, repeats: int) -> float:
    model = official.plain.DiT(**CONFIG).eval()
    x, y = random_batch(batch)
    with torch.no_grad():
        return median_ms(lambda: model(x, torch.full((batch,), 500), y), repeats)


def iteration_ms(official, batch: int, repeats: int, frozen: bool) -> float:
    model = official.routed.DiT(**CONFIG).eval().requires_grad_(not frozen)
    diffusion = official.create_diffusion(str(ROUTED_STEPS))
    model.add_router(ROUTED_STEPS, diffusion.timestep_map)
    x, y = random_batch(batch)
    kwargs = dict(y=y, cfg_scale=GUIDANCE, thres=STE_THRESHOLD)
    trainer = Trainer(model, diffusion, penalty=7e-8)
    with torch.no_grad():
        model(x, torch.full((batch,), diffusion.timestep_map[-1]), **kwargs)
    index = torch.full((batch,), STEP)
    return median_ms(lambda: trainer.iteration(x, index, kwargs, PROXY_WEIGHTS[STEP - 1]), repeats)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="folder of a HarmoniCa checkout")
    parser.add_argument("--commit", help="its commit, if it is not a git repository")
    parser.add_argument("--batch", type=int, default=32, help="samples in a batch, both halves (default 32)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs after one that is not (default 5)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    official = load_official(args.checkout, args.commit)
    print(f"torch {torch.__version__}, {args.threads} threads, batch {args.batch}, median of {args.repeats}")
    forward = forward_ms(official, args.batch, args.repeats)
    print(f"forward                          {forward:8.1f} ms")
    for name, frozen in (("SDT iteration, frozen weights  ", True), ("SDT iteration, official weights", False)):
        iteration = iteration_ms(official, args.batch, args.repeats, frozen)
        print(f"{name}  {iteration:8.1f} ms  ({iteration / forward:.2f} forwards)")


if __name__ == "__main__":
    main()
