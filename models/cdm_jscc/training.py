"""CDM-JSCC's part in its training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..deepjscc.config import AdaptiveConfig
from ..deepjscc.names import SHIPPED as DEEPJSCC_SHIPPED
from ..model_card import ModelCard
from ..ntscc.config import NtsccConfig
from ..ntscc.names import SHIPPED as NTSCC_SHIPPED
from ..patch_rates.level_variances import log_level_variances
from ..patch_rates.rate_map import PATCH
from ..pixel_diffusion.denoising import NoiseLevels
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, draw_images
from ..training.run import Run
from ..training.validation import Scores
from ..weights.file import load_weights
from ..weights.network import config_of, fill
from .base_weights import base_of, ntscc_weights, of_one_size
from .config import CdmConfig, DeepJsccBackbone, Part, Phase, TrainConfig
from .deepjscc_backbone import RateAdaptiveDeepJscc
from .names import SHIPPED
from .network import CdmJscc, part_of
from .ntscc_backbone import NtsccJscc
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["CdmJsccRun"]


class CdmJsccRun(Run[TrainConfig, CdmJscc]):
    """A training in phases, each of which says what learns."""

    system, recipe = SYSTEM, TrainConfig
    holds = ("fitted",)

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.own: set[Part] = set().union(*(phase.trains for phase in config.phases))  # the base does not hold these
        if not (config.start_from or "").endswith(".safetensors"):  # such a file may be gone when the run goes on
            self._lean()
        self.fitted = not self.model.backbone.has_estimate  # the variances by rate
        self.noise = NoiseLevels.of(config, device)

    def build(self) -> CdmJscc:
        """Of the recipe's sizes."""
        return CdmJscc(self.config.model)

    def groups(self) -> list[dict[str, Any]]:
        """Each parameter by itself."""
        return [{"params": [parameter], "name": name} for name, parameter in self.model.named_parameters()]

    def learns(self, name: str, phase: Phase) -> bool:
        """By the part that it belongs to."""
        return part_of(name) in phase.trains

    def start(self, pictures: Pictures) -> None:
        """Load the weights that the recipe names, or take the basis of a backbone, which is no part."""
        self._lean()
        name, backbone = self.config.start_from, self.model.backbone
        if name is None:
            if isinstance(backbone, RateAdaptiveDeepJscc | NtsccJscc):
                rng = np.random.default_rng([self.config.seed, 2**31 + 1])
                backbone.base.fit(draw_images(pictures, 16 * self.config.fit_crops, PATCH, rng, self.device))
        elif name == "deepjscc":
            card, tensors = load_weights(DEEPJSCC_SHIPPED.path("adaptive"))
            if not isinstance(backbone, RateAdaptiveDeepJscc) or not backbone.config.network.grows_from(
                AdaptiveConfig.model_validate(card.config)
            ):
                raise UsageError("start_from: deepjscc: expected a backbone of kind deepjscc with the shipped sizes")
            backbone.base.load_state_dict({**backbone.base.state_dict(), **tensors})
        elif (weights := ntscc_weights(name)) is not None:
            card, tensors = NTSCC_SHIPPED.load(weights)
            network = config_of(NTSCC_SHIPPED.system, weights, card, NtsccConfig)
            if not isinstance(backbone, NtsccJscc) or backbone.base.config != network:
                raise UsageError(
                    f"start_from: {name}: expected a backbone of kind ntscc with the sizes of these weights; give "
                    "model.backbone.network what their card has as 'config'"
                )
            fill(weights, backbone.base, tensors)
            self.fitted = True
        else:
            self._load(name)

    def _lean(self) -> None:
        self.base, own = base_of(self.config)
        self.own |= own

    def state(self) -> dict[str, Any]:
        """Also what the weights lean on, which the file that the run started from says."""
        base = self.base and self.base.model_dump(mode="json")
        return super().state() | {"base": base, "own": sorted(self.own)}

    def restore(self, state: dict[str, Any]) -> None:
        """Also what the weights lean on; a checkpoint from before that was held does not say."""
        super().restore(state)
        if "base" not in state:
            self._lean()
            return
        self.base = state["base"] and ModelCard.model_validate(state["base"])
        self.own = set(state["own"])

    def _load(self, name: str) -> None:
        weights = SHIPPED.find(name)
        card, tensors = SHIPPED.load(weights, part_of)
        if not _grows(self.config.model, config_of(SYSTEM.name, weights, card, CdmConfig)):
            raise UsageError(
                f"start_from: {name}: is of another network than 'model' says; give model its card's sizes"
            )
        self.model.load_state_dict({**self.model.state_dict(), **tensors})  # blocks put to it start as they are
        self.fitted = True

    def prepare(self, phase: Phase, pictures: Pictures) -> None:
        """Take the variances by rate when they are first needed; entropies, on which they hang, learn before that."""
        if not self.fitted and "entropy" not in phase.trains:
            _fit_variances(self, pictures)
            self.fitted = True
            self.start_ema()

    def losses(self, batch: Batch[Phase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.noise, batch)

    def validate(self, network: CdmJscc, held: Pictures, phase: Phase) -> Scores:
        """See `validate`."""
        return validate(self, network, held, phase)

    def to_compile(self) -> list[nn.Module]:
        """The U-Net, the entropy model, and what the backbone names."""
        return [self.model.unet, self.model.prior, *self.model.backbone.stacks()]

    def keeps(self, name: str) -> bool:
        """What the base does not hold."""
        return self.base is None or part_of(name) in self.own


def _grows(model: CdmConfig, start: CdmConfig) -> bool:
    """Whether a network of the one sizes can start from weights of the other."""
    one, other = model.backbone, start.backbone
    if isinstance(one, DeepJsccBackbone) and isinstance(other, DeepJsccBackbone):
        if not one.network.grows_from(other.network):
            return False
        start = start.model_copy(update={"backbone": other.model_copy(update={"network": one.network})})
    return of_one_size(model, start)


@torch.no_grad()
def _fit_variances(run: Run[TrainConfig, CdmJscc], pictures: Pictures) -> None:
    """Take the variances by rate of a backbone from training crops, with the entropy model as it is now."""
    backbone, config = run.model.backbone, run.config
    assert isinstance(backbone, RateAdaptiveDeepJscc | NtsccJscc)
    rng = np.random.default_rng([config.seed, 2**31])
    side = min(config.validation_crop, max(phase.crop for phase in config.phases))  # pictures are that large

    esn0_db = torch.full((4,), sum(config.esn0_db) / 2, device=run.device)

    def looks() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(-(-config.fit_crops // 4)):
            y, entropy = run.model.entropy(draw_images(pictures, 4, side, rng, run.device), esn0_db)
            yield y * backbone.step, entropy.patch_bits

    backbone.log_variance.copy_(log_level_variances(looks()))
