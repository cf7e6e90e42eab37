"""SC-SIC's part in its training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ...errors import UsageError
from ..model_card import ModelCard
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, draw_images
from ..training.run import Run
from ..training.validation import Scores
from ..weights.find import find_parts
from .config import Phase, TrainConfig
from .loss_weight import AdaptiveLossWeight
from .names import SHIPPED
from .network import PARTS, ScSic, part_of
from .pretrained import load_part
from .published import PUBLICATION
from .sizes import SIZES
from .small_encoder import SmallEncoder
from .step import losses_of, set_modes
from .system import SYSTEM
from .validation import validate

__all__ = ["ScSicRun"]


class ScSicRun(Run[TrainConfig, ScSic]):
    """A training in phases, each of which says what learns."""

    system, recipe = SYSTEM, TrainConfig
    holds = ("weight", "loaded", "fitted")

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        if config.checkpointing:
            self.model.stage_b.unet.enable_gradient_checkpointing()
        self.weight = AdaptiveLossWeight().to(device)
        self.base = _base_of(config.start_from)
        self.loaded: list[str] = []  # parts that came from `start_from`
        self.fitted: list[str] = []  # parts whose closed forms are taken, or that were loaded

    def build(self) -> ScSic:
        """Of the recipe's sizes."""
        return ScSic(self.config.model)

    def learns(self, name: str, phase: Phase) -> bool:
        """By the part that it belongs to; the quantiser is gone around."""
        return part_of(name) in phase.trains and ".vquantizer." not in name

    def start(self, pictures: Pictures) -> None:
        """Load the weights that the recipe names."""
        self.loaded = _load(self.model, self.config)
        self.fitted = [part for part in self.loaded if part != "stage_a"]

    def prepare(self, phase: Phase, pictures: Pictures) -> None:
        """Take what has a closed form when it is first needed; it hangs on stage A, which learns before that."""
        if len(self.fitted) < 2 and "stage_a" not in phase.trains:
            _fit(self, pictures)
            self.fitted = ["encoder", "stage_b"]
            self.start_ema()
        set_modes(self.model, phase)

    def losses(self, batch: Batch[Phase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.weight, batch)

    def validate(self, network: ScSic, held: Pictures, phase: Phase) -> Scores:
        """See `validate`."""
        return validate(self, network, held, phase)

    def keeps(self, name: str) -> bool:
        """Not a tensor that nothing was learnt for, nor one that others hold."""
        part = part_of(name)
        trained = any(part in phase.trains for phase in self.config.phases)
        elsewhere = self.base is not None or _is_folder(self.config.start_from)
        return trained or (part in self.loaded and not elsewhere)

    def files(self, phase: Phase) -> Sequence[str]:
        """The best of each phase beside the best."""
        return "best", phase.name


def _is_folder(start_from: str | None) -> bool:
    """Whether a recipe starts from a folder of published weights."""
    return start_from is not None and Path(start_from).is_dir()


def _base_of(start_from: str | None) -> ModelCard | None:
    """See `ShippedWeights.base`; none of a folder."""
    if _is_folder(start_from):
        return None
    if start_from is not None and "/" in start_from and not start_from.endswith(".safetensors"):
        raise UsageError(
            f"start_from: {start_from}: expected a folder of published weights, found none; fill it by "
            f"`semcom fetch sc-sic --out {start_from}`, or say where it is"
        )
    return SHIPPED.base(start_from)


def _load(model: ScSic, config: TrainConfig) -> list[str]:
    """Load the weights that the recipe names, and return the parts that are now whole."""
    name = config.start_from
    if name is None:
        return []
    if _is_folder(name):
        large = config.model.stage_b == SIZES["large"].stage_b
        for part, path in find_parts(PUBLICATION, PARTS, name, variant="large" if large else "lite").items():
            load_part(part, path, model.get_submodule(part))
        return list(PARTS)
    _, tensors = SHIPPED.load(SHIPPED.find(name), part_of)
    own = model.state_dict()
    fits = {key: value for key, value in tensors.items() if key in own and own[key].shape == value.shape}
    whole = {part_of(key) for key in own} - {part_of(key) for key in own if key not in fits}
    if not whole:
        raise UsageError(f"start_from: {name}: none of its parts has the sizes of 'model'; give model its card's sizes")
    model.load_state_dict(fits, strict=False)  # of parts of another size what fits: a better start than none
    return sorted(whole)


@torch.no_grad()
def _fit(run: ScSicRun, pictures: Pictures) -> None:
    """Take what has a closed form from training crops, but of parts that are fitted already."""
    model, config, fitted, device = run.model.eval(), run.config, run.fitted, run.device
    encoder = model.encoder
    rng = np.random.default_rng([config.seed, 2**31])
    if "encoder" not in fitted and isinstance(encoder, SmallEncoder):
        encoder.fit(draw_images(pictures, 32 * config.fit_crops, encoder.config.stride, rng, device))
    if "stage_b" not in fitted and config.model.stage_b.prior == "linear":
        embeddings, latents = [], []
        for _ in range(-(-config.fit_crops // 16)):
            images = draw_images(pictures, 16, config.phases[-1].crop, rng, device)
            embeddings.append(model.embed(images))
            latents.append(model.stage_a.encode(images))
        design = encoder.config.design_esn0_db if isinstance(encoder, SmallEncoder) else 10.0
        model.stage_b.fit(torch.cat(embeddings), torch.cat(latents), 10 ** (-design / 10))
