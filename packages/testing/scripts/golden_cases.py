"""The golden cases: each `run_...` computes one with the official code in a given precision.

Results are indexed by step in order of execution: step 0 is the noisiest, where the official code counts down.
"""

import argparse
import contextlib
import io
from pathlib import Path

import torch

from official import Official, replayed_noise
from small_dit import (
    BRANCHES,
    CONFIG,
    LATENT,
    captured_input,
    captured_output,
    conditional,
    doubled,
    executed_timesteps,
    generator,
    labels_of,
    load_model,
)

GUIDANCE = 1.5
LABELS = (3, 7)
FORWARD_TIMES = (0, 1, 500, 999)
BRANCH_TIME = 500
LOOP_STEPS = 20
ROUTED_STEPS = 10
STE_THRESHOLD = 0.1
LEARNING_RATE = 0.01
TRAJECTORIES = 2
# Fixed proxy weights of the training cases for steps 1..9: small, large in the middle, small, as they are in practice.
PROXY_WEIGHTS = (0.002, 0.004, 0.01, 0.03, 0.08, 0.05, 0.02, 0.005, 0.0005)


# --- forward --------------------------------------------------------------------------------------------------------


@torch.no_grad()
def run_forward(official: Official, weights: dict, dtype: torch.dtype) -> dict:
    x = doubled(torch.randn(len(LABELS), *LATENT, generator=generator("forward"))).to(dtype)
    y = labels_of(LABELS)
    model = load_model(official.plain, weights, dtype)
    taps = [captured_output(part) for block in model.blocks for part in (block.attn, block.mlp)]
    block_inputs = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: block_inputs.append(inputs))
    last_tokens = captured_input(model.final_layer)
    results = dict(x=x, labels=y.int(), times=torch.tensor(FORWARD_TIMES, dtype=torch.int32))
    raw, guided = [], []
    for time in FORWARD_TIMES:
        t = torch.full((len(x),), time)
        raw.append(model(x, t, y))
        guided.append(model.forward_with_cfg(x, t, y, GUIDANCE))
        if time == BRANCH_TIME:
            results["tokens.first"], results["conditioning"] = block_inputs[-1]
            results["branches"] = torch.stack([tap() for tap in taps])
            results["tokens.last"] = last_tokens()
    return dict(results, raw=torch.stack(raw), guided=torch.stack(guided))


# --- uncached sampling ----------------------------------------------------------------------------------------------


def recorded_loop(loop, model, start: torch.Tensor, labels) -> dict:
    """Runs an official progressive sampling loop with guidance; keeps the conditional half of everything."""
    outputs = []

    def recording(x, t, **kwargs):
        outputs.append(model.forward_with_cfg(x, t, **kwargs))
        return outputs[-1]

    kwargs = dict(y=labels_of(labels), cfg_scale=GUIDANCE)
    batch = doubled(start)
    steps = loop(recording, batch.shape, batch, clip_denoised=False, model_kwargs=kwargs, device="cpu")
    latents = [conditional(step["sample"]) for step in steps]
    return {
        "latents": torch.stack([start, *latents]),
        "modelOutputs": torch.stack([conditional(output) for output in outputs]),
    }


def sampling_inputs(seed: str, dtype: torch.dtype):
    rng = generator(seed)
    start = torch.randn(len(LABELS), *LATENT, generator=rng)
    noise = torch.randn(LOOP_STEPS, 2 * len(LABELS), *LATENT, generator=rng)
    return start.to(dtype), noise.to(dtype)


@torch.no_grad()
def run_ddim(official: Official, weights: dict, dtype: torch.dtype) -> dict:
    start, _ = sampling_inputs("ddim", dtype)
    diffusion = official.create_diffusion(str(LOOP_STEPS))
    model = load_model(official.plain, weights, dtype)
    loop = recorded_loop(diffusion.ddim_sample_loop_progressive, model, start, LABELS)
    return dict(loop, labels=labels_of(LABELS).int(), timesteps=executed_timesteps(diffusion))


@torch.no_grad()
def run_iddpm(official: Official, weights: dict, dtype: torch.dtype) -> dict:
    start, noise = sampling_inputs("iddpm", dtype)
    diffusion = official.create_diffusion(str(LOOP_STEPS))
    model = load_model(official.plain, weights, dtype)
    with replayed_noise(noise):
        loop = recorded_loop(diffusion.p_sample_loop_progressive, model, start, LABELS)
    kept = torch.stack([conditional(entry) for entry in noise])
    return dict(loop, noise=kept, labels=labels_of(LABELS).int(), timesteps=executed_timesteps(diffusion))


# --- routers --------------------------------------------------------------------------------------------------------


def initial_logits() -> torch.Tensor:
    """`[steps, branches]` in order of execution: scores on both sides of the threshold, two at the clamp."""
    logits = 2 * torch.randn(ROUTED_STEPS, BRANCHES, generator=generator("logits"))
    logits.clamp_(-4.8, 4.8)[0] = 5.0
    logits[5, 3], logits[9, 3] = 4.996, -4.996
    return logits


def load_routed(official: Official, weights: dict, logits: torch.Tensor, diffusion, dtype: torch.dtype):
    model = load_model(
        official.routed, weights, dtype, lambda model: model.add_router(ROUTED_STEPS, diffusion.timestep_map)
    )
    for router, row in zip(model.routers, logits.flip(0)):
        router.prob.data.copy_(row)
    return model


def logits_of(model) -> torch.Tensor:
    return torch.stack([router.prob.detach().clone() for router in model.routers]).flip(0)


def cache_of(model) -> torch.Tensor:
    """`[branches, B, tokens, width]`."""
    return torch.stack([output for block in model.reuse_feature for output in block])


# --- step-wise denoising training -----------------------------------------------------------------------------------


def training_inputs():
    rng = generator("sdt")
    labels = torch.randint(0, CONFIG["num_classes"], (TRAJECTORIES, len(LABELS)), generator=rng)
    return labels, torch.randn(TRAJECTORIES, len(LABELS), *LATENT, generator=rng)


class Trainer:
    """Drives the official model and diffusion as the official training loop does, in one process with given lambda.

    Unlike the official loop the cache is emptied between trajectories.
    """

    def __init__(self, model, diffusion, penalty: float):
        self.model, self.diffusion, self.penalty = model, diffusion, penalty
        self.optimizer = torch.optim.AdamW(model.routers.parameters(), lr=LEARNING_RATE, weight_decay=0)

    def trajectory(self, noise: torch.Tensor, labels):
        """Yields one record for the first, plain step and one for each training iteration after it."""
        self.model.reset()
        kwargs = dict(y=labels_of(labels), cfg_scale=GUIDANCE, thres=STE_THRESHOLD)
        indices = [torch.full((2 * len(labels),), i) for i in reversed(range(ROUTED_STEPS))]
        with torch.no_grad():
            x = self.diffusion.ddim_sample(
                self.model, doubled(noise), indices[0], clip_denoised=False, model_kwargs=kwargs
            )["sample"]
        yield dict(x=x, cache=cache_of(self.model))
        for index, proxy_weight in zip(indices[1:], PROXY_WEIGHTS):
            record = self.iteration(x, index, kwargs, proxy_weight)
            x = record["x"]
            yield dict(record, cache=cache_of(self.model), logits=logits_of(self.model))

    def iteration(self, x, index, kwargs, proxy_weight) -> dict:
        """One update at the official step `index`, `[batch]`: teacher, student, loss, AdamW, clamp, next latent."""
        time = torch.tensor(self.diffusion.timestep_map)[index]
        teacher = self.model(x, time, **kwargs, fix_reuse_feature=True)
        student, score_sum = self.model(x, time, **kwargs, activate_router=True)
        data_loss = ((teacher - student) ** 2).mean()
        loss = data_loss * proxy_weight + self.penalty * score_sum
        self.optimizer.zero_grad()
        loss.backward()
        gradient = self.model.routers[int(index[0])].prob.grad.clone()
        self.optimizer.step()
        with torch.no_grad():
            for router in self.model.routers:
                router.prob.clamp_(-5, 5)
        following = self.diffusion.distillation_post_process(student, x, index, clip_denoised=False)["sample"]
        return dict(
            x=following.detach(),
            teacher=teacher.detach(),
            student=student.detach(),
            dataLoss=data_loss.detach(),
            scoreSum=score_sum.detach(),
            loss=loss.detach(),
            gradient=gradient,
        )


def run_sdt(official: Official, weights: dict, dtype: torch.dtype, penalty: float, brief: bool):
    """The records of all trajectories, and the trainer. `brief` leaves out what fills the file."""
    diffusion = official.create_diffusion(str(ROUTED_STEPS))
    start = initial_logits().to(dtype)
    trainer = Trainer(load_routed(official, weights, start, diffusion, dtype), diffusion, penalty)
    labels, noise = training_inputs()
    noise = noise.to(dtype)
    runs = [list(trainer.trajectory(z, y.tolist())) for z, y in zip(noise, labels)]

    def stacked(name, first=1, trajectories=TRAJECTORIES):
        return torch.stack([torch.stack([r[name] for r in run[first:]]) for run in runs[:trajectories]])

    results = {
        "labels": torch.stack([labels_of(y.tolist()) for y in labels]).int(),
        "timesteps": executed_timesteps(diffusion),
        "lambda": torch.tensor(PROXY_WEIGHTS, dtype=dtype),
        "x": torch.cat([torch.stack([doubled(z) for z in noise])[:, None], stacked("x", first=0)], dim=1),
        "logits": torch.cat([start[None], stacked("logits").flatten(0, 1)]),
        **{name: stacked(name) for name in ("dataLoss", "scoreSum", "loss", "gradient")},
        **{name: stacked(name, trajectories=1 if brief else TRAJECTORIES) for name in ("teacher", "student")},
    }
    if not brief:
        results["cache"] = stacked("cache", first=0, trajectories=1)[0]
    return results, trainer


def check_training(name: str, single: dict, double: dict):
    """The fixtures must see what they are for: caches kept and renewed, a clamp that acts, no sign left to rounding."""
    scores = torch.sigmoid(double["logits"][:, 1:])
    assert (scores < STE_THRESHOLD).any() and (scores > STE_THRESHOLD).any()
    assert ((scores - STE_THRESHOLD).abs() > 1e-3).all(), "a score sits on the threshold"
    assert (double["logits"][1:].abs() == 5).flatten(1)[:, BRANCHES:].any(), f"{name}: no logit reached the clamp"
    error = (single["gradient"].double() - double["gradient"]).abs()
    assert (error < 0.05 * double["gradient"].abs()).all(), f"{name}: a gradient is lost in rounding"


def save_router_checkpoint(path: Path, trainer: Trainer):
    """The official checkpoint layout: routers, optimizer state and the parsed arguments."""
    args = argparse.Namespace(
        model="small",
        num_sampling_steps=ROUTED_STEPS,
        cfg_scale=GUIDANCE,
        l1=trainer.penalty,
        lr=LEARNING_RATE,
        ste_threshold=STE_THRESHOLD,
        ckpt=None,
        wandb=False,
    )
    state = {"routers": trainer.model.routers.state_dict(), "opt": trainer.optimizer.state_dict(), "args": args}
    torch.save(state, path)


# --- proxy weights --------------------------------------------------------------------------------------------------


@torch.no_grad()
def run_proxy(official: Official, weights: dict, dtype: torch.dtype) -> dict:
    diffusion = official.create_diffusion(str(ROUTED_STEPS))
    start = initial_logits().to(dtype)
    model = load_routed(official, weights, start, diffusion, dtype)
    x = doubled(torch.randn(len(LABELS), *LATENT, generator=generator("proxy"))).to(dtype)
    kwargs = dict(y=labels_of(LABELS), cfg_scale=GUIDANCE, thres=STE_THRESHOLD, label_for_dropout=None)
    with contextlib.redirect_stderr(io.StringIO()):
        cumulative = official.get_lambda(model, x, 0, ROUTED_STEPS, "cpu", diffusion, dict(kwargs))
    routed = [torch.ones(BRANCHES, dtype=dtype), *torch.sigmoid(start[1:])]
    sample = masked_sample(model, diffusion, x, kwargs, routed)
    computed = torch.ones_like(routed[0])
    without = [
        masked_sample(model, diffusion, x, kwargs, [*routed[:step], computed, *routed[step + 1 :]])
        for step in range(1, ROUTED_STEPS)
    ]
    squares = (torch.stack(without) - sample).square()
    return {
        "x": x,
        "labels": labels_of(LABELS).int(),
        "timesteps": executed_timesteps(diffusion),
        "logits": start,
        "cumulative": torch.stack([cumulative[i] for i in reversed(range(ROUTED_STEPS - 1))]),
        "sample.computed": masked_sample(model, diffusion, x, kwargs, [computed for _ in routed]),
        "sample.routed": sample,
        "leaveOneOut.squaredNorm": squares.flatten(2).sum(2),
        "leaveOneOut.mean": squares.flatten(1).mean(1),
    }


def masked_sample(model, diffusion, x, kwargs, scores) -> torch.Tensor:
    """A DDIM sample with the given scores, `[branches]` for each executed step, instead of the routers' own."""
    model.lambda_gen, model.mask = True, list(reversed(scores))
    model.reset()
    kwargs = dict(kwargs, activate_router=True)
    sample = diffusion.ddim_sample_loop(model, x.shape, x, clip_denoised=False, model_kwargs=kwargs, device="cpu")
    del model.lambda_gen, model.mask
    return sample


# --- thresholded inference ------------------------------------------------------------------------------------------


@torch.no_grad()
def run_inference(official: Official, weights: dict, dtype: torch.dtype, checkpoint: Path) -> dict:
    diffusion = official.create_diffusion(str(ROUTED_STEPS))
    start = torch.randn(len(LABELS), *LATENT, generator=generator("inference")).to(dtype)
    results = dict(labels=labels_of(LABELS).int(), timesteps=executed_timesteps(diffusion))
    for threshold in (0.1, 0.5):

        def rank(model):
            with contextlib.redirect_stdout(io.StringIO()), torch.serialization.safe_globals([argparse.Namespace]):
                model.load_ranking(checkpoint, ROUTED_STEPS, diffusion.timestep_map, threshold)

        model = load_model(official.thresholded, weights, dtype, rank)
        loop = recorded_loop(diffusion.ddim_sample_loop_progressive, model, start, LABELS)
        results[f"latents.{threshold}"] = loop["latents"]
        results[f"modelOutputs.{threshold}"] = loop["modelOutputs"]
        results[f"computed.{threshold}"] = computed_branches(model.rank)
    return results


def computed_branches(rank) -> torch.Tensor:
    """`[steps, branches]` in order of execution, 1 where a branch ran. The first step finds no cache and runs all."""
    table = torch.zeros(len(rank), BRANCHES, dtype=torch.int32)
    for row, branches in zip(table, rank):
        row[branches.flatten()] = 1
    table = table.flip(0).contiguous()
    table[0] = 1
    return table
