"""Reference features for src/__fixtures__/inception.npz, by torch-fidelity in float64, stored as float32.

    pip install "torch-fidelity==0.4.0" "torch==2.15.0" "numpy==2.4.6"
    python scripts/make-inception-fixture.py src/__fixtures__/inception.npz

Weights and images come from one formula of their names and positions, as in test/formula-weights.ts, so that none is
stored.
"""

import os
import sys
import tempfile

import formula
import numpy as np
import torch
from torch_fidelity import feature_extractor_inceptionv3 as reference

torch.set_num_threads(2)


def network():
    """torch-fidelity's network with these weights; its loading from a file is all that is used."""
    template = {}
    original = reference.FeatureExtractorInceptionV3.load_state_dict
    reference.FeatureExtractorInceptionV3.load_state_dict = lambda self, _: template.update(self.state_dict())
    outputs = ["2048", "logits_unbiased"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weights.pth")
        torch.save({}, path)
        reference.FeatureExtractorInceptionV3("i", outputs, feature_extractor_weights_path=path)
        reference.FeatureExtractorInceptionV3.load_state_dict = original
        names = sorted(name for name in template if not name.endswith("num_batches_tracked"))
        state = {name: formula.values(name, tuple(template[name].shape), salt) for salt, name in enumerate(names)}
        state |= {name: x for name, x in template.items() if name not in state}
        torch.save(state, path)
        return reference.FeatureExtractorInceptionV3(
            "i", outputs, feature_extractor_weights_path=path, feature_extractor_internal_dtype="float64"
        )


model = network()
spatial = []
model.Mixed_6d.register_forward_hook(lambda _module, _inputs, y: spatial.append(y[:, :7].permute(0, 2, 3, 1)))
arrays = {}
for name, pixels in {"small": formula.image(40, 56, 1001), "large": formula.image(310, 330, 1002)}.items():
    features, logits = model(pixels)
    arrays |= {
        f"{name}.features": features.numpy(),
        f"{name}.spatial": spatial.pop().flatten(1).float().numpy(),
        f"{name}.logits": logits.numpy(),
    }
np.savez(sys.argv[1], **arrays)
for name, array in arrays.items():
    print(name, array.shape, array.dtype, array.mean(), array.std(), np.abs(array).max(), file=sys.stderr)
