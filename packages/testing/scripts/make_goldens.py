"""Makes the golden tensors in ../goldens by running the official HarmoniCa code on a small DiT, on the CPU.

    git clone https://github.com/ModelTC/HarmoniCa
    pip install torch torchvision timm diffusers safetensors tqdm
    python make_goldens.py HarmoniCa
    npx biome check --write ../goldens/manifest.json

Every case runs twice, in float32 (the official code untouched) and in float64 (see official.py). Files hold the
float32 results under their name, some float64 results under `<name>.f64`, and the manifest says how far apart the
two lie.
"""

import argparse
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file

from golden_cases import (
    GUIDANCE,
    LEARNING_RATE,
    LOOP_STEPS,
    ROUTED_STEPS,
    STE_THRESHOLD,
    check_training,
    run_ddim,
    run_forward,
    run_iddpm,
    run_inference,
    run_proxy,
    run_sdt,
    save_router_checkpoint,
)
from official import Official, load_official, precision
from small_dit import CONFIG, SEEDS, make_weights

OP_TOLERANCE = dict(
    relative=1e-5,
    why="One network evaluation: the float32 bound for single operations. float32Deviation shows what PyTorch needs.",
)
LOOP_TOLERANCE = dict(
    relative=1e-3,
    why="Errors of consecutive steps feed on each other: the float32 bound for whole loops.",
)


@dataclass
class Golden:
    """One file: `meanings` name every tensor; `keep64` are those whose float64 results are stored too."""

    name: str
    description: str
    tolerance: dict
    meanings: dict
    single: dict
    double: dict
    keep64: tuple = ()
    settings: dict = field(default_factory=dict)


GUIDED_LOOP = {
    "labels": "[4] class of each sample: two conditional, two null",
    "timesteps": "[steps] model time of each step, in order of execution",
}
LOOP = {
    **GUIDED_LOOP,
    "latents": "[steps + 1, 2, 4, 8, 8] NCHW, conditional half: the initial noise, then the latent after each step",
    "modelOutputs": "[steps, 2, 8, 8, 8] NCHW, conditional half: guided model output of each step (noise, variance)",
}
SDT = {
    "labels": "[trajectories, 4] classes: two conditional, two null",
    "timesteps": GUIDED_LOOP["timesteps"],
    "lambda": "[9] fixed proxy weight of steps 1..9",
    "x": "[trajectories, 11, 4, 4, 8, 8] NCHW: the initial noise, then the latent after each of the ten steps",
    "logits": "[19, 10, 6] all logits [step, branch] before training and after each of the 18 iterations",
    "dataLoss": "[trajectories, 9] mean squared difference of teacher and student, steps 1..9",
    "scoreSum": "[trajectories, 9] sum of the step's six scores before the update",
    "loss": "[trajectories, 9] lambda * dataLoss + l1 * scoreSum",
    "gradient": "[trajectories, 9, 6] derivative of loss by each logit of the step's router, before the update",
    "teacher": "[trajectories, 9, 4, 8, 8, 8] NCHW: guided output with every branch computed",
    "student": "[trajectories, 9, 4, 8, 8, 8] NCHW: guided output with blended branches; it makes the next x",
    "cache": "[10, 6, 4, 16, 48] first trajectory: cached outputs [branch, sample, token, width] after each step",
}
MEANINGS = {
    "forward": {
        "x": "[4, 4, 8, 8] NCHW latents: two samples, twice",
        "labels": GUIDED_LOOP["labels"],
        "times": "[4] model times",
        "raw": "[times, 4, 8, 8, 8] NCHW: output without guidance",
        "guided": "[times, 4, 8, 8, 8] NCHW: output with guidance on the first three channels",
        "conditioning": "[4, 48] time plus class embedding at time 500",
        "tokens.first": "[4, 16, 48] tokens entering the first block at time 500",
        "tokens.last": "[4, 16, 48] tokens leaving the last block at time 500",
        "branches": "[6, 4, 16, 48] output of each branch before its gate at time 500: attention, MLP, attention, ...",
    },
    "ddim-20": LOOP,
    "iddpm-20": {
        **LOOP,
        "noise": "[20, 2, 4, 8, 8] NCHW, conditional half: standard normal noise of each step (unused in the last)",
    },
    "proxy": {
        "x": "[4, 4, 8, 8] NCHW initial noise: two samples, twice",
        **GUIDED_LOOP,
        "logits": "[10, 6] router logits [step, branch]; step 0 computes everything whatever its logits",
        "cumulative": "[9] steps 1..9, the official code: mean squared change, over samples and elements, when the "
        "routers are switched on one after another from step 1",
        "sample.computed": "[4, 4, 8, 8] NCHW final latent with every branch computed",
        "sample.routed": "[4, 4, 8, 8] NCHW final latent with all soft routers on",
        "leaveOneOut.squaredNorm": "[9, 4] steps 1..9, the paper: squared Frobenius norm, for each sample, of "
        "sample.routed minus the same with this step's scores all 1",
        "leaveOneOut.mean": "[9] the mean of the same squared differences over samples and elements",
    },
    "inference-10": {
        **GUIDED_LOOP,
        **{
            f"{name}.{threshold}": f"{LOOP[name]}; threshold {threshold}"
            for threshold in (0.1, 0.5)
            for name in ("latents", "modelOutputs")
        },
        "computed.0.1": "[10, 6] 1 where a branch was computed at threshold 0.1, [step, branch]",
        "computed.0.5": "[10, 6] 1 where a branch was computed at threshold 0.5, [step, branch]",
    },
}


def make_goldens(official: Official, folder: Path) -> list:
    with precision(official, torch.float64):
        weights = make_weights(official)
    save_file(weights, folder / "dit.safetensors")

    def both(run, *args):
        results = []
        for dtype in (torch.float32, torch.float64):
            with precision(official, dtype):
                results.append(run(official, weights, dtype, *args))
        return results

    def golden(name, description, tolerance, results, **fields):
        single, double = results
        return Golden(name, description, tolerance, MEANINGS[name], single, double, **fields)

    goldens = [
        golden(
            "forward",
            "One network evaluation at four times, with and without guidance, and every branch of one of them.",
            OP_TOLERANCE,
            both(run_forward),
            keep64=("raw", "guided"),
            settings=dict(guidance=GUIDANCE, model="models/models.py"),
        ),
        golden(
            "ddim-20",
            "DDIM (eta 0) in 20 steps with guidance.",
            LOOP_TOLERANCE,
            both(run_ddim),
            keep64=("latents",),
            settings=dict(guidance=GUIDANCE, steps=LOOP_STEPS, model="models/models.py"),
        ),
        golden(
            "iddpm-20",
            "DDPM with learned-range variance in 20 steps with guidance.",
            LOOP_TOLERANCE,
            both(run_iddpm),
            keep64=("latents",),
            settings=dict(guidance=GUIDANCE, steps=LOOP_STEPS, model="models/models.py"),
        ),
    ]
    goldens += training_goldens(both, folder / "routers.pt")
    goldens += [
        golden(
            "proxy",
            "The image-error proxy lambda of a soft router: the official cumulative form, the paper's leave-one-out.",
            LOOP_TOLERANCE,
            both(run_proxy),
            keep64=("cumulative", "leaveOneOut.squaredNorm", "leaveOneOut.mean"),
            settings=dict(
                guidance=GUIDANCE, steps=ROUTED_STEPS, steThreshold=STE_THRESHOLD, model="models/router_models.py"
            ),
        ),
        golden(
            "inference-10",
            "DDIM in 10 steps with the routers of routers.pt, hard decisions at thresholds 0.1 and 0.5.",
            LOOP_TOLERANCE,
            both(run_inference, folder / "routers.pt"),
            settings=dict(
                guidance=GUIDANCE, steps=ROUTED_STEPS, routers="routers.pt", model="models/dynamic_models.py"
            ),
        ),
    ]
    return goldens


def training_goldens(both, checkpoint: Path) -> list:
    goldens = []
    for penalty, brief in ((7e-8, False), (1e-4, True)):
        (single, trainer), (double, _) = both(run_sdt, penalty, brief)
        name = f"sdt-l1-{penalty:.0e}".replace("e-0", "e-")
        check_training(name, single, double)
        if not brief:
            save_router_checkpoint(checkpoint, trainer)
        meanings = {key: text for key, text in SDT.items() if key in single}
        if brief:
            meanings |= {key: meanings[key] + "; first trajectory only" for key in ("teacher", "student")}
        goldens.append(
            Golden(
                name,
                "Two trajectories of nine training iterations each, with fixed proxy weights. The cache is emptied "
                "between them, which the official loop does not do. A router's AdamW state advances only in its step.",
                LOOP_TOLERANCE,
                meanings,
                single,
                double,
                keep64=("dataLoss", "scoreSum", "loss", "gradient", "logits"),
                settings=dict(
                    guidance=GUIDANCE,
                    steps=ROUTED_STEPS,
                    l1=penalty,
                    learningRate=LEARNING_RATE,
                    steThreshold=STE_THRESHOLD,
                    adamW=dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weightDecay=0),
                    clamp=[-5, 5],
                    model="models/router_models.py",
                ),
            )
        )
    return goldens


def write_golden(folder: Path, golden: Golden) -> dict:
    """Saves one file and returns its manifest entry."""
    assert set(golden.meanings) == set(golden.single), set(golden.meanings) ^ set(golden.single)
    tensors, entries = {}, {}
    for name, meaning in golden.meanings.items():
        single, double = golden.single[name], golden.double[name]
        assert torch.isfinite(double.double()).all(), f"{golden.name}: {name} is not finite"
        entries[name] = dict(shape=list(single.shape), dtype=dtype_name(single), meaning=meaning)
        tensors[name] = single.contiguous().clone()
        if single.is_floating_point():
            entries[name]["float32Deviation"] = deviation(single, double)
        if name in golden.keep64:
            tensors[f"{name}.f64"] = double.contiguous().clone()
            entries[f"{name}.f64"] = dict(
                shape=list(double.shape), dtype=dtype_name(double), meaning=f"{name}, computed in float64"
            )
    save_file(tensors, folder / f"{golden.name}.safetensors")
    return dict(
        file=f"{golden.name}.safetensors",
        description=golden.description,
        settings=golden.settings,
        tolerance=golden.tolerance,
        tensors=entries,
    )


def deviation(single: torch.Tensor, double: torch.Tensor) -> float:
    """max |float32 - float64| / max |float64|, two digits."""
    return float(f"{((single.double() - double).abs().max() / double.abs().max()).item():.1e}")


def dtype_name(tensor: torch.Tensor) -> str:
    return {torch.float32: "f32", torch.float64: "f64", torch.int32: "i32"}[tensor.dtype]


def manifest_of(official: Official, goldens: dict) -> dict:
    return dict(
        version=1,
        script="packages/testing/scripts/make_goldens.py",
        upstream=dict(repository="https://github.com/ModelTC/HarmoniCa", commit=official.commit),
        versions=dict(
            python=platform.python_version(),
            **{name: version(name) for name in ("torch", "timm", "numpy", "safetensors")},
        ),
        device="cpu, one thread",
        seeds=SEEDS,
        layout="NCHW latents, as in the official code; tensors indexed by step are in order of execution",
        float32="the official code untouched",
        float64="the official code with double weights and its two casts to float32 (timestep embedding, sampler "
        "coefficients) lifted; weights, noise and routers are the same float32 values",
        float32Deviation="max |float32 - float64| / max |float64| of the official code itself",
        weights=dict(
            file="dit.safetensors",
            description="Parameters of the small DiT, official names, float32. All random but the position embedding "
            "and the noise channels of the last layer, which are fitted by ridge regression so that loops stay tame.",
            config=CONFIG,
        ),
        routers=dict(
            file="routers.pt",
            description="Official checkpoint layout (routers, opt, args) with the routers after the float32 run of "
            "sdt-l1-7e-8. routers.<i>.prob belongs to the official index i, which counts down: step T - 1 - i.",
        ),
        goldens=goldens,
    )


def of_other_projects(manifest: Path) -> dict:
    """Entries of goldens that other scripts made; they name their upstream themselves."""
    entries = json.loads(manifest.read_text())["goldens"] if manifest.exists() else {}
    return {name: entry for name, entry in entries.items() if "upstream" in entry}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="folder of a HarmoniCa checkout")
    parser.add_argument("--commit", help="its commit, if it is not a git repository")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "goldens")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    official = load_official(args.checkout, args.commit)
    goldens = make_goldens(official, args.output)
    entries = {golden.name: write_golden(args.output, golden) for golden in goldens}
    path = args.output / "manifest.json"
    manifest = json.dumps(manifest_of(official, entries | of_other_projects(path)), indent=2)
    path.write_text(manifest + "\n")
    for path in sorted(args.output.iterdir()):
        print(f"{path.stat().st_size:>9,}  {path.name}")


if __name__ == "__main__":
    main()
