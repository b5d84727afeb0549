"""The small DiT of the golden tensors: its configuration, its parameters and ways to run and watch it."""

import torch

from official import Official

CONFIG = dict(
    input_size=8, patch_size=2, in_channels=4, hidden_size=48, depth=3, num_heads=3, num_classes=10, learn_sigma=True
)
LATENT = (CONFIG["in_channels"], CONFIG["input_size"], CONFIG["input_size"])
BRANCHES = 2 * CONFIG["depth"]
NULL_LABEL = CONFIG["num_classes"]
SEEDS = dict(weights=1, forward=2, ddim=3, iddpm=4, logits=5, sdt=6, proxy=7, inference=8, l2c=9)


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(SEEDS[name])


def make_weights(official: Official) -> dict:
    """Random parameters of unit-scale activations, with the noise channels of the last layer fitted.

    Random weights everywhere are no denoiser: latents would grow a hundredfold along a sampling loop and drown the
    branches. So the rows of the last linear map that predict noise are a ridge regression, from the random features,
    to the optimal denoiser of standard normal data. The position embedding stays what it is, sines and cosines.
    Call it in float64 precision.
    """
    rng = generator("weights")
    model = official.plain.DiT(**CONFIG).double().eval()
    for name, parameter in model.named_parameters():
        if name != "pos_embed":
            parameter.data.copy_(torch.randn(parameter.shape, generator=rng) * initial_scale(name, parameter))
    fit_last_layer(model, official.create_diffusion(""), rng)
    return {name: value.float().contiguous() for name, value in model.state_dict().items()}


def initial_scale(name: str, parameter: torch.Tensor) -> float:
    """Standard deviation of a parameter: the gates are well below 1, the latent well visible among the tokens."""
    if name.endswith("bias"):
        return 0.3 if "adaLN" in name else 0.2
    if "embedding_table" in name:
        return 0.7
    gain = 0.35 if "adaLN" in name else 1.5 if "x_embedder" in name else 1.0
    return gain / parameter[0].numel() ** 0.5


@torch.no_grad()
def fit_last_layer(model, diffusion, rng, samples: int = 1024, ridge: float = 1e-3):
    """Least squares for `eps(x, t) = sqrt(1 - alphaBar_t) x`, over latents of standard deviation 0.5 to 3."""
    labels = torch.randint(0, NULL_LABEL + 1, (samples,), generator=rng)
    times = torch.randint(0, diffusion.num_timesteps, (samples,), generator=rng)
    scale = 0.5 + 2.5 * torch.rand(samples, 1, 1, 1, generator=rng)
    x = (scale * torch.randn(samples, *LATENT, generator=rng)).double()
    noise_level = torch.from_numpy(diffusion.sqrt_one_minus_alphas_cumprod)[times]
    features = captured_input(model.final_layer.linear)
    model(x, times, labels)
    inputs = features().flatten(0, 1)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    targets = patches_of(x * noise_level.reshape(-1, 1, 1, 1)).flatten(0, 1)
    gram = inputs.T @ inputs + ridge * len(inputs) * torch.eye(inputs.shape[1])
    solution = torch.linalg.solve(gram, inputs.T @ targets)
    linear, channels = model.final_layer.linear, model.in_channels
    rows = linear.weight.unflatten(0, (-1, model.out_channels))
    rows[:, :channels] = solution[:-1].T.unflatten(0, (-1, channels))
    linear.bias.unflatten(0, (-1, model.out_channels))[:, :channels] = solution[-1].unflatten(0, (-1, channels))


def patches_of(latent: torch.Tensor) -> torch.Tensor:
    """`[B, C, H, W]` to `[B, tokens, patch row x patch column x C]`, the order of the last layer's outputs."""
    patch, grid = CONFIG["patch_size"], CONFIG["input_size"] // CONFIG["patch_size"]
    cells = latent.reshape(len(latent), -1, grid, patch, grid, patch)
    return cells.permute(0, 2, 4, 3, 5, 1).reshape(len(latent), grid * grid, -1)


def captured_input(module):
    """Hooks a module; the returned function gives its most recent first input."""
    seen = []
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    return lambda: seen[-1]


def captured_output(module):
    """Hooks a module; the returned function gives its most recent output."""
    seen = []
    module.register_forward_hook(lambda _, __, output: seen.append(output))
    return lambda: seen[-1]


def load_model(module, weights: dict, dtype: torch.dtype, prepare=lambda model: None):
    """A frozen model of an official module with the golden weights, after `prepare(model)`."""
    model = module.DiT(**CONFIG)
    model.load_state_dict(weights)
    model.requires_grad_(False)
    prepare(model)
    return model.to(dtype).eval()


def labels_of(labels) -> torch.Tensor:
    """Conditional labels, then as many null labels."""
    return torch.tensor([*labels, *[NULL_LABEL] * len(labels)])


def doubled(latent: torch.Tensor) -> torch.Tensor:
    """The latents of the conditional half, twice: guidance starts both halves from the same noise."""
    return torch.cat([latent, latent])


def conditional(batch: torch.Tensor) -> torch.Tensor:
    return batch[: len(batch) // 2]


def executed_timesteps(diffusion) -> torch.Tensor:
    return torch.tensor(diffusion.timestep_map[::-1], dtype=torch.int32)
