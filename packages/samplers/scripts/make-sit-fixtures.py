"""Writes src/__fixtures__/sit.json by running the samplers of the official SiT code in float64.

    python scripts/make-sit-fixtures.py <checkout of https://github.com/willisma/SiT>

Needs numpy, torch and torchdiffeq; the versions that were used and the commit of the checkout are recorded in the fixture.
Every case is a whole trajectory of a fixed latent with a fixed non-linear denoiser; random numbers come from a fixed table.
"""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

CHECKOUT = Path(sys.argv[1]).resolve()
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "sit.json"
sys.path.insert(0, str(CHECKOUT))

from transport import Sampler, create_transport  # noqa: E402

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
DENOISER = {"a": [0.7, -1.1, 0.35], "b": [0.2, -0.5, 0.9]}
LATENT = [0.3, -1.4, 2.1]
NOISE = np.round(np.random.default_rng(13).standard_normal((20, len(LATENT))), 6)
PATHS = {"linear": "Linear", "gvp": "GVP"}
PREDICTIONS = {"velocity": "velocity", "epsilon": "noise"}
# The official code spells one form otherwise.
FORMS = {
    "constant": "constant",
    "sbdm": "SBDM",
    "sigma": "sigma",
    "linear": "linear",
    "decreasing": "decreasing",
    "increasing-decreasing": "inccreasing-decreasing",
}
LAST_STEPS = {"mean": "Mean", "euler": "Euler", "tweedie": "Tweedie", "none": None}


def main():
    content = {
        "provenance": {
            "generator": "scripts/make-sit-fixtures.py",
            "source": "https://github.com/willisma/SiT",
            "commit": commit(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "torchdiffeq": version("torchdiffeq"),
        },
        "denoiser": DENOISER,
        "latent": LATENT,
        "noise": NOISE.tolist(),
        "ode": [ode(**case) for case in ode_cases()],
        "sde": [sde(**case) for case in sde_cases()],
    }
    OUTPUT.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{len(content['ode'])} and {len(content['sde'])} cases, {OUTPUT.stat().st_size} bytes")


def commit():
    return subprocess.check_output(
        ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"], text=True
    ).strip()


def ode_cases():
    for path in PATHS:
        for method in ("euler", "heun"):
            for prediction in PREDICTIONS:
                yield {"path": path, "method": method, "prediction": prediction, "steps": 8}


def sde_cases():
    for path in PATHS:
        for method in ("euler", "heun"):
            common = {"path": path, "method": method, "steps": 8}
            for diffusion in FORMS:
                yield {**common, "diffusion": diffusion, "diffusionNorm": 0.7}
            for last in ("mean", "euler", "tweedie"):
                yield {**common, "lastStep": last, "lastStepSize": 0.1}
            yield {**common, "prediction": "epsilon"}
        yield {"path": path, "method": "euler", "steps": 8, "lastStep": "none"}


def ode(path, method, prediction, steps):
    sampler = Sampler(create_transport(PATHS[path], PREDICTIONS[prediction]))
    solver = {"euler": "euler", "heun": "heun2"}[method]
    sample = sampler.sample_ode(sampling_method=solver, num_steps=steps + 1)
    states = sample(torch.tensor([LATENT]), denoise)[1:]
    options = {"path": path, "method": method, "prediction": prediction, "steps": steps}
    return {"options": options, "latents": states.flatten(1).tolist()}


def sde(
    path,
    method,
    steps,
    diffusion="sigma",
    diffusionNorm=1.0,
    lastStep="mean",
    lastStepSize=0.04,
    prediction="velocity",
):
    options = {
        "path": path,
        "method": method,
        "steps": steps,
        "diffusion": diffusion,
        "diffusionNorm": diffusionNorm,
        "lastStep": lastStep,
        "lastStepSize": lastStepSize,
        "prediction": prediction,
    }
    transport = create_transport(PATHS[path], PREDICTIONS[prediction])
    if diffusion == "sbdm":
        # Infinite at time 0, where the official code starts velocity models.
        transport.sample_eps = options["start"] = 0.05
    sample = Sampler(transport).sample_sde(
        sampling_method=method.capitalize(),
        diffusion_form=FORMS[diffusion],
        # A tensor, because the constant form goes into torch.sqrt as it is.
        diffusion_norm=torch.tensor(diffusionNorm),
        last_step=LAST_STEPS[lastStep],
        last_step_size=lastStepSize,
        num_steps=steps,
    )
    rows = iter(NOISE)
    with patch.object(torch, "randn", lambda size: torch.from_numpy(next(rows)).reshape(size)):
        states = sample(torch.tensor([LATENT]), denoise)
    if not all(torch.isfinite(state).all() for state in states):
        raise AssertionError(f"{options} gives NaN or infinity")
    return {"options": options, "latents": [state.flatten().tolist() for state in states]}


def denoise(x, t):
    a, b = (torch.tensor([DENOISER[key]]) for key in "ab")
    return torch.tanh(a * x + b * t.reshape(-1, 1))


if __name__ == "__main__":
    main()
