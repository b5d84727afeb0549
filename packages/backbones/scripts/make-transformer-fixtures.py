"""Writes the fixtures of SiT, PixArt and U-ViT by running their reference implementations on small random weights.

    python scripts/make-transformer-fixtures.py <SiT> <PixArt-sigma> <U-ViT>

Takes checkouts of https://github.com/willisma/SiT, https://github.com/PixArt-alpha/PixArt-sigma (whose code also is that
of PixArt-alpha, with micro_condition) and https://github.com/baofff/U-ViT. Needs torch, timm, diffusers, einops and
safetensors; their versions and the commits of the checkouts are recorded in transformers.json. PixArt runs twice, in the
official code and as diffusers' PixArtTransformer2DModel, and both must agree before anything is written. Two modules that
the official PixArt imports are replaced: xformers by plain attention, and mmcv, of which no code runs.

Weights and inputs are float32; the networks run in float64, but for sinusoidal embeddings of numbers, which all of them
compute in float32. Every tensor is stored as the reference has it; the tests rearrange.

transformers.json also lists the multiply-accumulates of published sizes, counted by torch.utils.flop_counter while the
reference runs on the meta device.
"""

import contextlib
import io
import json
import subprocess
import sys
import types
from pathlib import Path
from unittest import mock

import diffusers
import einops
import safetensors
import timm
import torch
from diffusers import DiTTransformer2DModel, PixArtTransformer2DModel
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

SIT, PIXART, UVIT = (Path(argument).resolve() for argument in sys.argv[1:4])
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"


class BlockDiagonalMask:
    """Stands in for the mask of xformers: which part of the one long sequence belongs to which sample."""

    def __init__(self, queries, keys):
        self.queries, self.keys = queries, keys

    @classmethod
    def from_seqlens(cls, queries, keys):
        return cls(queries, keys)


def memory_efficient_attention(q, k, v, p=0.0, attn_bias=None):
    """Stands in for that of xformers: [B, L, heads, width]; samples are told apart by the mask."""

    def attend(q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        return (scores.softmax(-1) @ v).transpose(1, 2).contiguous()

    if attn_bias is None:
        return attend(q, k, v)
    queries = q.split(attn_bias.queries, 1)
    keys, values = k.split(attn_bias.keys, 1), v.split(attn_bias.keys, 1)
    return torch.cat([attend(*parts) for parts in zip(queries, keys, values)], 1)


def import_references():
    ops = types.SimpleNamespace(
        memory_efficient_attention=memory_efficient_attention,
        fmha=types.SimpleNamespace(BlockDiagonalMask=BlockDiagonalMask),
    )
    registry = types.SimpleNamespace(register_module=lambda: lambda cls: cls)
    mmcv = mock.MagicMock(Registry=lambda _name: registry)
    names = ["mmcv", "mmcv.runner", "mmcv.utils", "mmcv.utils.logging", "mmcv.parallel", "mmcv.image"]
    stand_ins = {name: mmcv for name in names} | {"xformers": types.SimpleNamespace(ops=ops), "xformers.ops": ops}
    sys.modules.update(stand_ins)
    sys.path[:0] = [str(SIT), str(PIXART), str(UVIT)]
    with contextlib.redirect_stdout(io.StringIO()):
        import models as sit
        from diffusion.model.nets.PixArtMS import PixArtMS
        from libs import uvit, uvit_t2i
    # The other modes round queries, keys and values to float32, or need a GPU.
    uvit.ATTENTION_MODE = uvit_t2i.ATTENTION_MODE = "math"
    return sit, PixArtMS, uvit, uvit_t2i


sit_models, PixArtMS, uvit, uvit_t2i = import_references()

TOLERANCE = {
    "relative": 1e-5,
    "of": "the largest magnitude of the expected array, for every element",
    "why": "float32 rounds at 6e-8; sums of up to a few hundred terms through a few layers stay below 1e-5",
}

SIT_CASES = {
    "sit": {
        "seed": 301,
        "config": dict(input_size=8, patch_size=2, in_channels=4, hidden_size=24, depth=2, num_heads=2, num_classes=5),
        "time": [0.0, 0.37, 1.0],
        "labels": [0, 4, 5],
    },
    "sit-without-sigma": {
        "seed": 302,
        "config": dict(
            input_size=8, patch_size=4, in_channels=3, hidden_size=24, depth=1, num_heads=3, num_classes=3,
            mlp_ratio=2.5, learn_sigma=False,
        ),
        "time": [0.25],
        "labels": [1],
    },
}

PIXART_CASES = {
    # PixArt-alpha at 1024: size and aspect ratio as conditions, another aspect ratio, captions of several lengths.
    "pixart-alpha": {
        "seed": 401,
        "config": dict(
            input_size=8, hidden_size=24, depth=2, num_heads=2, caption_channels=10, pe_interpolation=2.0,
            model_max_length=5, micro_condition=True,
        ),
        "latent": (3, 4, 6, 10),
        "time": [999.0, 421.0, 0.0],
        "lengths": [5, 1, 3],
        "resolution": [[768.0, 1280.0], [1024.0, 1024.0], [48.0, 80.0]],
        "aspect_ratio": [0.6, 1.0, 0.6],
        "diffusers": True,
    },
    "pixart-sigma": {
        "seed": 402,
        "config": dict(
            input_size=8, patch_size=4, in_channels=3, hidden_size=36, depth=1, num_heads=3, caption_channels=8,
            pe_interpolation=0.5, model_max_length=4, pred_sigma=False,
        ),
        "latent": (2, 3, 8, 8),
        "time": [12.25, 831.5],
        "lengths": [2, 4],
        "diffusers": True,
    },
    # PixArt-Sigma with compressed keys and values, which diffusers does not have.
    "pixart-kv": {
        "seed": 403,
        "config": dict(
            input_size=8, hidden_size=24, depth=2, num_heads=2, caption_channels=8, pe_interpolation=1.0,
            model_max_length=3, kv_compress_config=dict(sampling="conv", scale_factor=2, kv_compress_layer=[1]),
        ),
        "latent": (2, 4, 8, 16),
        "time": [500.0, 20.0],
        "lengths": [3, 2],
        "diffusers": False,
    },
}

UVIT_CASES = {
    "uvit-labels": {
        "seed": 501,
        "config": dict(
            img_size=8, patch_size=2, in_chans=4, embed_dim=24, depth=4, num_heads=2, num_classes=6, conv=False
        ),
        "time": [1000.0, 421.5, 1.0],
        "labels": [0, 3, 5],
    },
    "uvit-caption": {
        "seed": 502,
        "config": dict(
            img_size=8, patch_size=4, in_chans=3, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.5, clip_dim=10,
            num_clip_token=5,
        ),
        "time": [700.0, 3.0],
        "caption": (5, 10),
    },
    "uvit-plain": {
        "seed": 503,
        "config": dict(img_size=8, patch_size=2, in_chans=3, embed_dim=16, depth=2, num_heads=2, num_classes=-1),
        "time": [250.0],
    },
}

PIXART_XL = dict(hidden_size=1152, depth=28, num_heads=16)
KV_COMPRESSION = dict(sampling="conv", scale_factor=2, kv_compress_layer=list(range(14, 28)))
IMAGENET = dict(mlp_ratio=4, num_classes=1001)
IMAGENET_64 = dict(img_size=64, patch_size=4, num_classes=1000)

# The settings of the official configuration files.
PUBLISHED = {
    "PixArt-XL-2-256x256": ("pixart", dict(input_size=32, model_max_length=120, **PIXART_XL)),
    "PixArt-XL-2-512x512": ("pixart", dict(input_size=64, model_max_length=120, **PIXART_XL)),
    "PixArt-XL-2-1024-MS": ("pixart", dict(input_size=128, model_max_length=120, micro_condition=True, **PIXART_XL)),
    "PixArt-Sigma-XL-2-256x256": ("pixart", dict(input_size=32, model_max_length=300, **PIXART_XL)),
    "PixArt-Sigma-XL-2-512-MS": ("pixart", dict(input_size=64, model_max_length=300, **PIXART_XL)),
    "PixArt-Sigma-XL-2-1024-MS": ("pixart", dict(input_size=128, model_max_length=300, **PIXART_XL)),
    "PixArt-Sigma-XL-2-2K-MS": ("pixart", dict(input_size=256, model_max_length=300, **PIXART_XL)),
    "PixArt-Sigma-XL-2-2K-MS with compression": (
        "pixart", dict(input_size=256, model_max_length=300, kv_compress_config=KV_COMPRESSION, **PIXART_XL),
    ),
    "cifar10_uvit_small": ("uvit", dict(img_size=32, patch_size=2, embed_dim=512, depth=12, num_heads=8)),
    "celeba64_uvit_small": ("uvit", dict(img_size=64, patch_size=4, embed_dim=512, depth=12, num_heads=8)),
    "mscoco_uvit_small": (
        "uvit_t2i", dict(img_size=32, patch_size=2, in_chans=4, embed_dim=512, depth=12, num_heads=8),
    ),
    "mscoco_uvit_small_deep": (
        "uvit_t2i", dict(img_size=32, patch_size=2, in_chans=4, embed_dim=512, depth=16, num_heads=8),
    ),
    "imagenet64_uvit_mid": ("uvit", dict(embed_dim=768, depth=16, num_heads=12, **IMAGENET_64)),
    "imagenet64_uvit_large": ("uvit", dict(embed_dim=1024, depth=20, num_heads=16, **IMAGENET_64)),
    "imagenet256_uvit_large": (
        "uvit", dict(img_size=32, patch_size=2, in_chans=4, embed_dim=1024, depth=20, num_heads=16, **IMAGENET),
    ),
    "imagenet256_uvit_huge": (
        "uvit",
        dict(img_size=32, patch_size=2, in_chans=4, embed_dim=1152, depth=28, num_heads=16, conv=False, **IMAGENET),
    ),
    "imagenet512_uvit_large": (
        "uvit", dict(img_size=64, patch_size=4, in_chans=4, embed_dim=1024, depth=20, num_heads=16, **IMAGENET),
    ),
    "imagenet512_uvit_huge": (
        "uvit",
        dict(img_size=64, patch_size=4, in_chans=4, embed_dim=1152, depth=28, num_heads=16, conv=False, **IMAGENET),
    ),
}


def main():
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    cases = [make_sit(name, case) for name, case in SIT_CASES.items()]
    cases += [make_pixart(name, case) for name, case in PIXART_CASES.items()]
    cases += [make_uvit(name, case) for name, case in UVIT_CASES.items()]
    manifest = {
        "script": "scripts/make-transformer-fixtures.py",
        "upstream": [
            {"repository": "https://github.com/willisma/SiT", "commit": commit_of(SIT)},
            {"repository": "https://github.com/PixArt-alpha/PixArt-sigma", "commit": commit_of(PIXART)},
            {"repository": "https://github.com/baofff/U-ViT", "commit": commit_of(UVIT)},
        ],
        "versions": {
            module.__name__: module.__version__ for module in (torch, timm, diffusers, einops, safetensors)
        },
        "tolerance": TOLERANCE,
        "cases": cases,
        "macs": {name: count_macs(*published) for name, published in PUBLISHED.items()},
    }
    (OUTPUT / "transformers.json").write_text(json.dumps(manifest, indent=1) + "\n")


def commit_of(checkout):
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def make_sit(name, case):
    rng = torch.Generator().manual_seed(case["seed"])
    config = case["config"]
    model = sit_models.SiT(**config).eval()
    randomize(model, rng, fixed=("pos_embed",))
    save(name, model.state_dict())
    save(f"{name}-diffusers", as_diffusers_dit(model, config))
    embed = sit_models.TimestepEmbedder.timestep_embedding
    model = model.double()
    model.t_embedder.timestep_embedding = lambda t, dim: embed(t.float(), dim).double()
    branches = watch((branch for block in model.blocks for branch in (block.attn, block.mlp)))
    time, labels = torch.tensor(case["time"]), torch.tensor(case["labels"])
    latent = torch.randn(len(labels), config["in_channels"], config["input_size"], config["input_size"], generator=rng)
    output = model(latent.double(), time.double(), labels)
    save_run(name, {"latent": latent, "time": time, "labels": labels.int(), "output": output}, branches)
    return {"name": name, **case}


def as_diffusers_dit(model, config):
    """The weights as diffusers names them; loading them into its DiT checks that nothing is missing or left over."""
    state, tensors = model.state_dict(), {}
    move(state, tensors, {"x_embedder.proj": "pos_embed.proj", "final_layer.linear": "proj_out_2"})
    move(state, tensors, {"final_layer.adaLN_modulation.1": "proj_out_1"})
    for block in range(config["depth"]):
        own, other = f"blocks.{block}", f"transformer_blocks.{block}"
        for i, part in ((0, "linear_1"), (2, "linear_2")):
            for kind in ("weight", "bias"):
                embedding = state[f"t_embedder.mlp.{i}.{kind}"].clone()
                tensors[f"{other}.norm1.emb.timestep_embedder.{part}.{kind}"] = embedding
        table = state["y_embedder.embedding_table.weight"].clone()
        tensors[f"{other}.norm1.emb.class_embedder.embedding_table.weight"] = table
        move(state, tensors, {
            f"{own}.adaLN_modulation.1": f"{other}.norm1.linear",
            f"{own}.attn.proj": f"{other}.attn1.to_out.0",
            f"{own}.mlp.fc1": f"{other}.ff.net.0.proj",
            f"{own}.mlp.fc2": f"{other}.ff.net.2",
        })
        split(state, tensors, f"{own}.attn.qkv", [f"{other}.attn1.to_{part}" for part in "qkv"])
    outputs = config["in_channels"] * (1 if config.get("learn_sigma") is False else 2)
    if config.get("mlp_ratio", 4) == 4:
        DiTTransformer2DModel(
            num_attention_heads=config["num_heads"], attention_head_dim=config["hidden_size"] // config["num_heads"],
            in_channels=config["in_channels"], out_channels=outputs, num_layers=config["depth"],
            sample_size=config["input_size"], patch_size=config["patch_size"], num_embeds_ada_norm=config["num_classes"],
        ).load_state_dict(tensors, strict=True)
    return tensors


def move(state, tensors, names):
    for own, other in names.items():
        for kind in ("weight", "bias"):
            tensors[f"{other}.{kind}"] = state[f"{own}.{kind}"]


def split(state, tensors, own, others):
    for kind in ("weight", "bias"):
        for other, part in zip(others, state[f"{own}.{kind}"].chunk(len(others))):
            tensors[f"{other}.{kind}"] = part


def make_pixart(name, case):
    rng = torch.Generator().manual_seed(case["seed"])
    config, size = case["config"], case["latent"]
    model = quiet(PixArtMS, **config).eval()
    randomize(model, rng)
    save(name, model.state_dict())
    weights = as_diffusers_pixart(model, config) if case["diffusers"] else None
    model = model.double()
    branches = watch((branch for b in model.blocks for branch in (b.attn, b.cross_attn, b.mlp)))

    time = torch.tensor(case["time"])
    caption = torch.randn(size[0], config["model_max_length"], config["caption_channels"], generator=rng)
    mask = (torch.arange(config["model_max_length"])[None] < torch.tensor(case["lengths"])[:, None]).int()
    latent = torch.randn(size, generator=rng)
    inputs = {"latent": latent, "time": time, "caption": caption, "captionMask": mask}
    sizes = {}
    if "resolution" in case:
        sizes = {"resolution": torch.tensor(case["resolution"]), "aspectRatio": torch.tensor(case["aspect_ratio"])[:, None]}
    data = {"img_hw": sizes.get("resolution"), "aspect_ratio": sizes.get("aspectRatio")}
    output = model(
        latent.double(), time.double(), caption.double()[:, None], mask=mask[:, None, None], data_info=data
    )
    if weights is not None:
        save(f"{name}-diffusers", weights)
        other = run_diffusers_pixart(case, weights, inputs | sizes)
        # Up to the position table, which diffusers rounds to float32.
        error = ((other - output).abs().max() / output.abs().max()).item()
        assert error < 1e-6, f"the references disagree by {error}"
    branches = {key: value.reshape(size[0], -1, config["hidden_size"]) for key, value in branches.items()}
    save_run(name, inputs | sizes | {"output": output}, branches)
    return {"name": name, **case}


def as_diffusers_pixart(model, config):
    state, tensors = model.state_dict(), {}
    move(state, tensors, {
        "x_embedder.proj": "pos_embed.proj",
        "y_embedder.y_proj.fc1": "caption_projection.linear_1",
        "y_embedder.y_proj.fc2": "caption_projection.linear_2",
        "t_embedder.mlp.0": "adaln_single.emb.timestep_embedder.linear_1",
        "t_embedder.mlp.2": "adaln_single.emb.timestep_embedder.linear_2",
        "t_block.1": "adaln_single.linear",
        "final_layer.linear": "proj_out",
    })
    if config.get("micro_condition"):
        move(state, tensors, {
            "csize_embedder.mlp.0": "adaln_single.emb.resolution_embedder.linear_1",
            "csize_embedder.mlp.2": "adaln_single.emb.resolution_embedder.linear_2",
            "ar_embedder.mlp.0": "adaln_single.emb.aspect_ratio_embedder.linear_1",
            "ar_embedder.mlp.2": "adaln_single.emb.aspect_ratio_embedder.linear_2",
        })
    tensors["scale_shift_table"] = state["final_layer.scale_shift_table"]
    for block in range(config["depth"]):
        own, other = f"blocks.{block}", f"transformer_blocks.{block}"
        tensors[f"{other}.scale_shift_table"] = state[f"{own}.scale_shift_table"]
        move(state, tensors, {
            f"{own}.attn.proj": f"{other}.attn1.to_out.0",
            f"{own}.cross_attn.q_linear": f"{other}.attn2.to_q",
            f"{own}.cross_attn.proj": f"{other}.attn2.to_out.0",
            f"{own}.mlp.fc1": f"{other}.ff.net.0.proj",
            f"{own}.mlp.fc2": f"{other}.ff.net.2",
        })
        split(state, tensors, f"{own}.attn.qkv", [f"{other}.attn1.to_{part}" for part in "qkv"])
        split(state, tensors, f"{own}.cross_attn.kv_linear", [f"{other}.attn2.to_{part}" for part in "kv"])
    return {key: value.clone() for key, value in tensors.items()}


def run_diffusers_pixart(case, weights, inputs):
    config = case["config"]
    channels = config.get("in_channels", 4)
    model = PixArtTransformer2DModel(
        num_attention_heads=config["num_heads"], attention_head_dim=config["hidden_size"] // config["num_heads"],
        in_channels=channels, out_channels=channels if config.get("pred_sigma") is False else 2 * channels,
        num_layers=config["depth"], cross_attention_dim=config["hidden_size"], sample_size=config["input_size"],
        patch_size=config.get("patch_size", 2), interpolation_scale=config["pe_interpolation"],
        use_additional_conditions=config.get("micro_condition", False), caption_channels=config["caption_channels"],
    ).eval()
    model.load_state_dict(weights, strict=True)
    return model.double()(
        inputs["latent"].double(), encoder_hidden_states=inputs["caption"].double(), timestep=inputs["time"].double(),
        added_cond_kwargs={"resolution": inputs.get("resolution"), "aspect_ratio": inputs.get("aspectRatio")},
        encoder_attention_mask=inputs["captionMask"],
    ).sample


def make_uvit(name, case):
    rng = torch.Generator().manual_seed(case["seed"])
    config = case["config"]
    model = (uvit_t2i if "caption" in case else uvit).UViT(**config).eval()
    randomize(model, rng)
    save(name, model.state_dict())
    model = model.double()
    blocks = [*model.in_blocks, model.mid_block, *model.out_blocks]
    branches = watch((branch for block in blocks for branch in (block.attn, block.mlp)))
    time = torch.tensor(case["time"])
    latent = torch.randn(len(time), config["in_chans"], config["img_size"], config["img_size"], generator=rng)
    inputs, condition = {"latent": latent, "time": time}, []
    if "labels" in case:
        condition = [torch.tensor(case["labels"])]
        inputs["labels"] = condition[0].int()
    if "caption" in case:
        inputs["caption"] = torch.randn(len(time), *case["caption"], generator=rng)
        condition = [inputs["caption"].double()]
    output = model(latent.double(), time, *condition)
    save_run(name, inputs | {"output": output}, branches)
    return {"name": name, **case}


def watch(modules):
    """Collects the outputs of modules by their place, when they run."""
    outputs = {}
    for index, module in enumerate(modules):
        module.register_forward_hook(lambda _m, _i, output, key=f"branch.{index}": outputs.update({key: output}))
    return outputs


def count_macs(kind, config):
    """Multiply-accumulates of one sample: of every branch in the order they run, and of the whole model."""
    make = {"pixart": PixArtMS, "uvit": uvit.UViT, "uvit_t2i": uvit_t2i.UViT}[kind]
    # The drop rates of the official PixArt are read off a tensor, which the meta device cannot do.
    rates = mock.patch("torch.linspace", lambda _first, _last, count: torch.zeros(count, device="cpu"))
    with torch.device("meta"), rates:
        model = quiet(make, **{"in_chans": 3, **config} if kind == "uvit" else config).eval()
        time = torch.ones(1)
        if kind == "pixart":
            size = config["input_size"]
            data = {"img_hw": torch.ones(1, 2), "aspect_ratio": torch.ones(1, 1)}
            inputs = [torch.ones(1, 4, size, size), time, torch.ones(1, 1, config["model_max_length"], 4096)]
            keywords = {"data_info": data}
            # The position table is computed by NumPy.
            zeros = torch.zeros(1, (size // 2) ** 2, config["hidden_size"])
            patch = mock.patch("diffusion.model.nets.PixArtMS.torch.from_numpy", return_value=zeros[0])
        else:
            shape = (1, config.get("in_chans", 3), config["img_size"], config["img_size"])
            inputs, keywords, patch = [torch.ones(shape), time], {}, contextlib.nullcontext()
            if kind == "uvit_t2i":
                inputs.append(torch.ones(1, 77, 768))
            elif config.get("num_classes", -1) > 0:
                inputs.append(torch.ones(1, dtype=torch.int64))
        with patch, FlopCounterMode(display=False, depth=None) as counter:
            model(*inputs, **keywords)
    counts = {name: sum(ops.values()) // 2 for name, ops in counter.get_flop_counts().items()}
    parts = ("attn", "cross_attn", "mlp") if kind == "pixart" else ("attn", "mlp")
    root = type(model).__name__
    if kind == "pixart":
        blocks = [f"blocks.{i}" for i in range(config["depth"])]
    else:
        half = config["depth"] // 2
        blocks = [f"in_blocks.{i}" for i in range(half)] + ["mid_block"] + [f"out_blocks.{i}" for i in range(half)]
    branches = [counts[f"{root}.{block}.{part}"] for block in blocks for part in parts]
    return {"branches": run_lengths(branches, len(parts)), "total": counts["Global"], "parameters": trained(model)}


def run_lengths(branches, parts):
    """Equal blocks in a row as [count, [macs of each branch]]."""
    runs = []
    for start in range(0, len(branches), parts):
        block = branches[start : start + parts]
        if runs and runs[-1][1] == block:
            runs[-1][0] += 1
        else:
            runs.append([1, block])
    return runs


def trained(model):
    """Numbers of a model's parameters, without tables that are computed or not used."""
    tensors = model.state_dict().items() if isinstance(model, PixArtMS) else model.named_parameters()
    fixed = ("pos_embed", "y_embedder.y_embedding") if isinstance(model, PixArtMS) else ()
    return sum(value.numel() for name, value in tensors if name not in fixed)


def randomize(model, rng, fixed=()):
    """Random values for every parameter, the zero-initialised ones included, that keep activations near unit scale."""
    for name, parameter in model.named_parameters():
        if name in fixed:
            continue
        noise = torch.randn(parameter.shape, generator=rng)
        if "embedding_table" in name or "label_emb" in name:
            parameter.copy_(noise)
        elif "pos_embed" in name or "scale_shift_table" in name:
            parameter.copy_(0.5 * noise)
        elif parameter.ndim > 1:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
        elif name.endswith("weight"):
            parameter.copy_(1 + 0.1 * noise)
        else:
            parameter.copy_(0.1 * noise)


def quiet(make, **config):
    with contextlib.redirect_stdout(io.StringIO()):
        return make(**config)


def save(name, tensors):
    save_file({key: value.contiguous() for key, value in tensors.items()}, OUTPUT / f"{name}.safetensors")


def save_run(name, tensors, branches):
    whole = {key: value if value.dtype == torch.int32 else value.float() for key, value in tensors.items()}
    save(f"{name}-run", whole | {key: value.float() for key, value in branches.items()})


if __name__ == "__main__":
    main()
