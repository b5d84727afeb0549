"""Decisions and predictions of published training-free caches, by their own code on small inputs.

Writes src/__fixtures__/official-policies.json, which holds for each method what it was given and what it did:
SmoothCache (official), Pyramid Attention Broadcast (official and diffusers), TaylorSeer (official and diffusers),
MagCache and first-block cache (diffusers), DBCache (cache-dit), and polynomial fits (numpy).

    git clone https://github.com/Roblox/SmoothCache             # at edeb4edff2a7e100364cdc4ab1ee6dca45aeaa40
    git clone https://github.com/NUS-HPC-AI-Lab/VideoSys        # at 4cce477878b0683b5c05cd001ce45ac0e2fc3034
    git clone https://github.com/Shenyi-Z/TaylorSeer            # at 288776dfd0cbb6e201c654c31cd22139f848a6cf
    pip install torch==2.15.0 diffusers==0.42.1 cache-dit==1.0.0 numpy==2.4.6
    python scripts/make-official-policies-fixture.py SmoothCache VideoSys TaylorSeer/TaylorSeer-DiT \
        > src/__fixtures__/official-policies.json
"""

import contextlib
import importlib.util
import json
import os
import sys
import types

import numpy as np
import torch

torch.set_num_threads(1)
SMOOTH_CACHE, VIDEO_SYS, TAYLOR_SEER = (os.path.abspath(path) for path in sys.argv[1:4])


def load(path, name, package=None):
    """One source file as a module, without running its package's __init__."""
    if package and package not in sys.modules:
        parent = types.ModuleType(package)
        parent.__path__ = [os.path.dirname(path)]
        sys.modules[package] = parent
    spec = importlib.util.spec_from_file_location(f"{package}.{name}" if package else name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def bits(flags):
    return "".join("1" if flag else "0" for flag in flags)


# SmoothCache: the whole calibration on modules whose outputs are set from outside.


class Toy(torch.nn.Module):
    def forward(self, x):
        return x


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Toy(), Toy()


def smooth_cache():
    helper = load(f"{SMOOTH_CACHE}/SmoothCache/calibration/calibration_helper.py", "calibration_helper")
    rng = np.random.default_rng(3)
    steps, depth, size = 16, 2, 6
    drift = 0.02 + 0.25 * np.linspace(0, 1, steps) ** 2
    outputs = np.cumsum(rng.normal(size=(steps, 2 * depth, size)) * drift[:, None, None], axis=0)
    outputs = np.float32(np.round(outputs + 1, 4))
    cases = []
    for lookback in (1, 3):
        for threshold in (0.0, 0.05, 0.1, 0.2, 0.4, 10.0):
            model = torch.nn.Module()
            model.blocks = torch.nn.ModuleList([Block() for _ in range(depth)])
            calibration = helper.CalibrationHelper(
                model, Block, ["attn", "mlp"], lookback, threshold, steps, os.devnull
            )
            calibration.reset_state()
            calibration.wrap_components()
            for step in range(steps):
                for index, block in enumerate(model.blocks):
                    block.attn.forward(torch.from_numpy(outputs[step, 2 * index]))
                    block.mlp.forward(torch.from_numpy(outputs[step, 2 * index + 1]))
            with contextlib.redirect_stdout(sys.stderr):
                schedule = calibration.generate_schedule()
            changes = [
                [
                    [
                        calibration.calibration_results[f"blocks.{i}.{part}"][row][at]
                        for i in range(depth)
                        for part in ("attn", "mlp")
                    ]
                    for at in range(steps - 1 - row)
                ]
                for row in range(lookback)
            ]
            schedule = {name: bits(row) for name, row in schedule.items()}
            cases.append({"lookback": lookback, "threshold": threshold, "schedule": schedule})
    return {"outputs": outputs.tolist(), "changes": changes, "cases": cases}


# Pyramid Attention Broadcast.

TIMES = list(range(980, 0, -49))


def pab():
    manager = load(f"{VIDEO_SYS}/videosys/core/pab/pab_mgr.py", "pab_mgr")
    mlp = {t: {"block": [0, 2], "skip_count": count} for t, count in ((833, 2), (686, 2), (539, 3))}
    cases = []
    for spatial, cross, window in ((2, 6, (100, 800)), (2, 6, (450, 930)), (3, 4, (100, 850))):
        config = manager.PABConfig(
            spatial_broadcast=True,
            spatial_threshold=list(window),
            spatial_range=spatial,
            cross_broadcast=True,
            cross_threshold=list(window),
            cross_range=cross,
            mlp_broadcast=True,
            mlp_spatial_broadcast_config=mlp,
        )
        config.steps = len(TIMES)
        official = manager.PABManager(config)
        counts = {"spatial": 0, "cross": 0}
        attention, cross_attention, mlps = [], [], [[], [], []]
        for t in TIMES:
            flag, counts["spatial"] = official.if_broadcast_spatial(t, counts["spatial"])
            attention.append(not flag)
            flag, counts["cross"] = official.if_broadcast_cross(t, counts["cross"])
            cross_attention.append(not flag)
            for block in range(3):
                mlps[block].append(not official.if_skip_mlp(t, 0, block, TIMES)[0])
        cases.append(
            {
                "ranges": {"attention": spatial, "cross-attention": cross},
                "window": window,
                "attention": bits(attention),
                "crossAttention": bits(cross_attention),
                "diffusers": {
                    "attention": diffusers_pab(spatial, window),
                    "crossAttention": diffusers_pab(cross, window),
                },
                "mlp": [bits(block) for block in mlps],
            }
        )
    return {
        "times": TIMES,
        "mlp": [{"time": t, "blocks": v["block"], "steps": v["skip_count"]} for t, v in mlp.items()],
        "cases": cases,
    }


def diffusers_pab(skip_range, window):
    from diffusers.hooks import pyramid_attention_broadcast as code

    ran = []
    module = Toy()
    module.forward = lambda x: ran.append(True) or x
    now = {}
    code._apply_pyramid_attention_broadcast_hook(module, window, skip_range, lambda: now["t"])
    flags = []
    for now["t"] in TIMES:
        ran.clear()
        module(torch.ones(1))
        flags.append(bool(ran))
    return bits(flags)


# TaylorSeer.


def taylor_seer():
    utils = load(f"{TAYLOR_SEER}/taylor_utils/__init__.py", "taylor_utils")
    cal_type = load(f"{TAYLOR_SEER}/cache_functions/cal_type.py", "cal_type").cal_type
    cases = []
    for steps, interval, order in ((50, 4, 4), (50, 3, 3), (20, 2, 1), (20, 5, 2), (12, 1, 2), (20, 3, 0)):
        values = np.round(np.random.default_rng(steps + order).normal(size=steps), 4)
        cache = {
            "cache": {-1: {0: {"attn": {}}}},
            "interval": interval,
            "max_order": order,
            "first_enhance": 2,
            "cache_counter": 0,
        }
        current = {"num_steps": steps, "activated_steps": [steps - 1], "layer": 0, "module": "attn"}
        table, out = [], []
        for i, step in enumerate(range(steps - 1, -1, -1)):
            current["step"] = step
            cal_type(cache, current)
            full = current["type"] == "full"
            if full:
                utils.taylor_cache_init(cache, current)
                utils.derivative_approximation(cache, current, torch.tensor(values[i]))
                out.append(float(values[i]))
            else:
                out.append(float(utils.taylor_formula(cache, current)))
            table.append(full)
        case = {"steps": steps, "interval": interval, "order": order, "values": values.tolist()}
        cases.append(case | {"table": bits(table), "outputs": out, "diffusers": diffusers_taylor(case)})
    return cases


def diffusers_taylor(case):
    from diffusers.hooks import taylorseer_cache as code

    manager = types.SimpleNamespace()
    state = code.TaylorSeerState(torch.float64, case["order"])
    manager.get_state = lambda: state
    hook = code.TaylorSeerCacheHook(case["interval"], 3, torch.float64, manager, case["steps"] - 2)
    table, out = [], []
    for value in case["values"]:
        full, _ = hook._measure_should_compute()
        value = torch.tensor([value], dtype=torch.float64)
        if full:
            state.update((value,))
        out.append(float(value if full else state.predict()[0]))
        table.append(full)
    return {"table": bits(table), "outputs": out}


# MagCache and first-block cache: a model of blocks that add what they are told to.


class Adding(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ran, self.addend = False, torch.zeros(1, 3, 4)

    def forward(self, hidden_states):
        self.ran = True
        return hidden_states + self.addend


class Model(torch.nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.transformer_blocks = torch.nn.ModuleList([Adding() for _ in range(depth)])

    def forward(self, x):
        for block in self.transformer_blocks:
            x = block(x)
        return x


def register():
    from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry

    metadata = TransformerBlockMetadata(return_hidden_states_index=0)
    metadata._cls = Adding
    TransformerBlockRegistry.register(Adding, metadata)


def blocks_that_ran(model, x):
    for block in model.transformer_blocks:
        block.ran = False
    model(x)
    return [block.ran for block in model.transformer_blocks]


def mag_cache():
    from diffusers.hooks import mag_cache as code

    rng = np.random.default_rng(11)
    recorded = [1.0] + np.round(1 + 0.03 * rng.normal(size=27), 4).tolist()
    cases = []
    for steps, threshold, skips, retention in (
        (28, 0.06, 3, 0.2),
        (28, 0.24, 5, 0.1),
        (20, 0.12, 3, 0.2),
        (50, 0.06, 4, 0.1),
        (28, 0.0, 3, 0.0),
        (13, 1.0, 0, 0.3),
        (28, 5.0, 2, 0.0),
    ):
        model = Model(3)
        config = code.MagCacheConfig(threshold, skips, retention, steps, recorded)
        code.apply_mag_cache(model, config)
        table = [blocks_that_ran(model, torch.ones(1, 3, 4))[0] for _ in range(steps)]
        case = {"steps": steps, "threshold": threshold, "maxSkips": skips, "retention": retention}
        cases.append(case | {"table": bits(table)})
    return {"recorded": recorded, "cases": cases, "calibration": mag_cache_calibration()}


def mag_cache_calibration():
    from diffusers.hooks import mag_cache as code

    state = types.SimpleNamespace(previous_residual=None, calibration_ratios=[])
    hook = code.MagCacheBlockHook(None, True, code.MagCacheConfig(calibrate=True))
    residuals = np.float32(np.round(np.random.default_rng(5).normal(size=(5, 2, 3, 4)), 4))
    for residual in torch.from_numpy(residuals):
        hook._perform_calibration_step(state, residual)
        state.previous_residual = residual
    return {"residuals": residuals.tolist(), "ratios": state.calibration_ratios}


def front_outputs(steps, seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(0.06 * rng.random((steps, 1, 1, 1)) * rng.normal(size=(steps, 1, 3, 4)), axis=0)
    return np.float32(np.round(1 + walk, 4))


def first_block_cache():
    from diffusers.hooks import first_block_cache as code
    from diffusers.hooks.hooks import CacheContext, _set_cache_context

    cases = []
    for threshold in (0.0, 0.02, 0.05, 0.2):
        outputs = front_outputs(24, 21)
        model = Model(3)
        code.apply_first_block_cache(model, code.FirstBlockCacheConfig(threshold))
        _set_cache_context(model, CacheContext(name="run"))
        table = []
        for output in torch.from_numpy(outputs):
            model.transformer_blocks[0].addend = output
            table.append(blocks_that_ran(model, torch.ones(1, 3, 4))[1])
        cases.append({"threshold": threshold, "outputs": outputs.reshape(24, -1).tolist(), "table": bits(table)})
    return cases


def dual_block_cache():
    with contextlib.redirect_stdout(sys.stderr):
        from cache_dit.cache_factory.cache_contexts.cache_context import BasicCacheConfig
        from cache_dit.cache_factory.cache_contexts.cache_manager import CachedContextManager

    cases = []
    for threshold, warm_up, max_cached, max_consecutive in (
        (0.08, 8, -1, -1),
        (0.03, 2, -1, -1),
        (0.05, 3, 6, -1),
        (0.2, 2, -1, 2),
        (0.04, 2, -1, 2),
        (0.06, 3, 9, 3),
        (1.0, 4, -1, 3),
        (0.0, 1, -1, -1),
    ):
        manager = CachedContextManager(f"case-{len(cases)}")
        config = BasicCacheConfig(
            residual_diff_threshold=threshold,
            max_warmup_steps=warm_up,
            max_cached_steps=max_cached,
            max_continuous_cached_steps=max_consecutive,
        )
        context = manager.new_context(name=f"case-{len(cases)}", cache_config=config)
        manager.set_context(context)
        outputs = front_outputs(28, 31)
        table = []
        for output in torch.from_numpy(outputs):
            manager.mark_step_begin()
            reuses = manager.can_cache(output)
            if reuses:
                manager.add_cached_step()
            else:
                manager.set_Fn_buffer(output)
            table.append(not reuses)
        cases.append(
            {
                "threshold": threshold,
                "warmUp": warm_up,
                "maxCached": max_cached,
                "maxConsecutive": max_consecutive,
                "outputs": outputs.reshape(28, -1).tolist(),
                "table": bits(table),
            }
        )
    return cases


def polynomials():
    rng = np.random.default_rng(17)
    x = np.round(np.concatenate([rng.random(40) * 0.4, rng.random(10) * 0.05]), 5)
    y = np.round(0.3 * x**2 + 0.6 * x + 0.02 * rng.normal(size=x.size), 5)
    fits = []
    for degree in (0, 1, 2, 4, 8):
        coefficients = np.polyfit(x, y, degree)
        residual = np.sum((y - np.polyval(coefficients, x)) ** 2)
        r_squared = 1 - residual / np.sum((y - y.mean()) ** 2)
        fits.append({"degree": degree, "coefficients": coefficients.tolist(), "rSquared": float(r_squared)})
    return {"x": x.tolist(), "y": y.tolist(), "fits": fits}


register()
document = {
    "smoothCache": smooth_cache(),
    "pab": pab(),
    "taylorSeer": taylor_seer(),
    "magCache": mag_cache(),
    "firstBlockCache": first_block_cache(),
    "dualBlockCache": dual_block_cache(),
    "polynomials": polynomials(),
}
json.dump(document, sys.stdout, separators=(",", ":"))
