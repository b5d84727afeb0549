"""The prepared emoji pictures: packed WebP shards in, uint8 images with labels out."""

from __future__ import annotations

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HELD_OUT_IMAGES = 256
HELD_OUT_SEED = 1

# Mirroring a picture of one of these subgroups changes what it says.
DIRECTED_SUBGROUPS = frozenset(
    "alphanum arrow av-symbol country-flag currency flag gender keycap math other-symbol "
    "punctuation subdivision-flag time transport-sign zodiac".split()
)


@dataclass(frozen=True)
class EmojiImages:
    """`pixels` [images, 3, 128, 128] uint8, `labels` [images] int64 (an index into `classes`)."""

    pixels: torch.Tensor
    labels: torch.Tensor
    classes: list[str]
    counts: dict[str, int]

    def may_flip(self) -> torch.Tensor:
        """[classes] bool: whether a horizontally mirrored picture still belongs to the class."""
        return torch.tensor([name not in DIRECTED_SUBGROUPS for name in self.classes])

    def training_weights(self) -> torch.Tensor:
        """The sampling weights [images], zero for the held-out pictures."""
        weights = self.sampling_weights()
        weights[self.split()[1]] = 0
        return weights / weights.sum()

    def sampling_weights(self) -> torch.Tensor:
        """[images] float64, sums to 1: each class is drawn in proportion to sqrt(its size)."""
        per_class = torch.tensor([self.counts[name] for name in self.classes], dtype=torch.float64)
        weights = per_class.rsqrt()[self.labels]
        return weights / weights.sum()

    def split(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices of the training pictures and of the 256 held-out pictures."""
        generator = torch.Generator().manual_seed(HELD_OUT_SEED)
        order = torch.randperm(len(self.labels), generator=generator)
        return order[HELD_OUT_IMAGES:], order[:HELD_OUT_IMAGES]


def load_emoji_images(folder: Path, min_images_per_class: int = 20) -> EmojiImages:
    """Reads every `shard-<n>.json` and `shard-<n>.bin` that `prepare-data` wrote, in shard order.

    Subgroups with fewer than `min_images_per_class` pictures are left out; the classes are the
    remaining subgroups in alphabetical order.
    """
    entries: list[tuple[str, bytes]] = []
    shards = sorted(folder.glob("shard-*.json"))
    if not shards:
        raise FileNotFoundError(f"no shard-*.json in {folder}: run `npm run prepare-data` first")
    for index_file in shards:
        packed = index_file.with_suffix(".bin").read_bytes()
        for image in json.loads(index_file.read_text())["images"]:
            start = image["offset"]
            entries.append((image["subgroup"], packed[start : start + image["length"]]))

    counts = Counter(subgroup for subgroup, _ in entries)
    classes = sorted(name for name, count in counts.items() if count >= min_images_per_class)
    label_of = {name: label for label, name in enumerate(classes)}
    kept = [entry for entry in entries if entry[0] in label_of]

    with ThreadPoolExecutor() as pool:
        decoded = list(pool.map(lambda entry: _decode(entry[1]), kept))
    pixels = torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor([label_of[subgroup] for subgroup, _ in kept])
    return EmojiImages(pixels, labels, classes, {name: counts[name] for name in classes})


def to_unit_range(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 to float32 -1..1."""
    return pixels.float().div(127.5).sub(1)


def save_grid(images: torch.Tensor, columns: int, path: Path) -> None:
    """Writes images [count, 3, height, width] in -1..1 as one PNG, row by row."""
    pixels = ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte()
    count, channels, height, width = pixels.shape
    rows = -(-count // columns)
    grid = torch.full((rows * columns, channels, height, width), 255, dtype=torch.uint8)
    grid[:count] = pixels.cpu()
    grid = grid.view(rows, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    Image.fromarray(grid.reshape(rows * height, columns * width, channels).numpy()).save(path)


def _decode(webp: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(webp)).convert("RGB"))
