"""Training: one config file, one folder of pictures, one folder of results; killed at any time, it goes on."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..model_card import ModelCard, Training, card_path
from ..training.checkpoint import save_checkpoint, save_text, save_weights
from ..training.log import append_row, forget_after
from ..training.pictures import Pictures, crops, read_pictures
from ..training.progress import Perceptual, Progress, checkpoint_of, device_for, perceptual_for
from ..training.recipe import Stretch
from ..weights import load_weights, sha256_of
from .adaptive import effective_esn0_db
from .codec import SHIPPED
from .config import TrainConfig
from .constellation import send, told_esn0_db
from .frames import draw_fading
from .network import build
from .rates import RATES, Rate
from .validation import validate

__all__ = ["Result", "Run", "learning_rate_share", "normalised_loss", "phase_at", "shown", "take_step", "train"]

DEEPJSCC = "Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding, IEEE TCCN 5(3), 2019"
DEEPJSCC_Q = "Tung, Burth Kurka, Jankowski & Gunduz, DeepJSCC-Q, IEEE J. Sel. Areas Inf. Theory 3(4), 2022"
BINS = 16  # of effective SNR, 2.5 dB each from -12.5 dB


class Result(NamedTuple):
    """What a training run ends with."""

    steps: int
    seconds: float
    best_psnr_db: float
    weights: Path


class Run(Progress):
    """Everything that a checkpoint holds."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)  # of the starting weights; training draws from generators of its own
        self.config = config
        self.model: Any = build(config.model).to(device)
        super().__init__(config, device, self.model)
        bases = [p for name, p in self.model.named_parameters() if "klt" in name]
        others = [p for name, p in self.model.named_parameters() if "klt" not in name]
        self.optimizer = torch.optim.AdamW(
            [{"params": others, "weight_decay": config.weight_decay}, {"params": bases, "weight_decay": 0.0}], lr=0.0
        )
        self.level = torch.zeros(len(RATES), BINS, device=device)  # running MSE by rate and effective SNR
        self.best_psnr_db = -math.inf

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "config": self.config.model_dump_json(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema,
            "level": self.level,
            "step": self.step,
            "seconds": self.seconds,
            "best_psnr_db": self.best_psnr_db,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.level = state["level"].to(self.device)
        self.step, self.seconds, self.best_psnr_db = state["step"], state["seconds"], state["best_psnr_db"]


def learning_rate_share(step: int, progress: float, warmup_steps: int) -> float:
    """Linear warm-up, then half a cosine down to one hundredth."""
    return min(1.0, (step + 1) / (warmup_steps + 1)) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def phase_at(config: TrainConfig, progress: float) -> Stretch:
    """The phase that is on at this share of the budget."""
    return next(phase for phase in config.phases if progress < phase.until)


def take_step(
    run: Run, pictures: Pictures, progress: float, perceptual: Perceptual | None = None
) -> tuple[Rate, float, float]:
    """One step on one batch: rate, loss, and mean squared error."""
    config, model, device = run.config, run.model, run.device
    phase = phase_at(config, progress)
    batch = -(-phase.batch // run.team.size)
    share = learning_rate_share(run.step, progress, config.warmup_steps)
    for group, rate_of_group in zip(
        run.optimizer.param_groups, (config.learning_rate, config.linear_learning_rate), strict=True
    ):
        group["lr"] = share * rate_of_group
    rng = np.random.default_rng(
        [config.seed, run.step, run.team.rank]
    )  # each step has its own stream: a restart needs no state of it
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    weights = np.array([config.rate_weights.get(rate, 1.0) for rate in model.rates])
    rate: Rate = model.rates[rng.choice(len(weights), p=weights / weights.sum())]
    esn0_db = torch.from_numpy(rng.uniform(*config.esn0_db, size=batch).astype(np.float32)).to(device)
    images = torch.from_numpy(crops(pictures, batch, phase.crop, rng)).to(device).float() / 255
    fading = draw_fading(batch, config.fading_share, generator)
    bits_per_symbol = int(rng.choice(config.bits_per_symbol)) if config.bits_per_symbol else None
    told_db = told_esn0_db(esn0_db, bits_per_symbol)
    softness = config.softness[0] + progress * (config.softness[1] - config.softness[0])

    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
        features = model.encode(images, rate, told_db).float()
        received, n0 = send(features, esn0_db, fading, generator, bits_per_symbol, softness)
        out = model.decode(received, n0, rate, told_db, phase.crop, phase.crop).float()
    mse = (out - images).square().flatten(1).mean(1)  # [b]
    loss = normalised_loss(run, mse, rate, n0)
    if perceptual is not None:
        top, left = rng.integers(0, 4, 2)  # so that no grid of the loss's strides shows in pictures
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
            distance = perceptual(out[..., top:, left:].clamp(0, 1), images[..., top:, left:]).float().mean()
        loss = (1 - config.perceptual_weight) * loss + config.perceptual_weight * config.perceptual_scale * distance
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    run.team.average([p.grad for p in model.parameters() if p.grad is not None] + [run.level])
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    if bool(torch.isfinite(norm)):
        run.optimizer.step()
    run.step += 1
    run.follow()
    return rate, float(loss.detach()), float(mse.detach().mean())


def normalised_loss(run: Run, mse: Tensor, rate: Rate, n0: Tensor) -> Tensor:
    """Mean over frames of log(offset + MSE / running MSE of frames of this rate and about this effective SNR)."""
    which = ((effective_esn0_db(n0) + 12.5) / 2.5).long().clamp(0, BINS - 1)
    level = run.level[RATES.index(rate)]
    for index, value in zip(which.tolist(), mse.detach(), strict=True):
        level[index] = value if level[index] == 0 else torch.lerp(level[index], value, 0.03)
    return torch.log(run.config.loss_offset + mse / level[which]).mean()


@contextmanager
def shown(run: Run) -> Iterator[Any]:
    """A progress bar on a terminal where rich is installed; elsewhere nothing."""
    try:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield lambda text: None
        return
    columns = (
        TextColumn("deepjscc"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, disable=not sys.stderr.isatty(), transient=False) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text: bar.update(task, completed=run.progress(), description=text)


def train(
    config: TrainConfig,
    data: Path,
    out: Path,
    *,
    resume: bool = True,
    device: str | None = None,
    perceptual_weights: Path | None = None,
) -> Result:
    """Train a network, or go on with a training that was cut off.

    Writes into ``out``: ``last.pt`` (the checkpoint), ``best.safetensors`` and ``best.json`` (the mean weights with the
    best validation so far, and their card), ``log.csv`` (one row every 50 steps) and ``curve.csv`` (one row per
    validation). Checkpoint, weights and card are replaced whole or not at all.

    Several processes started by ``torchrun`` share each batch; the first of them validates and writes.

    Args:
        config: The recipe.
        data: A folder of photographs; every tenth file of each prefix is held out for validation.
        out: A folder for results; made if missing.
        resume: Go on from ``last.pt`` where there is one; otherwise a folder that has one is refused.
        device: A torch device; the GPU where there is one, if not said.
        perceptual_weights: Weights of the network that the perceptual loss looks through.

    Raises:
        UsageError: no such data, or ``out`` holds a run of another recipe.
    """
    torch.set_num_threads(config.threads)
    where = device_for(device)
    state = checkpoint_of(config, out, resume=resume)
    run = Run(config, where)
    perceptual = perceptual_for(config, perceptual_weights, where)
    pictures, held = read_pictures(data, config)
    if state is not None:
        run.restore(state)
    else:
        if config.start_from is not None:
            _start_from(run, SHIPPED[config.start_from])
        elif hasattr(run.model, "fit"):
            rng = np.random.default_rng([config.seed, 2**31])
            patches = crops(pictures, config.fit_patches, config.model.patch, rng)  # type: ignore[union-attr]
            run.model.fit(torch.from_numpy(patches).to(where).float() / 255)
        run.start_ema()
    if run.team.leads:
        for log in (out / "log.csv", out / "curve.csv"):
            forget_after(run.step, log)
    _loop(run, pictures, held, out, perceptual)
    return Result(run.step, run.seconds, run.best_psnr_db, out / "best.safetensors")


def _start_from(run: Run, weights: Path) -> None:
    card, tensors = load_weights(weights)
    if card.config != run.config.model.model_dump(mode="json"):
        raise UsageError(
            f"start_from: {weights.name} is of another network than 'model' says; give model the sizes in "
            f"{card_path(weights).name}"
        )
    run.model.load_state_dict(tensors)


def _validate_and_keep(run: Run, held: Pictures, out: Path) -> None:
    scores = validate(build(run.config.model).to(run.device), run.ema, held, run.config)
    mean = float(np.mean(list(scores.values())))
    if run.config.perceptual != "none":
        run.best_psnr_db = -math.inf  # PSNR falls as it learns: the last weights are the ones
    row = {"step": run.step, "minutes": round(run.seconds / 60, 2), "psnr_db": round(mean, 4)}
    append_row(out / "curve.csv", row | {name: round(value, 4) for name, value in scores.items()})
    if mean <= run.best_psnr_db:
        return
    run.best_psnr_db = mean
    weights = out / "best.safetensors"
    save_weights(weights, run.ema)
    save_text(out / "best.json", _card(run, weights, held, scores).model_dump_json(indent=1) + "\n")


def _kind(config: TrainConfig) -> str:
    if config.perceptual != "none":
        return "perceptual"
    return "quantised" if config.bits_per_symbol else config.model.network


def _card(run: Run, weights: Path, held: Pictures, scores: dict[str, float]) -> ModelCard:
    cls = type(run.model)
    where = (
        torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else f"CPU, {run.config.threads} threads"
    )
    return ModelCard(
        name=f"deepjscc-{_kind(run.config)}",
        cls=f"{cls.__module__}:{cls.__name__}",
        config=run.config.model.model_dump(mode="json"),
        file=weights.name,
        sha256=sha256_of(weights),
        licence="Apache-2.0",
        paper=DEEPJSCC_Q if run.config.bits_per_symbol else DEEPJSCC,
        training=Training(
            data=f"photographs; every tenth file of each prefix held out, {len(held.names)} files",
            command="semcom train deepjscc --config CONFIG --data DIR",
            seed=run.config.seed,
            steps=run.step,
            minutes=round(run.seconds / 60, 1),
            machine=where,
            curve="curve.csv",
            recipe=run.config.model_dump(mode="json", exclude={"model"}),
        ),
        metrics={f"validation PSNR in dB: {name}": round(value, 3) for name, value in scores.items()},
    )


def _loop(
    run: Run,
    pictures: Pictures,
    held: Pictures,
    out: Path,
    perceptual: Perceptual | None,
) -> None:
    config, leads = run.config, run.team.leads
    saved = validated = run.seconds
    losses: list[float] = []
    if run.step == 0 and leads:
        _validate_and_keep(run, held, out)
    with shown(run) as show:
        while (progress := run.team.agreed(run.progress(), run.device)) < 1:
            start = time.monotonic()
            rate, loss, mse = take_step(run, pictures, progress, perceptual)
            run.seconds += time.monotonic() - start
            if not leads:
                continue
            losses.append(loss)
            if run.step % 50 == 0:
                row = {
                    "step": run.step,
                    "minutes": round(run.seconds / 60, 3),
                    "loss": round(float(np.mean(losses)), 5),
                    "rate": rate,
                    "mse": f"{mse:.3e}",
                    "learning_rate": f"{run.optimizer.param_groups[0]['lr']:.3e}",
                    "crop": phase_at(config, progress).crop,
                }
                append_row(out / "log.csv", row)
                show(f"step {run.step} loss {row['loss']}")
                losses.clear()
            if run.seconds - validated > 60 * config.validate_minutes or run.progress() >= 1:
                start = time.monotonic()
                _validate_and_keep(run, held, out)
                run.seconds += time.monotonic() - start
                validated = run.seconds
            if run.seconds - saved > 60 * config.checkpoint_minutes or run.progress() >= 1:
                save_checkpoint(out / "last.pt", run.state())
                saved = run.seconds
