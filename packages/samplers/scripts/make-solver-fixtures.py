"""Writes src/__fixtures__/solvers.json by running the schedulers of diffusers.

    python scripts/make-solver-fixtures.py

Needs numpy, scipy, torch and diffusers; the versions that were used are recorded in the fixture. Every case is a whole
trajectory: a fixed latent goes through `set_timesteps` and `step` with a fixed non-linear denoiser, and the latent after
every step is written down.

Most cases run in float64: the schedulers name float32 in many places, so their modules see a numpy and a torch whose
`float32` is float64. Cases with `"precision": "float32"` run the code as it is. Random numbers come from a fixed table.
Cases with `"corrected": true` run with one sign changed: in the third-order rule of `sde-dpmsolver++` diffusers has
`... - 0.5` where the expansion, and its own rule without noise, have `... + 0.5`.
"""

import inspect
import json
import platform
import types
from pathlib import Path
from unittest.mock import patch

import diffusers
import numpy as np
import scipy
import torch
from diffusers.schedulers import (
    scheduling_ddim,
    scheduling_dpmsolver_multistep,
    scheduling_dpmsolver_singlestep,
    scheduling_flow_match_euler_discrete,
    scheduling_flow_match_heun_discrete,
    scheduling_sasolver,
    scheduling_unipc_multistep,
)

torch.set_num_threads(1)
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "solvers.json"
DENOISER = {"a": [0.7, -1.1, 0.35], "b": [0.2, -0.5, 0.9]}
LATENT = [0.3, -1.4, 2.1]
NOISE = np.round(np.random.default_rng(11).standard_normal((60, len(LATENT))), 6)


class Namespace(types.SimpleNamespace):
    """A module with some names replaced."""

    def __init__(self, module, **replaced):
        super().__init__(**replaced)
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)


DOUBLE_NUMPY = Namespace(np, float32=np.float64)
DOUBLE_TORCH = Namespace(torch, float32=torch.float64)

MODULES = {
    "ddim": (scheduling_ddim, "DDIMScheduler"),
    "dpm": (scheduling_dpmsolver_multistep, "DPMSolverMultistepScheduler"),
    "singlestep": (scheduling_dpmsolver_singlestep, "DPMSolverSinglestepScheduler"),
    "unipc": (scheduling_unipc_multistep, "UniPCMultistepScheduler"),
    "sa": (scheduling_sasolver, "SASolverScheduler"),
    "flow-euler": (scheduling_flow_match_euler_discrete, "FlowMatchEulerDiscreteScheduler"),
    "flow-heun": (scheduling_flow_match_heun_discrete, "FlowMatchHeunDiscreteScheduler"),
}


def main():
    cases = [trajectory(**case) for case in all_cases()]
    provenance = {
        "generator": "scripts/make-solver-fixtures.py",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }
    content = {
        "provenance": provenance,
        "denoiser": DENOISER,
        "latent": LATENT,
        "noise": NOISE.tolist(),
        "spacings": list(spacings()),
        "cases": cases,
    }
    OUTPUT.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{len(cases)} cases, {OUTPUT.stat().st_size} bytes")


# The grid: options of diffusers next to options of this package.


def all_cases():
    yield from dpm_cases()
    yield from singlestep_cases()
    yield from unipc_cases()
    yield from sa_cases()
    yield from common_cases()
    yield from flow_solver_cases()
    yield from flow_cases()
    yield from ddim_cases()


ALGORITHMS = {
    "dpm-solver": "dpmsolver",
    "dpm-solver++": "dpmsolver++",
    "sde-dpm-solver": "sde-dpmsolver",
    "sde-dpm-solver++": "sde-dpmsolver++",
}


def final_sigma(name):
    return {"finalSigma": name}, {"final_sigmas_type": {"zero": "zero", "min": "sigma_min"}[name]}


def dpm_cases():
    for algorithm, theirs in ALGORITHMS.items():
        for order in (1, 2, 3):
            if (algorithm, order) == ("sde-dpm-solver", 3):
                continue
            for solver in ("midpoint", "heun") if order == 2 else ("midpoint",):
                ends = ("zero", "min") if algorithm.endswith("++") else ("min",)
                for end in ends:
                    for steps in (8, 16):
                        yield dpm(
                            {"algorithm": algorithm, "order": order, "solver": solver},
                            {
                                "algorithm_type": theirs,
                                "solver_order": order,
                                "solver_type": solver,
                            },
                            steps,
                            end,
                            corrected=(algorithm, order) == ("sde-dpm-solver++", 3),
                        )
    for ours, theirs in [
        ({"lowerOrderFinal": False}, {"lower_order_final": False}),
        ({"eulerAtFinal": True}, {"euler_at_final": True}),
    ]:
        for end in ("zero", "min"):
            yield dpm({"order": 3, **ours}, {"solver_order": 3, **theirs}, 8, end)
    yield dpm(
        {"order": 3, "eulerAtFinal": True}, {"solver_order": 3, "euler_at_final": True}, 16, "min"
    )


def dpm(ours, theirs, steps, end, **extra):
    our_end, their_end = final_sigma(end)
    return {
        "sampler": "dpm",
        "options": {"steps": steps, **ours, **our_end},
        "config": {**theirs, **their_end},
        "steps": steps,
        **extra,
    }


def singlestep_cases():
    for algorithm in ("dpm-solver", "dpm-solver++", "sde-dpm-solver++"):
        for order in (1, 2, 3):
            for solver in ("midpoint", "heun") if order > 1 else ("midpoint",):
                ends = ("zero", "min") if algorithm.endswith("++") else ("min",)
                for end in ends:
                    for steps in (7, 8, 9):
                        our_end, their_end = final_sigma(end)
                        yield {
                            "sampler": "singlestep",
                            "options": {
                                "steps": steps,
                                "algorithm": algorithm,
                                "order": order,
                                "solver": solver,
                                **our_end,
                            },
                            "config": {
                                "algorithm_type": ALGORITHMS[algorithm],
                                "solver_order": order,
                                "solver_type": solver,
                                "lower_order_final": True,
                                **their_end,
                            },
                            "steps": steps,
                            "corrected": (algorithm, order, solver)
                            == ("sde-dpm-solver++", 3, "heun"),
                        }
    our_end, their_end = final_sigma("min")
    for order in (2, 3):
        yield {
            "sampler": "singlestep",
            "options": {"steps": 6, "order": order, "lowerOrderFinal": False, **our_end},
            "config": {"solver_order": order, "lower_order_final": False, **their_end},
            "steps": 6,
        }


def unipc_cases():
    def case(ours, theirs, steps=8, end="zero"):
        our_end, their_end = final_sigma(end)
        return {
            "sampler": "unipc",
            "options": {"steps": steps, **ours, **our_end},
            "config": {**theirs, **their_end},
            "steps": steps,
        }

    for order in (1, 2, 3, 4):
        for solver in ("bh1", "bh2"):
            ours, theirs = {"order": order, "solver": solver}, {
                "solver_order": order,
                "solver_type": solver,
            }
            # With bh1 their last step to sigma 0 is 0 times infinity.
            for end in ("zero", "min") if solver == "bh2" else ("min",):
                yield case(ours, theirs, end=end)
            noise = {**ours, "integrate": "epsilon"}, {**theirs, "predict_x0": False}
            yield case(*noise, end="min")
    for order in (2, 3):
        off = {"lowerOrderFinal": False}, {"lower_order_final": False}
        yield case({"order": order, **off[0]}, {"solver_order": order, **off[1]}, end="min")
        some = [0, 2, 3]
        yield case(
            {"order": order, "uncorrected": some},
            {"solver_order": order, "disable_corrector": some},
        )
        yield case(
            {"order": order, "uncorrected": "all"},
            {"solver_order": order, "disable_corrector": list(range(20))},
        )


def sa_cases():
    def case(ours, theirs, steps=8, **extra):
        return {
            "sampler": "sa",
            "options": {"steps": steps, **ours},
            "config": theirs,
            "steps": steps,
            **extra,
        }

    for tau in (
        {"from": 200, "to": 800},
        {"from": 0, "to": 1000, "value": 0.5},
        {"from": -2, "to": -1},
    ):
        for predictor, corrector in ((1, 1), (2, 2), (3, 3), (4, 4), (1, 4), (3, 1), (2, 3)):
            orders = {"predictorOrder": predictor, "correctorOrder": corrector}
            config = {"predictor_order": predictor, "corrector_order": corrector}
            yield case(orders, config, tau=tau)
            if (predictor, corrector) in ((2, 2), (3, 3)):
                yield case(
                    {**orders, "integrate": "epsilon"},
                    {**config, "algorithm_type": "noise_prediction"},
                    tau=tau,
                )
    off = {"lowerOrderFinal": False}, {"lower_order_final": False}
    yield case(
        {**off[0], "predictorOrder": 3, "correctorOrder": 4},
        {**off[1], "predictor_order": 3, "corrector_order": 4},
    )


def common_cases():
    """Options that all solvers share, on DPM-Solver++(2M) and, in part, on the others."""

    def each(ours, theirs, steps=9, samplers=("dpm", "unipc", "sa", "singlestep"), **extra):
        for sampler in samplers:
            yield {
                "sampler": sampler,
                "options": {"steps": steps, **ours},
                "config": {
                    **({"lower_order_final": True} if sampler == "singlestep" else {}),
                    **theirs,
                },
                "steps": steps,
                **extra,
            }

    predictions = {"epsilon": "epsilon", "sample": "sample", "velocity": "v_prediction"}
    for ours, theirs in predictions.items():
        yield from each({"prediction": ours}, {"prediction_type": theirs})
        noise = {"prediction": ours, "algorithm": "dpm-solver", "finalSigma": "min"}
        config = {
            "prediction_type": theirs,
            "algorithm_type": "dpmsolver",
            "final_sigmas_type": "sigma_min",
        }
        yield from each(noise, config, samplers=("dpm", "singlestep"))
    spaced = ("dpm", "unipc", "sa")
    for steps in (5, 12, 25):
        yield from each({"spacing": "leading"}, {"timestep_spacing": "leading"}, steps, spaced)
        yield from each({"spacing": "trailing"}, {"timestep_spacing": "trailing"}, steps, spaced)
        yield from each({}, {}, steps, spaced)
    offset = {"spacing": "leading", "stepsOffset": 1}, {
        "timestep_spacing": "leading",
        "steps_offset": 1,
    }
    yield from each(*offset, samplers=spaced)
    for name in ("karras", "exponential", "beta"):
        config = {f"use_{name}_sigmas": True}
        yield from each({"sigmaSpacing": name}, config)
        least = {"sigmaSpacing": name, "finalSigma": "min"}, {
            **config,
            "final_sigmas_type": "sigma_min",
        }
        yield from each(*least, samplers=("dpm", "singlestep"))
        third = {"sigmaSpacing": name, "order": 3}, {**config, "solver_order": 3}
        yield from each(*third, steps=16, samplers=("dpm", "unipc"))
    yield from each(
        {"schedule": "scaled-linear"},
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    )
    cosine = {"schedule": "squared-cosine", "minLogSnr": -5.1}, {
        "beta_schedule": "squaredcos_cap_v2",
        "lambda_min_clipped": -5.1,
    }
    yield from each(*cosine, samplers=("dpm", "sa", "singlestep"))
    for spacing in ("leading", "trailing"):
        ours, theirs = {**cosine[0], "spacing": spacing}, {**cosine[1], "timestep_spacing": spacing}
        yield from each(ours, theirs, samplers=("dpm", "sa"))
    terminal = {"zeroTerminalSnr": True, "prediction": "velocity", "spacing": "trailing"}
    config = {
        "rescale_betas_zero_snr": True,
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
    }
    yield from each(terminal, config, samplers=("dpm", "unipc"))
    limits = {"threshold": {"ratio": 0.8, "max": 1.5}}, {
        "thresholding": True,
        "dynamic_thresholding_ratio": 0.8,
        "sample_max_value": 1.5,
    }
    yield from each(*limits)
    clip = {"clip": {"min": -1, "max": 1}}, {"thresholding": True, "sample_max_value": 1.0}
    yield from each(*clip)
    for prediction in ("sample", "velocity"):
        yield from each(
            {"prediction": prediction},
            {"prediction_type": predictions[prediction]},
            steps=20,
            precision="float32",
        )
    yield from each({}, {}, steps=10, precision="float32")
    sde = {"algorithm": "sde-dpm-solver++"}, {"algorithm_type": "sde-dpmsolver++"}
    yield from each(*sde, samplers=("dpm", "singlestep"), precision="float32")


def flow_solver_cases():
    for steps, shift in ((8, 1.0), (8, 3.0)):
        # Their grid: evenly spaced from 1 - 1/1000, without the step from 1.
        sigmas = np.flip(1.0 - np.linspace(1, 1 / 1000, steps + 1))[:-1].tolist()
        for sampler in ("dpm", "singlestep"):
            yield {
                "sampler": sampler,
                "options": {
                    "flow": {"sigmas": sigmas, "shift": shift},
                    "timeRounding": "down",
                    "order": 2,
                },
                "config": {
                    "use_flow_sigmas": True,
                    "flow_shift": shift,
                    "prediction_type": "flow_prediction",
                    **({"lower_order_final": True} if sampler == "singlestep" else {}),
                },
                "steps": steps,
            }
        sigmas = np.linspace(1, 1 / 1000, steps + 1)[:-1].tolist()
        yield {
            "sampler": "unipc",
            "options": {
                "flow": {"sigmas": sigmas, "shift": shift},
                "timeRounding": "down",
                "order": 3,
            },
            "config": {
                "use_flow_sigmas": True,
                "flow_shift": shift,
                "prediction_type": "flow_prediction",
                "solver_order": 3,
            },
            "steps": steps,
        }


def flow_cases():
    def case(sampler, options, config, steps=8, **extra):
        return {
            "sampler": sampler,
            "options": {"steps": steps, **options},
            "config": config,
            "steps": steps,
            **extra,
        }

    for shift in (1.0, 3.0):
        for precision in ("float64", "float32"):
            for sampler in ("flow-euler", "flow-heun"):
                yield case(sampler, {"shift": shift}, {"shift": shift}, precision=precision)
    for name in ("karras", "exponential", "beta"):
        yield case(
            "flow-euler",
            {"sigmaSpacing": name, "shift": 3.0},
            {f"use_{name}_sigmas": True, "shift": 3.0},
        )
    yield case(
        "flow-euler", {"shift": 3.0, "shiftTerminal": 0.1}, {"shift": 3.0, "shift_terminal": 0.1}
    )
    yield case("flow-euler", {"stochastic": True}, {"stochastic_sampling": True})
    for tokens in (256, 1024, 4096):
        # The line that the pipelines of diffusers draw (calculate_shift).
        mu = 0.5 + (tokens - 256) * (1.15 - 0.5) / (4096 - 256)
        for kind in ("exponential", "linear"):
            yield case(
                "flow-euler",
                {"dynamicShift": {"tokens": tokens, "kind": kind}},
                {"use_dynamic_shifting": True, "time_shift_type": kind},
                mu=mu,
            )
    sigmas = np.linspace(1.0, 1 / 8, 8).tolist()
    yield {
        "sampler": "flow-euler",
        "options": {"sigmas": sigmas, "dynamicShift": {"tokens": 2048}},
        "config": {"use_dynamic_shifting": True},
        "steps": 8,
        "mu": 0.5 + (2048 - 256) * (1.15 - 0.5) / (4096 - 256),
        "sigmas": sigmas,
    }


def ddim_cases():
    # Only spacings of constant stride, because theirs steps by that stride whatever the spacing.
    for spacing in ("leading", "trailing"):
        for offset in (0, 1) if spacing == "leading" else (0,):
            yield {
                "sampler": "ddim",
                "options": {
                    "steps": 10,
                    "spacing": spacing,
                    **({"stepsOffset": 1} if offset else {}),
                },
                "config": {
                    "timestep_spacing": spacing,
                    "steps_offset": offset,
                    "clip_sample": False,
                },
                "steps": 10,
            }


def spacings():
    for spacing in ("leading", "trailing", "linspace"):
        for steps in (1, 3, 7, 12, 21, 30, 49, 64, 333):
            scheduler = scheduling_ddim.DDIMScheduler(timestep_spacing=spacing)
            scheduler.set_timesteps(steps)
            yield {"spacing": spacing, "steps": steps, "timesteps": scheduler.timesteps.tolist()}


# Running them


def trajectory(
    sampler,
    options,
    config,
    steps,
    precision="float64",
    corrected=False,
    tau=None,
    mu=None,
    sigmas=None,
):
    dtype = torch.float64 if precision == "float64" else torch.float32
    module, name = MODULES[sampler]
    with running(module, precision, corrected) as scheduler_module:
        scheduler = create(getattr(scheduler_module, name), sampler, config, tau)
        arguments = {"mu": mu, "sigmas": sigmas}
        given = {key: value for key, value in arguments.items() if value is not None}
        scheduler.set_timesteps(steps, **given)
        if sampler != "ddim":
            scheduler.set_begin_index(0)
        x = torch.tensor(LATENT, dtype=dtype).reshape(1, -1, 1, 1)
        timesteps, latents = [], []
        for index, t in enumerate(scheduler.timesteps):
            draw = torch.from_numpy(NOISE[index]).to(dtype).reshape(x.shape)
            with patch.object(
                scheduler_module, "randn_tensor", lambda *_, draw=draw, **__: draw, create=True
            ):
                x = scheduler.step(denoise(x, t.to(dtype)), t, x).prev_sample
            timesteps.append(t.item())
            latents.append(x.flatten().tolist())
    if not np.isfinite(latents).all():
        raise AssertionError(f"{sampler} {config} gives NaN or infinity")
    tags = {"precision": precision} if precision == "float32" else {}
    tags |= {"corrected": True} if corrected else {}
    tags |= {"tau": tau} if tau else {}
    return {
        "sampler": sampler,
        "options": options,
        **tags,
        "timesteps": timesteps,
        "latents": latents,
    }


def create(scheduler_class, sampler, config, tau):
    if sampler == "sa" and tau:
        value = tau.get("value", 1)
        config = {**config, "tau_func": lambda t: value if tau["from"] <= t <= tau["to"] else 0}
    return scheduler_class(**config)


def running(module, precision, corrected):
    """The module to run, its float32 replaced by float64 unless the case asks for it as it is."""
    if corrected:
        module = recompiled(module)
    names = {} if precision == "float32" else {"np": DOUBLE_NUMPY, "torch": DOUBLE_TORCH}
    return Patched(module, **names)


class Patched:
    def __init__(self, module, **names):
        self.module = module
        self.patches = [patch.object(module, key, value) for key, value in names.items()]

    def __enter__(self):
        for one in self.patches:
            one.start()
        return self.module

    def __exit__(self, *_):
        for one in self.patches:
            one.stop()


def recompiled(module):
    source = inspect.getsource(module)
    wrong = {
        "(2.0 * h) ** 2 - 0.5)": "(2.0 * h) ** 2 + 0.5)",
        "(-2.0 * h) ** 2 - 0.5)": "(-2.0 * h) ** 2 + 0.5)",
    }
    fixed = source
    for old, new in wrong.items():
        fixed = fixed.replace(old, new)
    if fixed == source:
        raise AssertionError("the sign to correct was not found")
    copy = types.ModuleType(module.__name__)
    copy.__package__ = module.__package__
    exec(compile(fixed, module.__file__, "exec"), copy.__dict__)
    return copy


def denoise(x, t):
    a, b = (torch.tensor(DENOISER[key], dtype=x.dtype).reshape(1, -1, 1, 1) for key in "ab")
    return torch.tanh(a * x + b * t / 1000)


if __name__ == "__main__":
    main()
