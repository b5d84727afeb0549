"""Makes ../goldens/l2c.safetensors by running the official Learning-to-Cache code on the small DiT, on the CPU.

    git clone https://github.com/horseee/learning-to-cache
    pip install torch torchvision timm diffusers safetensors
    python make_l2c_golden.py learning-to-cache/DiT
    npx biome check --write ../goldens/manifest.json

The parameters are those that make_goldens.py wrote; float32, float64 and the manifest's entry are as there.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file

from golden_cases import ROUTED_STEPS, initial_logits, load_routed, logits_of
from make_goldens import LOOP_TOLERANCE, Golden, write_golden
from official import Official, load_official, precision, replayed_noise
from small_dit import BRANCHES, CONFIG, LATENT, NULL_LABEL, executed_timesteps, generator

LEARNING_RATE = 1e-3
PENALTY = 2e-4
BATCH = 4
# Step of the plan that each iteration trains, in order of execution: the first twice, so that AdamW remembers.
STEPS = (1, 5, 1, 9)
# Their random draws are for conditions dropped with probability 0.1; this seed drops one of the sixteen.
DROPOUT_SEED = 1
MEANINGS = {
    "timesteps": "[10] model time of each step, in order of execution",
    "step": "[iterations] the step that is trained; the one before it computes everything",
    "labels": "[iterations, 4] class of each image; 10 where it was dropped",
    "latents": "[iterations, 4, 4, 8, 8] NCHW: x0, latents that stand for images",
    "noise": "[iterations, 4, 4, 8, 8] NCHW: standard normal",
    "x": "[iterations, 2, 4, 4, 8, 8] NCHW: the noised latents, and what DDIM makes of them in the first step",
    "teacher": "[iterations, 4, 8, 8, 8] NCHW: output of the second step with every branch computed",
    "student": "[iterations, 4, 8, 8, 8] NCHW: output of the second step with branches blended with those of the first",
    "logits": "[iterations + 1, 10, 6] all logits [step, branch] before training and after each iteration",
    "dataLoss": "[iterations] mean squared difference of teacher and student",
    "scoreSum": "[iterations] sum of the step's six scores before the update",
    "loss": "[iterations] dataLoss + l1 * scoreSum",
    "gradient": "[iterations, 6] derivative of loss by each logit of the step's router, before the update",
}


def run_l2c(official: Official, weights: dict, dtype: torch.dtype) -> dict:
    """Drives the official model and losses as the official training loop does, in one process."""
    diffusion = official.create_diffusion(str(ROUTED_STEPS))
    start = initial_logits().to(dtype)
    start[0::2] = 5.0
    start[5, 3] = 4.9995
    model = load_routed(official, weights, start, diffusion, dtype)
    optimizer = torch.optim.AdamW(model.routers.parameters(), lr=LEARNING_RATE, weight_decay=0)
    rng = generator("l2c")
    latents = torch.randn(len(STEPS), BATCH, *LATENT, generator=rng).to(dtype)
    noise = torch.randn(len(STEPS), BATCH, *LATENT, generator=rng).to(dtype)
    labels = torch.randint(0, CONFIG["num_classes"], (len(STEPS), BATCH), generator=rng)
    calls = []
    model.register_forward_pre_hook(lambda _, inputs: calls.append([inputs[0]]))
    model.register_forward_hook(lambda _, __, output: calls[-1].append(output))
    torch.manual_seed(DROPOUT_SEED)
    records = []
    for i, step in enumerate(STEPS):
        index = ROUTED_STEPS - 1 - step
        calls.clear()
        before = torch.get_rng_state()
        dropped = torch.rand(BATCH) < 0.1
        torch.set_rng_state(before)
        with replayed_noise([noise[i], torch.zeros_like(noise[i])]):
            terms = diffusion.router_training_losses(
                model, latents[i], torch.full((BATCH,), index + 1), dict(y=labels[i], thres=None)
            )
        data_loss, score_sum = terms["mse"].mean(), terms["l1_loss"].mean()
        loss = data_loss + PENALTY * score_sum
        optimizer.zero_grad()
        loss.backward()
        gradient = model.routers[index].prob.grad.clone()
        optimizer.step()
        with torch.no_grad():
            for router in model.routers:
                router.prob.clamp_(-5, 5)
        model.reset()
        (noised, _), (following, teacher), (_, (student, _)) = calls
        records.append(
            dict(
                labels=torch.where(dropped, NULL_LABEL, labels[i]).int(),
                x=torch.stack([noised, following]),
                teacher=teacher,
                student=student.detach(),
                logits=logits_of(model),
                dataLoss=data_loss.detach(),
                scoreSum=score_sum.detach(),
                loss=loss.detach(),
                gradient=gradient,
            )
        )
    results = {name: torch.stack([record[name] for record in records]) for name in records[0]}
    return dict(
        results,
        timesteps=executed_timesteps(diffusion),
        step=torch.tensor(STEPS, dtype=torch.int32),
        latents=latents,
        noise=noise,
        logits=torch.cat([start[None], results["logits"]]),
    )


def check(single: dict, double: dict):
    """The fixture must see what it is for."""
    assert (double["labels"] == NULL_LABEL).sum() == 1, "one condition should be dropped"
    assert double["logits"][2, 5, 3] == 5, "no logit reached the clamp"
    assert double["gradient"].shape == (len(STEPS), BRANCHES)
    error = (single["gradient"].double() - double["gradient"]).abs()
    assert (error < 0.05 * double["gradient"].abs()).all(), "a gradient is lost in rounding"
    share = (PENALTY * double["scoreSum"] / double["loss"]).max()
    assert share > 0.05, f"the penalty does not matter: {share:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="folder DiT of a learning-to-cache checkout")
    parser.add_argument("--commit", help="its commit, if it is not a git repository")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "goldens")
    args = parser.parse_args()
    torch.set_num_threads(1)
    official = load_official(args.checkout, args.commit, has_lambda=False)
    weights = load_file(args.output / "dit.safetensors")
    results = []
    for dtype in (torch.float32, torch.float64):
        with precision(official, dtype):
            results.append(run_l2c(official, weights, dtype))
    check(*results)
    golden = Golden(
        "l2c",
        "Four training iterations of Learning-to-Cache. A router's AdamW state advances only in its step.",
        LOOP_TOLERANCE,
        MEANINGS,
        *results,
        keep64=("dataLoss", "scoreSum", "loss", "gradient", "logits"),
        settings=dict(
            steps=ROUTED_STEPS,
            l1=PENALTY,
            learningRate=LEARNING_RATE,
            dropout=0.1,
            adamW=dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weightDecay=0),
            clamp=[-5, 5],
            model="models/router_models.py",
        ),
    )
    entry = write_golden(args.output, golden)
    entry["upstream"] = dict(repository="https://github.com/horseee/learning-to-cache", commit=official.commit)
    path = args.output / "manifest.json"
    manifest = json.loads(path.read_text())
    used = {name: version(name) for name in ("torch", "timm", "numpy", "safetensors")}
    assert used.items() <= manifest["versions"].items(), f"{used}: the other goldens were made with {manifest['versions']}"
    manifest["goldens"]["l2c"] = entry
    path.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
