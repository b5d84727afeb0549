"""Statistics files as NumPy writes them, for src/__fixtures__/statistics*.npz.

    pip install "numpy==2.4.6"
    python scripts/make-statistics-fixture.py src/__fixtures__
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
mu = np.arange(3) / 8
sigma = np.array([[4, 1, 0.5], [1, 3, 0.25], [0.5, 0.25, 2]])

# As pytorch-fid writes them, and as a file of several statistics in single precision and column order.
np.savez_compressed(folder / "statistics.npz", mu=mu, sigma=sigma)
np.savez(
    folder / "statistics-two.npz",
    mu=mu.astype(np.float32),
    sigma=np.asfortranarray(sigma.astype(np.float32)),
    mu_s=mu + 1,
    sigma_s=sigma.astype(">f8"),
    count=np.int64(50000),
)
