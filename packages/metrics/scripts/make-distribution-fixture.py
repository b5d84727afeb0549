"""Reference values of distribution metrics for src/__fixtures__/distribution.json, by torch-fidelity and clean-fid.

    pip install "torch-fidelity==0.4.0" "clean-fid==0.1.35" "torch==2.15.0" "numpy==2.4.6" "scipy==1.17.1"
    python scripts/make-distribution-fixture.py > src/__fixtures__/distribution.json

Features are multiples of 1/64, so that JSON holds them exactly. KID over subsets is computed on the rows that
torch-fidelity draws, which are stored. torch-fidelity reads only tensors; clean-fid only arrays.
"""

import json
import sys

import cleanfid
import numpy as np
import scipy
import torch
import torch_fidelity
from cleanfid.fid import frechet_distance, kernel_distance
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

torch.set_num_threads(1)
rng = np.random.default_rng(2017)


def features(count, dimension, shift, scale):
    """Correlated, non-negative on the whole, with columns of different spread."""
    mixing = np.eye(dimension) + 0.3 * np.random.default_rng(5).standard_normal((dimension, dimension))
    spread = np.linspace(0.3, 2, dimension) * scale
    x = rng.standard_normal((count, dimension)) * spread @ mixing + shift
    return np.round(x * 64) / 64


def subset_rows(sizes, subsets, subset_size, seed=2020):
    state = np.random.RandomState(seed)
    return [
        {
            "features": state.choice(sizes[0], subset_size, replace=False).tolist(),
            "references": state.choice(sizes[1], subset_size, replace=False).tolist(),
        }
        for _ in range(subsets)
    ]


def case(name, x, y):
    """x is generated, y is real."""
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    sx, sy = fid_features_to_statistics(tx), fid_features_to_statistics(ty)
    whole = min(len(x), len(y))
    kid = kid_features_to_metric(
        tx, ty, kid_subsets=7, kid_subset_size=40, kid_kernel="poly", rng_seed=2020, verbose=False
    )
    equal = kid_features_to_metric(
        tx[:whole], ty[:whole], kid_subsets=1, kid_subset_size=whole, kid_kernel="poly", verbose=False
    )
    out = {
        "name": name,
        "dimension": x.shape[1],
        "features": (x * 64).astype(int).ravel().tolist(),
        "references": (y * 64).astype(int).ravel().tolist(),
        "fid": {
            "torchFidelity": fid_statistics_to_metric(sx, sy, verbose=False)["frechet_inception_distance"],
            "cleanFid": float(
                frechet_distance(
                    x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False)
                )
            ),
        },
        "kid": {
            "rows": subset_rows((len(x), len(y)), 7, 40),
            "mean": kid["kernel_inception_distance_mean"],
            "std": kid["kernel_inception_distance_std"],
            "whole": equal["kernel_inception_distance_mean"],
            "wholeCleanFid": float(
                kernel_distance(x[:whole], y[:whole], num_subsets=1, max_subset_size=whole)
            ),
        },
        "inceptionScore": {
            splits: isc_features_to_metric(tx, splits=splits, shuffle=False) for splits in (1, 3, 10)
        },
        "precisionRecall": {
            k: prc_features_to_metric(
                tx, ty, prc_neighborhood=k, prc_batch_size=1000, save_cpu_ram=False, verbose=False
            )
            for k in (1, 3, 5)
        },
    }
    return out


cases = [
    case("close, of equal size", features(120, 12, 0.5, 1.0), features(120, 12, 0.5, 1.0)),
    case("shifted, of different sizes", features(90, 12, 0.9, 1.0), features(150, 12, 0.5, 1.0)),
    case("narrow", features(101, 12, 0.5, 0.4), features(97, 12, 0.5, 1.0)),
]
json.dump(
    {
        "torch-fidelity": torch_fidelity.__version__,
        "clean-fid": "0.1.35",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "cases": cases,
    },
    sys.stdout,
)
print()
