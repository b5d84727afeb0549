"""Reference features for src/__fixtures__/keras-inception.npz, by Keras, stored as float32.

    pip install "keras==3.15.1" "torch==2.15.0" "torch-fidelity==0.4.0" "numpy==2.4.6"
    KERAS_BACKEND=torch python scripts/make-keras-inception-fixture.py src/__fixtures__/keras-inception.npz

Weights are numbers of 8 bits that come from one formula of their names and positions, as in test/formula-weights.ts, so
that none is stored. Their names and shapes, in the order in which Keras lists them, are. torch-fidelity resizes the image.
"""

import sys

import formula
import keras
import numpy as np
import torch
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

torch.set_num_threads(2)
keras.backend.set_floatx("float64")
model = keras.applications.InceptionV3(weights=None, classes=5, classifier_activation=None)
names = sorted(weight.path for weight in model.weights)
model.set_weights(
    [formula.quantized_values(w.path, tuple(w.shape), names.index(w.path)) for w in model.weights]
)
parts = {"features": "avg_pool", "spatial": "mixed6", "logits": "predictions"}
outputs = keras.Model(model.inputs, {name: model.get_layer(layer).output for name, layer in parts.items()})
pixels = interpolate_bilinear_2d_like_tensorflow1x(
    formula.image(40, 56, 1001).double(), size=(299, 299), align_corners=False
)
x = pixels.permute(0, 2, 3, 1) / 127.5 - 1
results = {name: value.detach().numpy() for name, value in outputs(x, training=False).items()}
results["spatial"] = results["spatial"][..., :7].reshape(1, -1)
arrays = {name: value.astype(np.float32) for name, value in results.items()}
weights = " ".join(f"{w.path}:{','.join(map(str, w.shape))}" for w in model.weights)
np.savez_compressed(sys.argv[1], weights=np.array(weights), **arrays)
for name, array in arrays.items():
    print(name, array.shape, array.mean(), array.std(), np.abs(array).max(), file=sys.stderr)
