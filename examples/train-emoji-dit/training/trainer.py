"""One optimizer step of the diffusion transformer, and averages of its weights."""

from __future__ import annotations

import argparse
import copy
from typing import Callable

import torch
import torch.nn as nn

from diffusion import STEPS, Diffusion
from dit import DiT
from latents import LatentPosteriors

RUNNING_MSE_DECAY = 0.99


class BatchSource:
    """Draws training pictures by weight, with replacement, mirrored at random where allowed."""

    def __init__(
        self,
        posteriors: LatentPosteriors,
        labels: torch.Tensor,
        may_flip: torch.Tensor,
        weights: torch.Tensor,
    ) -> None:
        self.posteriors, self.labels, self.may_flip = posteriors, labels, may_flip
        self.cumulative = weights.cumsum(0) / weights.sum()

    def draw(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents [count, 4, 16, 16] and labels [count]."""
        device = self.labels.device
        uniform = torch.rand(count, device=device, dtype=torch.float64)
        image = torch.searchsorted(self.cumulative, uniform, right=True)
        image = image.clamp(max=len(self.labels) - 1)
        label = self.labels[image]
        mirrored = (torch.rand(count, device=device) < 0.5) & self.may_flip[label]
        noise = torch.randn(count, 4, 16, 16, device=device)
        return self.posteriors.sample(image + mirrored * self.posteriors.images, noise), label


class Trainer:
    """One optimizer step over a fresh batch; on CUDA the whole step is replayed as one graph."""

    def __init__(
        self, model: DiT, diffusion: Diffusion, source: BatchSource, options: argparse.Namespace
    ) -> None:
        self.model, self.diffusion, self.source, self.options = model, diffusion, source, options
        self.device = source.labels.device
        on_cuda = self.device.type == "cuda"
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.learning_rate = torch.zeros((), device=self.device)
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=self.learning_rate if on_cuda else 0.0,
            betas=(0.9, 0.98),
            weight_decay=options.weight_decay,
            fused=on_cuda,
            capturable=on_cuda,
        )
        self.running_mse = torch.zeros((), device=self.device)
        self.loss: Callable = torch.compile(self._loss) if options.compile else self._loss
        self.step: Callable[[], None] = self._eager_step

    def warm_up(self, steps: int = 12) -> None:
        """Compiles, runs a few steps at learning rate zero, and captures the step if asked to."""
        self.set_learning_rate(0.0)
        if not self.options.cuda_graph:
            self._eager_step()
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(steps):
                self._eager_step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self._forward_backward_update()
        self.step = graph.replay

    def set_learning_rate(self, value: float) -> None:
        if self.device.type == "cuda":
            self.learning_rate.fill_(value)
            return
        for group in self.optimizer.param_groups:
            group["lr"] = value

    def synchronize(self) -> None:
        """Waits until the device has done every queued step."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _eager_step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self._forward_backward_update()

    def _forward_backward_update(self) -> None:
        count = self.options.batch_size
        clean, label = self.source.draw(count)
        dropped = torch.rand(count, device=self.device) < self.options.label_dropout
        label = label.masked_fill(dropped, self.model.config.null_class)
        t = torch.randint(0, STEPS, (count,), device=self.device)
        loss, mse = self.loss(clean, t, label, torch.randn_like(clean))
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.running_mse.lerp_(mse.detach(), 1 - RUNNING_MSE_DECAY)

    def _loss(
        self, clean: torch.Tensor, t: torch.Tensor, label: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        noisy = self.diffusion.add_noise(clean, t, noise)
        with torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False):
            output = self.model(noisy, t, label)
        return self.diffusion.loss(output, clean, noisy, t, noise)


class Averages:
    """Exponential moving averages of the weights, one per decay."""

    def __init__(self, model: DiT, decays: list[float]) -> None:
        self.source = list(model.parameters())
        self.models = {
            decay: copy.deepcopy(model).eval().requires_grad_(False) for decay in decays
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Young averages forget faster: the decay is at most (1 + step) / (10 + step)."""
        for decay, average in self.models.items():
            weight = 1 - min(decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(average.parameters()), self.source, weight)
