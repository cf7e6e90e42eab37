"""How fast a recipe trains, and how much of what the machine can compute that is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..compiled import Compile
from .pictures import Pictures
from .recipe import Recipe
from .run import Run
from .step import add_gradients, batch_of, take_step
from .train import made

__all__ = ["PhaseThroughput", "Throughput", "floor_gflop_per_s", "measure_throughput"]

_WARM = 2  # steps of a phase before the clock runs


class PhaseThroughput(NamedTuple):
    """Of one phase of a recipe; ``whole`` is all of them, each as long as the recipe has it."""

    phase: str
    crop: int
    batch: int
    pictures_per_s: float
    megapixels_per_s: float
    gflop_per_picture: float  # matrix products and convolutions, forward and backward; an addition counts as one
    gflop_per_s: float
    share_of_floor: float


class Throughput(NamedTuple):
    """Of a recipe on a machine."""

    machine: str
    precision: str
    floor_gflop_per_s: float  # of a large matrix product, in the precision of the training
    phases: list[PhaseThroughput]
    whole: PhaseThroughput

    def as_json(self) -> dict[str, Any]:
        """Plain values, by name."""
        phases = [phase._asdict() for phase in self.phases]
        return {**self._asdict(), "phases": phases, "whole": self.whole._asdict()}

    def lines(self) -> list[str]:
        """For people."""
        head = f"{'phase':16} {'crop':>5} {'batch':>5} {'pictures/s':>11} {'Mpixel/s':>9} {'GFLOP/picture':>14}"
        rows = [
            f"{one.phase:16} {one.crop or '':>5} {one.batch or '':>5} {one.pictures_per_s:11.2f}"
            f" {one.megapixels_per_s:9.3f} {one.gflop_per_picture:14.2f} {one.gflop_per_s:10.1f}"
            f" {one.share_of_floor:9.1%}"
            for one in (*self.phases, self.whole)
        ]
        floor = f"{self.machine}, {self.precision}: a large matrix product reaches {self.floor_gflop_per_s:.0f} GFLOP/s"
        return [floor, f"{head} {'GFLOP/s':>10} {'of floor':>9}", *rows]


def measure_throughput(
    training: type[Run[Any, Any]],
    config: Recipe,
    data: Path,
    *,
    seconds: float = 20.0,
    device: str | None = None,
    perceptual_weights: Path | None = None,
    compile: Compile = "off",
) -> Throughput:
    """Take a recipe's steps for some seconds, each phase for its share, and write nothing.

    What starts a phase (closed forms, the first steps, compiling) is done before the clock runs. Of the arithmetic,
    convolutions and products of matrices are counted; what goes value by value is not.

    Args:
        training: Of the system.
        config: A recipe of that system.
        data: Photographs: a folder, or ``builtin:photos``.
        seconds: Of measured steps; a phase takes one at least.
        device: A torch device; the GPU where there is one, if not said.
        perceptual_weights: Weights of the network that the perceptual loss looks through.
        compile: See `train`.
    """
    run = made(training, config, device=device, perceptual_weights=perceptual_weights)
    pictures, _ = run.read(data)
    run.start(pictures)
    run.start_ema()
    begins = [0.0, *(phase.until for phase in config.phases)]
    places = [((begin + phase.until) / 2, phase) for begin, phase in zip(begins, config.phases, strict=False)]
    counts = [_gflop_per_picture(run, pictures, progress, phase) for progress, phase in places]
    floor = floor_gflop_per_s(run.device, torch.bfloat16 if config.precision == "bfloat16" else torch.float32)
    run.compile(compile)
    phases, shares = [], []
    for number, ((progress, phase), count, begin) in enumerate(zip(places, counts, begins, strict=False), 1):
        share = phase.until - begin
        step_s = _seconds_a_step(run, pictures, progress, seconds * share)
        name = phase.name or f"{number}"
        phases.append(_row(name, phase.crop, phase.batch, phase.batch / step_s, phase.crop**2, count, floor))
        shares.append(share * step_s if config.steps is not None else share)
    parts = [share / sum(shares) for share in shares]  # of the time
    rate = sum(part * one.pictures_per_s for part, one in zip(parts, phases, strict=True))
    pixels = sum(part * one.pictures_per_s * one.crop**2 for part, one in zip(parts, phases, strict=True))
    work = sum(part * one.gflop_per_s for part, one in zip(parts, phases, strict=True))
    whole = _row("whole", 0, 0, rate, pixels / rate, work / rate, floor)
    return Throughput(_machine(run), config.precision, floor, phases, whole)


def _row(name: str, crop: int, batch: int, rate: float, pixels: float, gflop: float, floor: float) -> PhaseThroughput:
    return PhaseThroughput(name, crop, batch, rate, rate * pixels / 1e6, gflop, rate * gflop, rate * gflop / floor)


def _gflop_per_picture(run: Run[Any, Any], pictures: Pictures, progress: float, phase: Any) -> float:
    take_step(run, pictures, progress)  # takes what has a closed form, and freezes what does not learn
    batch = batch_of(run, pictures, phase, progress)
    with FlopCounterMode(display=False) as counter:
        add_gradients(run, batch)
    return float(counter.get_total_flops()) / 1e9 / batch.size


def _seconds_a_step(run: Run[Any, Any], pictures: Pictures, progress: float, seconds: float) -> float:
    for _ in range(_WARM):
        take_step(run, pictures, progress)
    _wait(run.device)
    begin, steps = time.perf_counter(), 0
    while steps == 0 or time.perf_counter() - begin < seconds:
        take_step(run, pictures, progress)
        steps += 1
    _wait(run.device)
    return (time.perf_counter() - begin) / steps


def floor_gflop_per_s(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> float:
    """What products of large square matrices reach: the best of some, in 1e9 additions and multiplications a second."""
    side, repeats = (8192, 8) if device.type == "cuda" else (1024, 1)
    matrix = torch.randn(side, side, device=device).to(dtype)
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until or best == float("inf"):
        _wait(device)
        begin = time.perf_counter()
        for _ in range(repeats):
            matrix @ matrix
        _wait(device)
        best = min(best, (time.perf_counter() - begin) / repeats)
    return 2 * side**3 / 1e9 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _machine(run: Run[Any, Any]) -> str:
    if run.device.type == "cuda":
        return torch.cuda.get_device_name(run.device)
    return f"CPU, {torch.get_num_threads()} threads"
