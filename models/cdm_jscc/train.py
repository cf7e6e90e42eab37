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
from ..deepjscc.codec import SHIPPED as DEEPJSCC_SHIPPED
from ..deepjscc.frames import draw_fading
from ..model_card import ModelCard, Training, card_path
from ..training.checkpoint import save_checkpoint, save_text, save_weights
from ..training.log import append_row, forget_after
from ..training.pictures import Pictures, crops, read_pictures
from ..training.progress import Perceptual, Progress, checkpoint_of, device_for, perceptual_for
from ..weights import load_weights, sha256_of
from .config import CdmConfig, Part, Phase, TrainConfig
from .deepjscc_backbone import RateAdaptiveDeepJscc
from .diffusion import STEPS, alpha_bars, loss_weight
from .forward import Passed, pass_through, variance_sums
from .network import CdmJscc
from .rate_map import PATCH
from .shipped import load_network, weights_path
from .validation import validate

__all__ = ["Losses", "Result", "Run", "fit_variances", "learning_rate", "part_of", "phase_at", "take_step", "train"]

PAPER = (
    "Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE Wireless "
    "Commun. Lett. 2025"
)


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
    error: float  # squared error of the picture over its expectation before the networks
    perceptual: float
    bits_per_pixel: float


def part_of(name: str) -> Part:
    """Return which part of the network a parameter belongs to."""
    head, _, rest = name.partition(".")
    if head == "hyperprior":
        return "entropy"
    if head == "unet":
        return "denoiser"
    if rest.startswith("base.klt."):
        return "basis"  # entropies, rates and variances were taken in it
    return "transform" if rest.split(".")[0] in ("base", "analysis", "pyramid") else "jscc"


class Run(Progress):
    """Everything that a checkpoint holds."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)  # of the starting weights; training draws from generators of its own
        self.config = config
        self.model = CdmJscc(config.model).to(device)
        super().__init__(config, device, self.model)
        self.optimizer = torch.optim.AdamW(
            [{"params": [p], "name": name} for name, p in self.model.named_parameters()],
            lr=0.0,
            weight_decay=config.weight_decay,
            foreach=True,
        )
        self.base = _base_of(config.start_from)
        self.best_score, self.best_phase = -math.inf, ""
        self.fitted = not isinstance(self.model.backbone, RateAdaptiveDeepJscc)
        share = alpha_bars()
        self.alpha_bar = torch.from_numpy(share).float().to(device)
        self.weight = torch.from_numpy(loss_weight(share, *config.weight_bounds)).float().to(device)

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "config": self.config.model_dump_json(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema,
            "step": self.step,
            "seconds": self.seconds,
            "best_score": self.best_score,
            "best_phase": self.best_phase,
            "fitted": self.fitted,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.step, self.seconds = state["step"], state["seconds"]
        self.best_score, self.best_phase, self.fitted = state["best_score"], state["best_phase"], state["fitted"]

    def changes(self, name: str) -> bool:
        """Whether a tensor is this run's own."""
        return self.base is None or any(part_of(name) in phase.trains for phase in self.config.phases)


def _base_of(start_from: str | None) -> ModelCard | None:
    """Card of the shipped CDM-JSCC weights, themselves whole, of which a run leaves out what it leaves as it was."""
    if start_from is None or start_from == "deepjscc" or start_from.endswith(".safetensors"):
        return None
    path = weights_path(start_from)
    card = ModelCard.read(card_path(path)).model_copy(update={"file": path.name})
    return card if card.base is None else None


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
    config, model, device = run.config, run.model, run.device
    phase, done = phase_at(config, progress)
    for group in run.optimizer.param_groups:
        learns = part_of(group["name"]) in phase.trains
        group["lr"] = learning_rate(config, phase, done, run.step)
        for parameter in group["params"]:
            parameter.requires_grad_(learns)
    rng = np.random.default_rng([config.seed, run.step, run.team.rank])  # a stream for each step: nothing to keep
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    batch = -(-phase.batch // run.team.size)
    images = torch.from_numpy(crops(pictures, batch, phase.crop, rng)).to(device).float() / 255
    esn0_db = torch.from_numpy(rng.uniform(*config.esn0_db, size=batch).astype(np.float32)).to(device)
    eta = torch.from_numpy(
        np.exp(rng.uniform(math.log(config.eta[0]), math.log(config.eta[1]), size=batch)).astype(np.float32)
    ).to(device)
    fading = draw_fading(batch, config.fading_share, generator)
    loss = torch.zeros((), device=device)
    error = distance = loss
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
        if phase.trains == ("entropy",):
            entropy = model.entropy(images, generator)[1]
        else:
            passed = pass_through(
                model,
                images,
                eta,
                esn0_db,
                fading,
                generator,
                learns_entropy="entropy" in phase.trains,
                channel=phase.channel,
            )
            entropy = passed.entropy
            expected = passed.understood.spread.detach().square().mean((1, 2, 3))
            if phase.denoise:
                spread = model.spread_of(passed.understood).detach()
                picture, weight = _denoised(run, images, passed, spread, rng, generator)
            else:
                picture, weight = passed.understood.estimate, torch.ones(batch, device=device)
            each = (picture.float() - images).square().flatten(1).mean(1) / expected
            error = each.detach().mean()
            loss = (1 - phase.perceptual_weight) * (weight * each if phase.denoise else torch.log(0.2 + each)).mean()
            if phase.perceptual_weight and perceptual is not None:
                top, left = rng.integers(0, 4, 2)  # so that no grid of the loss's strides shows in pictures
                distance = perceptual(picture[..., top:, left:].clamp(0, 1), images[..., top:, left:]).float().mean()
                loss = loss + phase.perceptual_weight * config.perceptual_scale * distance
        pixels = images.shape[0] * images.shape[2] * images.shape[3]
        bits = (entropy.patch_bits.sum() + entropy.side_bits.sum()) / pixels
        loss = loss + phase.bits_weight * bits
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    run.team.average(gradients)
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    if bool(torch.isfinite(norm)):
        run.optimizer.step()
    run.step += 1
    run.follow()
    return Losses(phase.name, float(loss.detach()), float(error), float(distance.detach()), float(bits.detach()))


def _denoised(
    run: Run, images: Tensor, passed: Passed, spread: Tensor, rng: np.random.Generator, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Predict pictures from noisy ones at drawn noise levels; and the weight of each."""
    config, batch = run.config, images.shape[0]
    target = ((images - passed.understood.estimate.detach()) / spread).clamp(-config.model.clip, config.model.clip)
    draw = rng.random(batch)
    levels = torch.from_numpy(np.where(draw < config.end_share, STEPS - 1, rng.integers(0, STEPS, batch)))
    levels = levels.to(images.device)
    share = run.alpha_bar[levels][:, None, None, None]
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    start = config.model.start_noise * noise  # as the sampler starts
    noisy = share.sqrt() * target + (1 - share).sqrt() * noise
    weight = run.weight[levels]
    own = torch.from_numpy((draw >= config.end_share) & (draw < config.end_share + config.own_share)).to(images.device)
    if bool(own.any()):  # what a sampler has at this level: its own first prediction, which knows no more than it did
        with torch.no_grad():
            end = torch.ones(batch, device=images.device)
            first = run.model.denoise(passed.understood, start, end, passed.told, passed.heard_db)
        noisy = torch.where(own[:, None, None, None], share.sqrt() * first + (1 - share).sqrt() * start, noisy)
        weight = torch.where(own, run.weight[-1], weight)
    noisy = torch.where((levels == STEPS - 1)[:, None, None, None], start, noisy)
    residual = run.model.denoise(passed.understood, noisy, levels.float() / (STEPS - 1), passed.told, passed.heard_db)
    return passed.understood.estimate + spread * residual, weight


@torch.no_grad()
def fit_variances(run: Run, pictures: Pictures) -> None:
    """Take the variances by rate from training crops, with the entropy model as it is now."""
    backbone = run.model.backbone
    assert isinstance(backbone, RateAdaptiveDeepJscc)
    energy, counts = torch.zeros(backbone.log_variance.shape), torch.zeros(backbone.log_variance.shape[:2])
    rng = np.random.default_rng([run.config.seed, 2**31])
    side = min(run.config.validation_crop, max(phase.crop for phase in run.config.phases))  # pictures are that large
    for _ in range(-(-run.config.fit_crops // 4)):
        images = torch.from_numpy(crops(pictures, 4, side, rng)).to(run.device).float() / 255
        y, entropy = run.model.entropy(images)
        variance_sums(backbone, y.cpu(), entropy.patch_bits.cpu(), energy, counts)
    backbone.fit_variances(energy.to(run.device), counts.to(run.device))
    run.fitted = True
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
    best validation of the last phase so far, and their card), ``log.csv`` (one row every 50 steps) and a
    ``curve-PHASE.csv`` for each phase (one row per validation). Checkpoint, weights and card are replaced whole or
    not at all. Weights of a recipe that starts from shipped ones hold what it trains; their card names the
    others.

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
        _start(run, pictures)
        run.start_ema()
    if run.team.leads:
        for log in (out / "log.csv", *out.glob("curve-*.csv")):
            forget_after(run.step, log)
    _loop(run, pictures, held, out, perceptual)
    return Result(run.step, run.seconds, run.best_score, out / "best.safetensors")


def _start(run: Run, pictures: Pictures) -> None:
    name = run.config.start_from
    if name is None:
        if isinstance(run.model.backbone, RateAdaptiveDeepJscc):  # the basis is no part that learns
            rng = np.random.default_rng([run.config.seed, 2**31 + 1])
            patches = crops(pictures, 16 * run.config.fit_crops, PATCH, rng)
            run.model.backbone.base.fit(torch.from_numpy(patches).to(run.device).float() / 255)
        return
    if name == "deepjscc":
        backbone = run.model.backbone
        card, tensors = load_weights(DEEPJSCC_SHIPPED["adaptive"])
        if not isinstance(backbone, RateAdaptiveDeepJscc) or card.config != backbone.config.network.model_dump(
            mode="json"
        ):
            raise UsageError("start_from: deepjscc: expected a backbone of kind deepjscc with the shipped sizes")
        backbone.base.load_state_dict(tensors)
        return
    card, tensors = load_network(Path(name) if name.endswith(".safetensors") else weights_path(name))
    model = run.config.model
    if CdmConfig.model_validate({**card.config, "start_noise": model.start_noise}) != model:  # no tensor hangs on it
        raise UsageError(f"start_from: {name}: is of another network than 'model' says; give model its card's sizes")
    run.model.load_state_dict(tensors)
    run.fitted = True


def _validate_and_keep(run: Run, phase: Phase, held: Pictures, out: Path, perceptual: Perceptual | None) -> None:
    scores = validate(CdmJscc(run.config.model).to(run.device), run.ema, held, run.config, phase, perceptual)
    score = scores.pop("score")
    row = {"step": run.step, "minutes": round(run.seconds / 60, 2), "phase": phase.name, "score": round(score, 4)}
    append_row(out / f"curve-{phase.name}.csv", row | {name: round(value, 4) for name, value in scores.items()})
    if phase.name == run.best_phase and score <= run.best_score:
        return
    run.best_score, run.best_phase = score, phase.name
    weights = out / "best.safetensors"
    save_weights(weights, {name: value for name, value in run.ema.items() if run.changes(name)})
    save_text(out / "best.json", _card(run, weights, held, scores).model_dump_json(indent=1) + "\n")


def _card(run: Run, weights: Path, held: Pictures, scores: dict[str, float]) -> ModelCard:
    where = (
        torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else f"CPU, {run.config.threads} threads"
    )
    return ModelCard(
        name=f"cdm-jscc-{run.config.variant}",
        cls=f"{CdmJscc.__module__}:{CdmJscc.__name__}",
        config=run.config.model.model_dump(mode="json"),
        file=weights.name,
        sha256=sha256_of(weights),
        licence="Apache-2.0",
        paper=PAPER,
        base=None if run.base is None else run.base.file,
        base_sha256=None if run.base is None else run.base.sha256,
        training=Training(
            data=f"photographs; every tenth file of each prefix held out, {len(held.names)} files",
            command="semcom train cdm-jscc --config CONFIG --data DIR",
            seed=run.config.seed,
            steps=run.step,
            minutes=round(run.seconds / 60, 1),
            machine=where,
            curve=f"curve-{run.config.phases[-1].name}.csv",
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
        if not run.fitted and "entropy" not in phase.trains:
            fit_variances(run, pictures)
        losses.append(take_step(run, pictures, perceptual, progress))
        run.seconds += time.monotonic() - start
        if not leads:
            losses.clear()
            continue
        if run.step % 50 == 0:
            mean = [float(np.mean(column)) for column in list(zip(*losses, strict=True))[1:]]
            row = {"step": run.step, "minutes": round(run.seconds / 60, 3), "phase": phase.name}
            names = ("loss", "error", "perceptual", "bits_per_pixel")
            row |= {name: float(f"{value:.5g}") for name, value in zip(names, mean, strict=True)}
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
