"""The log and the length of a training run."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType


class RunLog:
    """Lines with the seconds since the start, to the terminal and to a file."""

    def __init__(self, path: Path) -> None:
        self.started = time.monotonic()
        self.file = path.open("w")

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()

    def line(self, text: str) -> None:
        stamped = f"[{time.monotonic() - self.started:7.1f}] {text}"
        print(stamped, flush=True)
        print(stamped, file=self.file, flush=True)


class Budget:
    """A run's length in optimizer steps or in seconds; exactly one of them is given."""

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        if (steps is None) == (seconds is None):
            raise ValueError("give either steps or seconds")
        self.steps, self.seconds = steps, seconds
        self.started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the budget was created."""
        return time.monotonic() - self.started

    def fraction(self, step: int) -> float:
        """The part of the budget that is used before `step`, 0..1 and beyond."""
        if self.steps is not None:
            return step / self.steps
        return self.elapsed() / self.seconds
