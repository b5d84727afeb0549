"""Decisions of the official HarmoniCa and Learning-to-Cache inference code on random routers.

Each project's own model loads a router checkpoint that its own Router class made, runs a whole sampling sequence, and
hooks count which branches ran. Writes src/__fixtures__/official-routers.json.

    git clone https://github.com/ModelTC/HarmoniCa          # at 5d7f78d8019122b3d2c53620543ea79d24fa81f6
    git clone https://github.com/horseee/learning-to-cache  # at d6cc7817842e1353b8d902af263bab030b8478da
    pip install torch==2.15.0 timm==1.0.31 numpy==2.4.6
    python scripts/make-official-routers-fixture.py HarmoniCa learning-to-cache/DiT \
        > src/__fixtures__/official-routers.json
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

DEPTH = 3
STEPS = 8
THRESHOLD = 0.4


def run(project):
    sys.path.insert(0, project)
    import numpy as np
    import timm
    import torch
    from models.dynamic_models import DiT
    from models.router_models import Router

    torch.manual_seed(7)
    routers = torch.nn.ModuleList([Router(2 * DEPTH) for _ in range(STEPS)])
    if "first" in Router.__init__.__code__.co_varnames:
        routers[STEPS - 1] = Router(2 * DEPTH, first=True)

    model = DiT(
        input_size=4, patch_size=2, hidden_size=16, depth=DEPTH, num_heads=2, num_classes=5
    ).eval()
    timestep_map = [125 * i for i in range(STEPS)]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "router.pt")
        torch.save({"routers": routers.state_dict()}, path)
        with contextlib.redirect_stdout(sys.stderr):
            model.load_ranking(path, STEPS, timestep_map, THRESHOLD)
    model.reset(STEPS)

    ran = []
    for i, block in enumerate(model.blocks):
        block.attn.register_forward_hook(lambda *_, branch=2 * i: ran.append(branch))
        block.mlp.register_forward_hook(lambda *_, branch=2 * i + 1: ran.append(branch))

    table = []
    with torch.no_grad():
        for t in reversed(timestep_map):
            ran.clear()
            model(torch.randn(2, 4, 4, 4), torch.tensor([t, t]), torch.tensor([0, 1]))
            table.append("".join("1" if k in ran else "0" for k in range(2 * DEPTH)))
    return {
        "torch": torch.__version__,
        "timm": timm.__version__,
        "numpy": np.__version__,
        "threshold": THRESHOLD,
        "tensors": {name: value.tolist() for name, value in routers.state_dict().items()},
        "table": table,
    }


if len(sys.argv) == 2:
    print(json.dumps(run(sys.argv[1])))
else:
    # A process each: both projects call their package `models`.
    harmonica, learning_to_cache = (
        json.loads(subprocess.check_output([sys.executable, __file__, path]))
        for path in sys.argv[1:3]
    )
    print(json.dumps({"harmonica": harmonica, "learning-to-cache": learning_to_cache}))
