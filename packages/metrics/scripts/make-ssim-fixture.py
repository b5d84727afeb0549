"""Reference values of PSNR and SSIM for src/__fixtures__/skimage.json, by scikit-image.

    pip install "scikit-image==0.25.2" "numpy==2.4.6"
    python scripts/make-ssim-fixture.py > src/__fixtures__/skimage.json
"""

import json
import sys

import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

rng = np.random.default_rng(2004)


def smooth(height, width, channels):
    """Waves of random direction per channel: structure for SSIM to find."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        0.5 + 0.4 * np.sin(x * a + y * b + c)
        for a, b, c in rng.uniform(0.1, 0.9, size=(channels, 3))
    ]
    return np.stack(waves, axis=-1)


def case(name, reference, image, data_range):
    return {
        "name": name,
        "dtype": str(reference.dtype),
        "height": reference.shape[0],
        "width": reference.shape[1],
        "channels": reference.shape[2],
        "dataRange": data_range,
        "reference": [float(v) for v in reference.ravel()],
        "image": [float(v) for v in image.ravel()],
        "psnr": float(peak_signal_noise_ratio(reference, image, data_range=data_range)),
        "ssim": float(
            structural_similarity(
                reference,
                image,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=data_range,
                channel_axis=-1,
            )
        ),
    }


def to_bytes(image):
    return np.clip(np.round(image * 255), 0, 255).astype(np.uint8)


def noisy(image, std):
    return image + std * rng.standard_normal(image.shape)


def float64(image):
    """Few digits, so that the fixture stays small and exact."""
    return np.round(image, 4)


a = smooth(14, 17, 3)
b = smooth(20, 13, 1)
cases = [
    case("uint8 RGB with noise", to_bytes(a), to_bytes(noisy(a, 0.05)), 255),
    case("uint8 RGB of another structure", to_bytes(a), to_bytes(smooth(14, 17, 3)), 255),
    case("float grey in [0, 1] with noise", float64(b), float64(noisy(b, 0.1)), 1),
    case("float grey in [-1, 1] with noise", float64(2 * b - 1), float64(noisy(2 * b - 1, 0.1)), 2),
    case("float grey in [0, 1], inverted", float64(b), float64(1 - b), 1),
    case("float at the smallest size", float64(a[:11, :11]), float64(0.8 * a[:11, :11]), 1),
]
json.dump(
    {"scikit-image": skimage.__version__, "numpy": np.__version__, "cases": cases}, sys.stdout
)
print()
