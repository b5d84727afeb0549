"""Writes src/__fixtures__/dpm-solver.json by running the official DPM-Solver code in float64.

    python scripts/make-dpm-solver-fixtures.py <checkout of https://github.com/LuChengTHU/dpm-solver>

Needs numpy and torch; the versions that were used and the commit of the checkout are recorded in the fixture. Every case is
a whole trajectory of a fixed latent with a fixed non-linear denoiser, over the linear schedule with uniform time steps.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

CHECKOUT = Path(sys.argv[1]).resolve()
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "dpm-solver.json"
sys.path.insert(0, str(CHECKOUT))

from dpm_solver_pytorch import DPM_Solver, NoiseScheduleVP, model_wrapper  # noqa: E402

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
DENOISER = {"a": [0.7, -1.1, 0.35], "b": [0.2, -0.5, 0.9]}
LATENT = [0.3, -1.4, 2.1]
ALGORITHMS = {"dpm-solver": "dpmsolver", "dpm-solver++": "dpmsolver++"}
RULES = {"midpoint": "dpmsolver", "heun": "taylor"}


def main():
    commit = ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"]
    content = {
        "provenance": {
            "generator": "scripts/make-dpm-solver-fixtures.py",
            "source": "https://github.com/LuChengTHU/dpm-solver",
            "commit": subprocess.check_output(commit, text=True).strip(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "denoiser": DENOISER,
        "latent": LATENT,
        "multistep": [multistep(*case) for case in multistep_cases()],
        "singlestep": [singlestep(*case) for case in singlestep_cases()],
    }
    OUTPUT.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(
        f"{len(content['multistep'])} and {len(content['singlestep'])} cases, {OUTPUT.stat().st_size} bytes"
    )


def multistep_cases():
    for algorithm in ALGORITHMS:
        for order, rule in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint")):
            for steps in (8, 20):
                yield algorithm, order, rule, steps


def singlestep_cases():
    for algorithm in ALGORITHMS:
        for steps in (8, 20):
            yield algorithm, 2, steps, {"lowerOrderFinal": False}
        yield algorithm, 2, 9, {}
        for steps in (9, 10, 20):
            yield algorithm, 3, steps, {}


def multistep(algorithm, order, rule, steps):
    latents = run(algorithm, steps=steps, order=order, method="multistep", solver_type=RULES[rule])
    options = {"algorithm": algorithm, "order": order, "solver": rule, "steps": steps}
    return {"options": options, "latents": latents}


def singlestep(algorithm, order, steps, extra):
    """The latents after every group of steps."""
    latents = run(algorithm, steps=steps, order=order, method="singlestep")
    options = {"algorithm": algorithm, "order": order, "solver": "paper", "steps": steps, **extra}
    return {"options": options, "latents": latents}


def run(algorithm, method, **options):
    schedule = NoiseScheduleVP(
        "discrete", betas=torch.linspace(1e-4, 2e-2, 1000), dtype=torch.float64
    )
    solver = DPM_Solver(
        model_wrapper(denoise, schedule), schedule, algorithm_type=ALGORITHMS[algorithm]
    )
    _, states = solver.sample(
        torch.tensor([LATENT]), method=method, return_intermediate=True, **options
    )
    # The first state of a multistep run is the latent itself.
    return [state.flatten().tolist() for state in states[1 if method == "multistep" else 0 :]]


def denoise(x, t):
    a, b = (torch.tensor([DENOISER[key]]) for key in "ab")
    return torch.tanh(a * x + b * t.reshape(-1, 1) / 1000)


if __name__ == "__main__":
    main()
