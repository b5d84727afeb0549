"""Weights and images that follow from names and positions, as in test/formula-weights.ts."""

import numpy as np
import torch


def fractions(count, salt):
    """Numbers in [0, 1), scrambled from their positions."""
    h = np.arange(count, dtype=np.uint64) * 0x9E3779B1 + np.uint64(salt * 0x85EBCA6B % 2**32)
    h = h.astype(np.uint32)
    h = (h ^ (h >> 16)) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> 15)) * np.uint32(0x846CA68B)
    return (h ^ (h >> 16)) / 2.0**32


def smallest_and_span(name, fan_in):
    """The smallest value of a tensor, and how far the largest is from it. `fan_in` is None for vectors."""
    if name.endswith(("running_var", "moving_variance")):
        return 0.5, 1
    if name.endswith("bn.weight"):
        return 0.8, 0.4
    if fan_in is None:
        return -0.2, 0.4
    bound = np.sqrt(6 / fan_in)
    return -bound, 2 * bound


def values(name, shape, salt):
    """A tensor of PyTorch, outputs first."""
    low, span = smallest_and_span(name, np.prod(shape[1:]) if len(shape) > 1 else None)
    x = low + span * fractions(int(np.prod(shape)), salt)
    return torch.from_numpy(x.reshape(shape).astype(np.float32))


def quantized_values(name, shape, salt):
    """A tensor of Keras, outputs last, that takes 256 values."""
    low, span = smallest_and_span(name, np.prod(shape[:-1]) if len(shape) > 1 else None)
    steps = np.floor(256 * fractions(int(np.prod(shape)), salt))
    return (steps * (span / 255) + low).reshape(shape).astype(np.float32)


def image(height, width, salt):
    """Slanted stripes with a little noise."""
    row, column, channel = np.mgrid[:height, :width, :3]
    wave = np.abs((3 * column + 5 * row + 85 * channel) % 510 - 255)
    noise = fractions(height * width * 3, salt).reshape(height, width, 3)
    pixels = np.floor(wave * 15 / 16 + 16 * noise).astype(np.uint8)
    return torch.from_numpy(pixels[None]).permute(0, 3, 1, 2)
