"""Training in phases: one recipe, one folder of pictures, one folder of results; killed at any time, it goes on."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..deepjscc.frames import draw_fading
from ..model_card import ModelCard, Training, card_path
from ..training.checkpoint import save_checkpoint, save_text, save_weights
from ..training.log import append_row, forget_after
from ..training.pictures import Pictures, crops, read_pictures
from ..training.progress import Perceptual, Progress, checkpoint_of, device_for, perceptual_for
from ..weights import sha256_of
from .config import Part, Phase, TrainConfig
from .forward import send
from .loss_weight import AdaptiveLossWeight
from .network import PARTS, ScSic
from .noise import diffusion_noise
from .pretrained import load_part, locate_parts
from .schedule import alpha_bar, log_snr
from .shipped import load_network, weights_path
from .sizes import SIZES
from .small_encoder import SmallEncoder
from .stage_b import UNHEARD, Conditioning
from .validation import validate

__all__ = ["Losses", "Result", "Run", "learning_rate", "phase_at", "take_step", "train"]

PAPER = "Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025"


class Result(NamedTuple):
    """What a training run ends with."""

    steps: int
    seconds: float
    best_score: float
    weights: Path


class Losses(NamedTuple):
    """Of one step, for the log."""

    phase: str
    loss: float
    error: float  # squared error of the noise over its expectation before the network; of stage A: of the picture
    perceptual: float


def _part_of(name: str) -> Part:
    head: Part = name.partition(".")[0]  # type: ignore[assignment]
    return head


class Run(Progress):
    """Everything that a checkpoint holds."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)  # of the starting weights; training draws from generators of its own
        self.config = config
        self.model = ScSic(config.model).to(device)
        if config.checkpointing:
            self.model.stage_b.unet.enable_gradient_checkpointing()
        super().__init__(config, device, self.model)
        self.weight = AdaptiveLossWeight().to(device)
        trained = {part for phase in config.phases for part in phase.trains}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p], "name": name}
                for name, p in self.model.named_parameters()
                if _part_of(name) in trained and ".vquantizer." not in name
            ],
            lr=0.0,
            weight_decay=config.weight_decay,
            foreach=True,
        )
        self.base = _base_of(config.start_from)
        self.best_score, self.best_phase = -math.inf, ""
        self.loaded: list[str] = []  # parts that came from `start_from`
        self.fitted: list[str] = []  # parts whose closed forms are taken, or that were loaded

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "config": self.config.model_dump_json(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "weight": self.weight.state_dict(),
            "ema": self.ema,
            "step": self.step,
            "seconds": self.seconds,
            "best_score": self.best_score,
            "best_phase": self.best_phase,
            "loaded": self.loaded,
            "fitted": self.fitted,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.weight.load_state_dict(state["weight"])
        self.ema = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.step, self.seconds = state["step"], state["seconds"]
        self.best_score, self.best_phase = state["best_score"], state["best_phase"]
        self.loaded, self.fitted = state["loaded"], state["fitted"]

    def keeps(self, name: str) -> bool:
        """Whether a tensor belongs into the weights: not one that nothing was learnt for, nor one that others hold."""
        part = _part_of(name)
        trained = any(part in phase.trains for phase in self.config.phases)
        elsewhere = self.base is not None or _is_folder(self.config.start_from)
        return trained or (part in self.loaded and not elsewhere)


def _base_of(start_from: str | None) -> ModelCard | None:
    """Card of the whole shipped weights of which a run leaves out what it leaves as it was."""
    if start_from is None or start_from.endswith(".safetensors") or _is_folder(start_from):
        return None
    if "/" in start_from:
        raise UsageError(
            f"start_from: {start_from}: expected a folder of published weights, found none; fill it by "
            f"`semcom fetch sc-sic --out {start_from}`, or say where it is"
        )
    path = weights_path(start_from)
    card = ModelCard.read(card_path(path)).model_copy(update={"file": path.name})
    return card if card.base is None else None


def _is_folder(start_from: str | None) -> bool:
    return start_from is not None and Path(start_from).is_dir()


def phase_at(config: TrainConfig, progress: float) -> tuple[Phase, float]:
    """The phase that is on at this share of the budget, and the share of the phase that is done."""
    begin = 0.0
    for phase in config.phases:
        if progress < phase.until:
            return phase, (progress - begin) / (phase.until - begin)
        begin = phase.until
    return config.phases[-1], 1.0


def learning_rate(config: TrainConfig, phase: Phase, done: float, step: int) -> float:
    """Linear warm-up of the whole run, then half a cosine in each phase."""
    cosine = phase.final_share + (1 - phase.final_share) * 0.5 * (1 + math.cos(math.pi * done))
    return min(1.0, (step + 1) / (config.warmup_steps + 1)) * phase.learning_rate * cosine


def take_step(run: Run, pictures: Pictures, perceptual: Perceptual | None, progress: float) -> Losses:
    """One step on one batch."""
    config, model = run.config, run.model
    phase, done = phase_at(config, progress)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(config, phase, done, run.step)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(_part_of(name) in phase.trains and ".vquantizer." not in name)
    model.train()
    for part in PARTS:
        model.get_submodule(part).train(part in phase.trains)
    if phase.norms == "fixed":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    rng = np.random.default_rng([config.seed, run.step, run.team.rank])  # a stream for each step: nothing to keep
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    torch.manual_seed(generator.initial_seed())  # of dropout, which draws from torch's own generator
    run.optimizer.zero_grad(set_to_none=True)
    sums = np.zeros(3)
    for _ in range(phase.accumulate):
        batch = phase.batch // (run.team.size * phase.accumulate)
        images = torch.from_numpy(crops(pictures, batch, phase.crop, rng)).to(run.device).float() / 255
        with torch.autocast(run.device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
            if "stage_a" in phase.trains:
                picture: Tensor | None = model.stage_a.decode(model.stage_a.encode(images))
                assert picture is not None
                error = (picture.float() - images).square().mean()
                loss = 100 * error  # about one
            else:
                loss, error, picture = _denoising_loss(run, phase, images, rng, generator)
            distance = torch.zeros((), device=run.device)
            if phase.perceptual_weight and perceptual is not None and picture is not None:
                top, left = rng.integers(0, 4, 2)  # so that no grid of the loss's strides shows in pictures
                shown = images[: len(picture)]
                distance = perceptual(picture[..., top:, left:].clamp(0, 1), shown[..., top:, left:]).float().mean()
                loss = loss + phase.perceptual_weight * config.perceptual_scale * distance
        (loss / phase.accumulate).backward()  # type: ignore[no-untyped-call]
        sums += [float(loss.detach()), float(error.detach()), float(distance.detach())]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    run.team.average(gradients)
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    if bool(torch.isfinite(norm)):
        run.optimizer.step()
    run.step += 1
    run.follow()
    return Losses(phase.name, *(float(value) for value in sums / phase.accumulate))


def _denoising_loss(
    run: Run, phase: Phase, images: Tensor, rng: np.random.Generator, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The loss, the error, and decoded estimates of the samples at t = 1, where the phase weighs them."""
    config, model, device, batch = run.config, run.model, run.device, images.shape[0]
    with torch.no_grad():
        latents = model.stage_a.encode(images).float()
    downscale = float(rng.choice(phase.downscale)) if phase.downscale else None
    with torch.set_grad_enabled("encoder" in phase.trains):
        embedding = model.embed(images, downscale).float()
    levels = phase.esn0_db or config.esn0_db
    esn0_db = torch.from_numpy(rng.uniform(*levels, size=batch).astype(np.float32)).to(device)
    fading = draw_fading(batch, config.fading_share, generator)
    received, variance = send(embedding, esn0_db if phase.channel else None, fading, generator)
    heard = torch.from_numpy(rng.random(batch) >= phase.embedding_dropout).to(device)[:, None, None, None]
    received, variance = received * heard, torch.where(heard, variance, UNHEARD)
    conditioning = model.stage_b.condition(received, variance, (latents.shape[2], latents.shape[3]))
    draw = rng.random(batch)
    ends = torch.from_numpy(draw < phase.end_share).to(device)
    t = torch.from_numpy(np.where(draw < phase.end_share, 1.0, rng.random(batch)).astype(np.float32)).to(device)
    noise = diffusion_noise(tuple(latents.shape), phase.noise, generator).to(device)
    share = alpha_bar(t)[:, None, None, None]
    noisy = share.sqrt() * latents + (1 - share).sqrt() * noise
    epsilon = model.stage_b(noisy, t, conditioning).float()
    each = (epsilon - noise).square() / _expected_error(conditioning, share)
    each = each.flatten(1).mean(1)
    loss = (run.weight(log_snr(t)) * each).mean()
    run.weight.follow(log_snr(t), each.detach().clamp(max=1e4))
    error = each.detach().mean()
    shown = ends & heard.flatten()
    if not phase.pixel_weight or not bool(shown.any()):
        return loss, error, None
    clean = model.stage_b.clean(noisy[shown], epsilon[shown], t[shown])
    picture = model.stage_a.decode(clean)
    squared = (picture.float() - images[shown]).square().flatten(1).mean(1)
    return loss + phase.pixel_weight * torch.log(1e-3 + squared).mean(), error, picture


def _expected_error(conditioning: Conditioning, share: Tensor) -> Tensor:
    """Squared error of the noise that the closed form alone would leave; 1 where there is none."""
    if conditioning.variance is None:
        return torch.ones_like(share)
    return share * conditioning.variance / (share * conditioning.variance + 1 - share)


@torch.no_grad()
def _fit(run: Run, pictures: Pictures, phase: Phase) -> None:
    """Take what has a closed form from training crops, when it is first needed."""
    model, config = run.model, run.config
    encoder = model.encoder
    if "stage_a" in phase.trains:
        return
    model.eval()
    rng = np.random.default_rng([config.seed, 2**31])
    if "encoder" not in run.fitted:
        if isinstance(encoder, SmallEncoder):
            side = encoder.config.stride
            patches = crops(pictures, 32 * config.fit_crops, side, rng)
            encoder.fit(torch.from_numpy(patches).to(run.device).float() / 255)
        run.fitted.append("encoder")
    if "stage_b" not in run.fitted:
        if config.model.stage_b.prior == "linear":
            crop = config.phases[-1].crop
            embeddings, latents = [], []
            for _ in range(-(-config.fit_crops // 16)):
                images = torch.from_numpy(crops(pictures, 16, crop, rng)).to(run.device).float() / 255
                embeddings.append(model.embed(images))
                latents.append(model.stage_a.encode(images))
            design = encoder.config.design_esn0_db if isinstance(encoder, SmallEncoder) else 10.0
            model.stage_b.fit(torch.cat(embeddings), torch.cat(latents), 10 ** (-design / 10))
        run.fitted.append("stage_b")
    run.start_ema()


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
    best validation of the last phase so far, and their card), ``PHASE.safetensors`` with its card (the same of each
    phase), ``log.csv`` (one row every 50 steps) and a ``curve-PHASE.csv`` for each phase (one row per validation).
    Checkpoint, weights and card are replaced whole or not at all.

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
    _check_batches(config, run.team.size)
    perceptual = perceptual_for(config, perceptual_weights, where)
    pictures, held = read_pictures(data, config)
    if state is not None:
        run.restore(state)
    else:
        _start(run)
        run.start_ema()
    if run.team.leads:
        for log in (out / "log.csv", *out.glob("curve-*.csv")):
            forget_after(run.step, log)
    _loop(run, pictures, held, out, perceptual)
    return Result(run.step, run.seconds, run.best_score, out / "best.safetensors")


def _check_batches(config: TrainConfig, processes: int) -> None:
    for phase in config.phases:
        if phase.batch % (processes * phase.accumulate):
            raise UsageError(
                f"phase {phase.name}: expected a batch that {processes} processes share in {phase.accumulate} pieces, "
                f"got {phase.batch}; change batch, accumulate or the number of processes"
            )


def _start(run: Run) -> None:
    name = run.config.start_from
    if name is None:
        return
    if _is_folder(name):
        large = run.config.model.stage_b == SIZES["large"].stage_b
        for part, path in locate_parts(PARTS, name, variant="large" if large else "lite").items():
            load_part(part, path, run.model.get_submodule(part))
        run.loaded, run.fitted = list(PARTS), ["encoder", "stage_b"]
        return
    _, tensors = load_network(Path(name) if name.endswith(".safetensors") else weights_path(name))
    own = run.model.state_dict()
    fits = {key: value for key, value in tensors.items() if key in own and own[key].shape == value.shape}
    parts = {_part_of(key) for key in own}
    whole = {part for part in parts if all(key in fits for key in own if _part_of(key) == part)}
    if not whole:
        raise UsageError(f"start_from: {name}: none of its parts has the sizes of 'model'; give model its card's sizes")
    run.model.load_state_dict(fits, strict=False)  # of parts of another size what fits: a better start than none
    run.loaded = sorted(whole)
    run.fitted = [part for part in run.loaded if part != "stage_a"]


def _validate_and_keep(run: Run, phase: Phase, held: Pictures, out: Path, perceptual: Perceptual | None) -> None:
    scores = validate(ScSic(run.config.model).to(run.device), run.ema, held, run.config, phase, perceptual)
    score = scores.pop("score")
    row = {"step": run.step, "minutes": round(run.seconds / 60, 2), "phase": phase.name, "score": round(score, 4)}
    append_row(out / f"curve-{phase.name}.csv", row | {name: round(value, 4) for name, value in scores.items()})
    if phase.name == run.best_phase and not score > run.best_score:
        return
    run.best_score, run.best_phase = score, phase.name
    for name in ("best", phase.name):
        weights = out / f"{name}.safetensors"
        save_weights(weights, {key: value for key, value in run.ema.items() if run.keeps(key)})
        save_text(out / f"{name}.json", _card(run, weights, held, scores).model_dump_json(indent=1) + "\n")


def _card(run: Run, weights: Path, held: Pictures, scores: dict[str, float]) -> ModelCard:
    where = (
        torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else f"CPU, {run.config.threads} threads"
    )
    return ModelCard(
        name=f"sc-sic-{run.config.variant}",
        cls=f"{ScSic.__module__}:{ScSic.__name__}",
        config=run.config.model.model_dump(mode="json"),
        file=weights.name,
        sha256=sha256_of(weights),
        licence="Apache-2.0",
        paper=PAPER,
        base=None if run.base is None else run.base.file,
        base_sha256=None if run.base is None else run.base.sha256,
        training=Training(
            data=f"photographs; every tenth file of each prefix held out, {len(held.names)} files",
            command="semcom train sc-sic --config CONFIG --data DIR",
            seed=run.config.seed,
            steps=run.step,
            minutes=round(run.seconds / 60, 1),
            machine=where,
            curve=f"curve-{run.best_phase}.csv",
            recipe=run.config.model_dump(mode="json", exclude={"model"}),
        ),
        metrics={f"validation, {name}": round(value, 4) for name, value in scores.items()},
    )


def _loop(run: Run, pictures: Pictures, held: Pictures, out: Path, perceptual: Perceptual | None) -> None:
    config, leads = run.config, run.team.leads
    saved = validated = run.seconds
    losses: list[Losses] = []
    while (progress := run.team.agreed(run.progress(), run.device)) < 1:
        start = time.monotonic()
        phase, _ = phase_at(config, progress)
        if len(run.fitted) < 2:
            _fit(run, pictures, phase)
        losses.append(take_step(run, pictures, perceptual, progress))
        run.seconds += time.monotonic() - start
        if not leads:
            losses.clear()
            continue
        if run.step % 50 == 0:
            mean = [float(np.mean(column)) for column in list(zip(*losses, strict=True))[1:]]
            row = {"step": run.step, "minutes": round(run.seconds / 60, 3), "phase": phase.name}
            row |= {
                name: float(f"{value:.5g}") for name, value in zip(("loss", "error", "perceptual"), mean, strict=True)
            }
            append_row(out / "log.csv", row | {"learning_rate": f"{run.optimizer.param_groups[0]['lr']:.3e}"})
            losses.clear()
        ending = phase_at(config, run.progress())[0] != phase or run.progress() >= 1
        if run.seconds - validated > 60 * config.validate_minutes or ending:
            start = time.monotonic()
            _validate_and_keep(run, phase, held, out, perceptual)
            run.seconds += time.monotonic() - start
            validated = run.seconds
        if run.seconds - saved > 60 * config.checkpoint_minutes or ending:
            save_checkpoint(out / "last.pt", run.state())
            saved = run.seconds
