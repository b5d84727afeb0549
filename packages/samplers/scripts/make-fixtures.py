"""Writes the JSON fixtures of src/__fixtures__ by running reference implementations in float64.

    python scripts/make-fixtures.py <checkout of https://github.com/facebookresearch/DiT>

Needs numpy, torch and diffusers; the versions that were used and the commit of the checkout are recorded in every
fixture. Betas, respacing, coefficients and trajectories come from the checkout's `diffusion` folder, velocity
prediction and the zero-terminal-SNR rescale from diffusers. Two things of the official code are replaced while it
runs: its gather function rounds coefficients to float32, here they stay float64; and its noise is a fixed table
instead of fresh random numbers.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from diffusers.schedulers import scheduling_ddpm
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr

CHECKOUT = Path(sys.argv[1]).resolve()
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
sys.path.insert(0, str(CHECKOUT))

from diffusion import create_diffusion, gaussian_diffusion  # noqa: E402
from diffusion.respace import space_timesteps  # noqa: E402

torch.set_default_dtype(torch.float64)

SCALED_LINEAR = {"beta_start": 0.00085, "beta_end": 0.012}
DENOISER = {
    "a": [0.7, -1.1, 0.35, 1.6],
    "b": [0.2, -0.5, 0.9, -0.05],
    "c": [-0.4, 0.8, 1.3, -0.6],
    "d": [0.6, 0.1, -0.7, 0.3],
}
LATENT = [0.3, -1.4, 2.1, -0.05]
WIDTH = len(LATENT)


def main():
    noise = np.round(np.random.default_rng(7).standard_normal((50, WIDTH)), 6)
    write("noise-schedules", {"cases": list(noise_schedules())})
    write("respacings", respacings())
    write("coefficients", {"cases": [coefficients(*case) for case in COEFFICIENT_CASES]})
    write(
        "trajectories",
        {
            "denoiser": DENOISER,
            "latent": LATENT,
            "noise": noise.tolist(),
            "cases": [official_trajectory(case, noise) for case in OFFICIAL_TRAJECTORIES]
            + [velocity_trajectory(case, noise) for case in VELOCITY_TRAJECTORIES],
        },
    )


# Noise schedules


def noise_schedules():
    named = gaussian_diffusion.get_named_beta_schedule
    for length in (1000, 250, 20):
        yield {"name": "linear", "length": length, "betas": named("linear", length).tolist()}
    for length in (1000, 20):
        betas = named("squaredcos_cap_v2", length).tolist()
        yield {"name": "squared-cosine", "length": length, "betas": betas}
    for length in (1000, 20):
        yield {"name": "scaled-linear", "length": length, "betas": scaled_linear(length).tolist()}
    rescaled = {"linear": named("linear", 50), "scaled-linear": scaled_linear(1000)}
    for name, betas in rescaled.items():
        terminal = zero_terminal(betas).tolist()
        yield {"name": name, "length": len(betas), "zeroTerminalSnr": True, "betas": terminal}


def scaled_linear(length):
    return gaussian_diffusion.get_beta_schedule(
        "quad", num_diffusion_timesteps=length, **SCALED_LINEAR
    )


def zero_terminal(betas):
    return rescale_zero_terminal_snr(torch.from_numpy(betas)).numpy()


# Respacing


def respacings():
    accepted = [
        *[(1000, str(steps)) for steps in (1, 2, 3, 10, 20, 21, 23, 50, 77, 250, 999)],
        *[(1000, f"ddim{steps}") for steps in (2, 10, 20, 25, 27, 50, 250, 1000)],
        *[(1000, sections) for sections in ("10,10,5", "5, 0,3", "1,1", "90,60,60,20,20")],
        (300, "10,15,20"),
        (1000, [10, 10, 5]),
        (1000, [13]),
        (7, "3,2"),
        (10, [1, 2, 3]),
    ]
    refused = [(1000, "1001"), (1000, "ddim1"), (1000, "ddim300"), (1000, "400,601")]
    return {
        "accepted": [
            {"length": length, "respacing": respacing, "timesteps": spaced(length, respacing)}
            for length, respacing in accepted
        ],
        "refused": [
            {"length": length, "respacing": respacing, "message": refusal(length, respacing)}
            for length, respacing in refused
        ],
    }


def spaced(length, respacing):
    return sorted(space_timesteps(length, respacing))


def refusal(length, respacing):
    try:
        space_timesteps(length, respacing)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{respacing} of {length} was expected to be refused")


# Coefficients

COEFFICIENT_CASES = [
    ("linear", 1000, "20"),
    ("linear", 1000, "ddim20"),
    ("linear", 1000, "10,10,5"),
    ("linear", 100, ""),
    ("squared-cosine", 1000, "20"),
]
OFFICIAL_NAMES = {"linear": "linear", "squared-cosine": "squaredcos_cap_v2"}


def coefficients(schedule, length, respacing):
    options = {
        "timestep_respacing": respacing,
        "noise_schedule": OFFICIAL_NAMES[schedule],
        "diffusion_steps": length,
    }
    diffusion = create_diffusion(**options)
    fixed_small = create_diffusion(
        **options, predict_xstart=True, learn_sigma=False, sigma_small=True
    )
    fixed_large = create_diffusion(**options, predict_xstart=True, learn_sigma=False)
    return {
        "schedule": schedule,
        "length": length,
        "respacing": respacing,
        "timesteps": diffusion.timestep_map,
        "betas": diffusion.betas.tolist(),
        "alphaBars": diffusion.alphas_cumprod.tolist(),
        "alphaBarsAfter": diffusion.alphas_cumprod_prev.tolist(),
        "epsilonToSample": {
            "x": diffusion.sqrt_recip_alphas_cumprod.tolist(),
            "model": (-diffusion.sqrt_recipm1_alphas_cumprod).tolist(),
        },
        "posterior": {
            "carry": diffusion.posterior_mean_coef2.tolist(),
            "history": diffusion.posterior_mean_coef1.tolist(),
        },
        "learnedRange": {
            "minLogVariance": diffusion.posterior_log_variance_clipped.tolist(),
            "maxLogVariance": np.log(diffusion.betas).tolist(),
        },
        "fixedSmall": probe(fixed_small, fixed_small.p_sample),
        "fixedLarge": probe(fixed_large, fixed_large.p_sample),
        "ddim": [
            {"eta": eta, **probe(fixed_small, fixed_small.ddim_sample, eta=eta)}
            for eta in (0.0, 0.5, 1.0)
        ],
    }


def probe(diffusion, step, **options):
    """A step is linear in the latent, the predicted sample and the noise: their factors at every timestep index."""

    def run(t, latent, sample, noise):
        with noise_table([[noise]]), float64_gather():
            result = step(
                lambda x, t: torch.full_like(x, sample),
                torch.full((1, 1), latent),
                torch.tensor([t]),
                clip_denoised=False,
                **options,
            )
        return result["sample"].item()

    indices = range(diffusion.num_timesteps)
    return {
        "carry": [run(t, 1.0, 0.0, 0.0) for t in indices],
        "history": [run(t, 0.0, 1.0, 0.0) for t in indices],
        "std": [run(t, 0.0, 0.0, 1.0) for t in indices],
    }


# Trajectories

OFFICIAL_TRAJECTORIES = [
    {"sampler": "ddim", "schedule": "linear", "respacing": "20", "eta": 0.0},
    {"sampler": "ddim", "schedule": "linear", "respacing": "ddim20", "eta": 0.5},
    {"sampler": "ddim", "schedule": "linear", "respacing": "10,10,5", "eta": 1.0, "clip": True},
    {"sampler": "ddim", "schedule": "squared-cosine", "respacing": "10", "eta": 0.0, "clip": True},
    {"sampler": "ddim", "schedule": "linear", "respacing": "50", "eta": 0.0, "prediction": "sample"},
    {"sampler": "ddpm", "schedule": "linear", "respacing": "20", "variance": "learned-range"},
    {"sampler": "ddpm", "schedule": "linear", "respacing": "10,10,5", "variance": "fixed-small"},
    {"sampler": "ddpm", "schedule": "linear", "respacing": "ddim25", "variance": "fixed-large"},
    {
        "sampler": "ddpm",
        "schedule": "squared-cosine",
        "respacing": "10",
        "variance": "learned-range",
        "clip": True,
    },
    {
        "sampler": "ddpm",
        "schedule": "linear",
        "respacing": "20",
        "variance": "learned-range",
        "prediction": "sample",
    },
]
VELOCITY_TRAJECTORIES = [
    {"sampler": "ddim", "schedule": "linear", "eta": 0.0},
    {"sampler": "ddim", "schedule": "linear", "eta": 0.5},
    {"sampler": "ddim", "schedule": "scaled-linear", "zeroTerminalSnr": True, "eta": 0.0},
    {"sampler": "ddim", "schedule": "scaled-linear", "zeroTerminalSnr": True, "eta": 1.0},
    {"sampler": "ddpm", "schedule": "scaled-linear", "variance": "fixed-small"},
    {"sampler": "ddpm", "schedule": "linear", "variance": "fixed-large"},
]


def official_trajectory(case, noise):
    variance = case.get("variance", "fixed-small")
    diffusion = create_diffusion(
        case["respacing"],
        noise_schedule=OFFICIAL_NAMES[case["schedule"]],
        predict_xstart=case.get("prediction") == "sample",
        learn_sigma=variance == "learned-range",
        sigma_small=variance == "fixed-small",
    )
    options = {"clip_denoised": case.get("clip", False), "device": "cpu"}
    if case["sampler"] == "ddim":
        loop, options["eta"] = diffusion.ddim_sample_loop_progressive, case["eta"]
    else:
        loop = diffusion.p_sample_loop_progressive
    with noise_table(noise), float64_gather():
        start = torch.tensor(LATENT).reshape(1, WIDTH, 1, 1)
        model = official_model(learned=variance == "learned-range")
        states = [out["sample"].flatten().tolist() for out in loop(model, start.shape, start, **options)]
    return {"prediction": "epsilon", "clip": False, **case, "latents": states}


def velocity_trajectory(case, noise):
    named = gaussian_diffusion.get_named_beta_schedule
    betas = named("linear", 1000) if case["schedule"] == "linear" else scaled_linear(1000)
    betas = zero_terminal(betas) if case.get("zeroTerminalSnr") else betas
    scheduler = velocity_scheduler(case, betas)
    scheduler.alphas_cumprod = torch.cumprod(1.0 - torch.from_numpy(betas), dim=0)
    scheduler.set_timesteps(10)
    timesteps = scheduler.timesteps.tolist()
    model = official_model(learned=False)
    x = torch.tensor(LATENT).reshape(1, WIDTH, 1, 1)
    states = []
    for index, t in enumerate(timesteps):
        z = torch.from_numpy(noise[index]).reshape(x.shape)
        options = {"eta": case["eta"], "variance_noise": z} if case.get("eta") else {}
        with patch.object(scheduling_ddpm, "randn_tensor", lambda *_, z=z, **__: z):
            x = scheduler.step(model(x, torch.tensor([t])), t, x, **options).prev_sample
        states.append(x.flatten().tolist())
    return {
        "prediction": "velocity",
        "clip": False,
        **case,
        "timesteps": timesteps,
        "latents": states,
    }


def velocity_scheduler(case, betas):
    options = {
        "trained_betas": betas.tolist(),
        "prediction_type": "v_prediction",
        "clip_sample": False,
    }
    if case["sampler"] == "ddim":
        return DDIMScheduler(**options, timestep_spacing="trailing")
    # Its last step is free of noise only at timestep 0, which leading spacing ends on.
    variance = case["variance"].replace("-", "_")
    return DDPMScheduler(**options, timestep_spacing="leading", variance_type=variance)


def official_model(learned):
    """tanh(a x + b t / 1000) for the mean and, with a learned variance, tanh(c x + d t / 1000) behind it."""
    a, b, c, d = (torch.tensor(DENOISER[key]).reshape(1, WIDTH, 1, 1) for key in "abcd")

    def model(x, t):
        time = t.reshape(-1, 1, 1, 1).double() / 1000
        mean = torch.tanh(a * x + b * time)
        return torch.cat([mean, torch.tanh(c * x + d * time)], dim=1) if learned else mean

    return model


# What is replaced in the official code


def float64_gather():
    def gather(array, timesteps, shape):
        values = torch.from_numpy(array)[timesteps]
        return values.reshape(-1, *[1] * (len(shape) - 1)).expand(shape)

    return patch.object(gaussian_diffusion, "_extract_into_tensor", gather)


def noise_table(rows):
    remaining = iter(rows)

    def draw(x):
        return torch.as_tensor(next(remaining), dtype=torch.float64).reshape(x.shape)

    return patch.object(torch, "randn_like", draw)


def write(name, content):
    provenance = {
        "generator": "scripts/make-fixtures.py",
        "source": "https://github.com/facebookresearch/DiT",
        "commit": subprocess.check_output(
            ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"], text=True
        ).strip(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    text = json.dumps({"provenance": provenance, **content}, separators=(",", ":"))
    (OUTPUT / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
