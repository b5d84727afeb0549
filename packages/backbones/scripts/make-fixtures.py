"""Writes the fixtures of src/__fixtures__ by running reference implementations on small random weights.

    python scripts/make-fixtures.py <checkout of https://github.com/facebookresearch/DiT>

Needs torch, timm, diffusers and safetensors; their versions and the commit of the checkout are recorded in
manifest.json. The DiT is the checkout's models.py, the autoencoder is diffusers' AutoencoderKL. Weights and inputs are
float32; the networks run in float64, so that what differs is the rounding of the code under test alone. One thing is
left in float32: the sinusoidal timestep embedding, which the official code always computes that way.

Every tensor is stored as the reference has it, NCHW images and [out, in] matrices; the tests rearrange.
"""

import json
import subprocess
import sys
from pathlib import Path

import diffusers
import safetensors
import timm
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

CHECKOUT = Path(sys.argv[1]).resolve()
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
sys.path.insert(0, str(CHECKOUT))

import models  # noqa: E402  (the official DiT)

TOLERANCE = {
    "relative": 1e-5,
    "of": "the largest magnitude of the expected array, for every element",
    "why": "float32 rounds at 6e-8; sums of up to a few hundred terms through a few layers stay below 1e-5",
}

DIT_CASES = {
    "dit": {
        "seed": 101,
        "config": dict(input_size=8, patch_size=2, in_channels=4, hidden_size=48, depth=3, num_heads=3, num_classes=10),
        "time": [999.0, 500.0, 3.0],
        "labels": [0, 7, 10],
        "guided": {"time": 749.0, "labels": [3, 8], "scale": 4.0},
    },
    "dit-without-sigma": {
        "seed": 102,
        "config": dict(
            input_size=12, patch_size=4, in_channels=3, hidden_size=24, depth=1, num_heads=2, num_classes=3,
            mlp_ratio=2.5, learn_sigma=False,
        ),
        "time": [12.25, 831.5],
        "labels": [2, 3],
    },
}

VAE_CASES = {
    "autoencoder-kl": {
        "seed": 201,
        "config": dict(block_out_channels=(8, 8, 16, 24), layers_per_block=2, norm_num_groups=4, latent_channels=4),
        "image": (2, 3, 32, 16),
        # Side of a tile in the image and its share of overlap, and a latent of two rows and three columns of tiles.
        "tiled": {"tile": 32, "overlap": 0.25, "latent": (1, 4, 5, 7)},
    },
    # One layer per block, and the attention under the names and 1 x 1 convolution shapes of older files.
    "autoencoder-kl-old-names": {
        "seed": 202,
        "config": dict(block_out_channels=(8, 12), layers_per_block=1, norm_num_groups=4, latent_channels=3),
        "image": (1, 3, 8, 12),
        "old_names": True,
    },
    # Everything optional left out, and a last convolution so large that the log variance is clipped on both sides.
    "autoencoder-kl-plain": {
        "seed": 203,
        "config": dict(
            block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, latent_channels=2, in_channels=1,
            out_channels=1, mid_block_add_attention=False, use_quant_conv=False, use_post_quant_conv=False,
        ),
        "image": (1, 1, 8, 8),
        "output_gain": 40.0,
    },
}

OLD_PROJECTIONS = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    cases = [make_dit(name, case) for name, case in DIT_CASES.items()]
    cases += [make_vae(name, case) for name, case in VAE_CASES.items()]
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    manifest = {
        "script": "scripts/make-fixtures.py",
        "upstream": {"repository": "https://github.com/facebookresearch/DiT", "commit": commit},
        "versions": {module.__name__: module.__version__ for module in (torch, timm, diffusers, safetensors)},
        "tolerance": TOLERANCE,
        "cases": cases,
    }
    (OUTPUT / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def make_dit(name, case):
    rng = torch.Generator().manual_seed(case["seed"])
    model = models.DiT(**case["config"])
    randomize(model, rng, fixed=("pos_embed",))
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, OUTPUT / f"{name}.safetensors")
    run = DoubleDit(model)

    channels, size = case["config"]["in_channels"], case["config"]["input_size"]
    labels = torch.tensor(case["labels"])
    time = torch.tensor(case["time"])
    latent = torch.randn(len(labels), channels, size, size, generator=rng)
    output, branches = run.forward(latent, time, labels)
    tensors = {"latent": latent, "time": time, "labels": labels.int(), "output": output, **branches}
    if "guided" in case:
        tensors |= run_guided(run, case, rng)
    save_file({key: value.contiguous() for key, value in tensors.items()}, OUTPUT / f"{name}-run.safetensors")
    return {"name": name, **case}


def run_guided(run, case, rng):
    guided = case["guided"]
    channels, size = case["config"]["in_channels"], case["config"]["input_size"]
    labels = guided["labels"] + [case["config"]["num_classes"]] * len(guided["labels"])
    half = torch.randn(len(guided["labels"]), channels, size, size, generator=rng)
    time = torch.full((len(labels),), guided["time"])
    output = run.guided(torch.cat([half, half]), time, torch.tensor(labels), guided["scale"])
    return {"guided.latent": half, "guided.output": output}


class DoubleDit:
    """An official DiT run in float64, but for its timestep embedding, with a watch on the output of every branch."""

    def __init__(self, model):
        embed = models.TimestepEmbedder.timestep_embedding
        self.model = model.double().eval()
        self.model.t_embedder.timestep_embedding = lambda t, dim: embed(t.float(), dim).double()
        self.branches = {}
        for index, block in enumerate(self.model.blocks):
            block.attn.register_forward_hook(self.watch(2 * index))
            block.mlp.register_forward_hook(self.watch(2 * index + 1))

    def watch(self, branch):
        def hook(_module, _inputs, output):
            self.branches[f"branch.{branch}"] = output.float()

        return hook

    def forward(self, latent, time, labels):
        output = self.model(latent.double(), time.double(), labels).float()
        return output, dict(self.branches)

    def guided(self, latent, time, labels, scale):
        return self.model.forward_with_cfg(latent.double(), time.double(), labels, scale).float()


def make_vae(name, case):
    rng = torch.Generator().manual_seed(case["seed"])
    config = case["config"]
    levels = len(config["block_out_channels"])
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels, **config
    ).eval()
    randomize(model, rng)
    model.encoder.conv_out.weight *= case.get("output_gain", 1.0)
    weights = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
    if case.get("old_names"):
        weights = {old_name(key): old_shape(key, value) for key, value in weights.items()}
    save_file(weights, OUTPUT / f"{name}.safetensors")

    model = model.double()
    image = torch.rand(case["image"], generator=rng) * 2 - 1
    posterior = model.encode(image.double()).latent_dist
    latent = torch.randn(posterior.mean.shape, generator=rng)
    tensors = {
        "image": image,
        "mean": posterior.mean.float(),
        "logVariance": posterior.logvar.float(),
        "latent": latent,
        "decoded": model.decode(latent.double()).sample.float(),
    }
    if "tiled" in case:
        tensors |= run_tiled(model, case["tiled"], rng)
    save_file({key: value.contiguous() for key, value in tensors.items()}, OUTPUT / f"{name}-run.safetensors")
    return {"name": name, **case}


def run_tiled(model, tiled, rng):
    latent = torch.randn(tiled["latent"], generator=rng)
    model.tile_sample_min_size = tiled["tile"]
    model.tile_latent_min_size = tiled["tile"] // 2 ** (len(model.config.block_out_channels) - 1)
    model.tile_overlap_factor = tiled["overlap"]
    return {"tiled.latent": latent, "tiled.decoded": model.tiled_decode(latent.double()).sample.float()}


def randomize(model, rng, fixed=()):
    """Random values for every parameter, the zero-initialised ones included, that keep activations near unit scale."""
    for name, parameter in model.named_parameters():
        if name in fixed:
            continue
        noise = torch.randn(parameter.shape, generator=rng)
        if "embedding_table" in name:
            parameter.copy_(noise)
        elif parameter.ndim > 1:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
        elif name.endswith("weight"):
            parameter.copy_(1 + 0.1 * noise)
        else:
            parameter.copy_(0.1 * noise)


def old_name(name):
    if ".attentions." not in name:
        return name
    for current, old in OLD_PROJECTIONS.items():
        name = name.replace(f".{current}.", f".{old}.")
    return name


def old_shape(name, value):
    is_projection = ".attentions." in name and value.ndim == 2
    return value[:, :, None, None].contiguous() if is_projection else value


if __name__ == "__main__":
    main()
