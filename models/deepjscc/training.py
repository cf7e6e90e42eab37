"""DeepJSCC's part in its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..model_card import card_path
from ..perceptual.discriminator import Discriminator
from ..training.batch import Batch, Losses
from ..training.learning_rate import half_cosine, warm_up
from ..training.pictures import Pictures, draw_images
from ..training.recipe import Stretch
from ..training.run import Run
from ..training.validation import Scores
from ..weights.file import load_weights
from ..weights.network import config_of
from .config import AdaptiveConfig, NetworkConfig, TrainConfig
from .modulated import ModulatedStack
from .names import SHIPPED
from .network import build
from .rates import RATES
from .step import BINS, losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["DeepJsccRun"]

DEEPJSCC_Q = "Tung, Burth Kurka, Jankowski & Gunduz, DeepJSCC-Q, IEEE J. Sel. Areas Inf. Theory 3(4), 2022"


class DeepJsccRun(Run[TrainConfig, Any]):
    """A training of one of the networks of `build`; its stretches have no names, and everything learns in all."""

    system, recipe = SYSTEM, TrainConfig
    score_name = "psnr_db"
    validates_start = True
    holds = ("level",)

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.level = torch.zeros(len(RATES), BINS, device=device)  # running MSE by rate and effective SNR

    @property
    def paper(self) -> str:
        """With constellations, the later one."""
        return DEEPJSCC_Q if self.config.bits_per_symbol else super().paper

    def build(self) -> Any:
        """With the methods of `JsccNetwork`, and a discriminator where the recipe has one."""
        network, adversarial = build(self.config.model), self.config.adversarial
        if adversarial is not None:
            network.discriminator = Discriminator(adversarial.widths, adversarial.contrast)
        return network

    def groups(self) -> list[dict[str, Any]]:
        """The KLT bases, which do not decay, apart from the rest; and the discriminator by itself."""
        parts: dict[str, list[Any]] = {"network": [], "klt": [], "discriminator": []}
        for name, parameter in self.model.named_parameters():
            first = name.partition(".")[0]
            parts["klt" if "klt" in name else first if first in parts else "network"].append(parameter)
        decays = {"klt": 0.0}
        return [
            {"params": held, "weight_decay": decays.get(part, self.config.weight_decay)}
            for part, held in parts.items()
            if held or part != "discriminator"
        ]

    def learning_rates(self, phase: Stretch, done: float, progress: float) -> Sequence[float]:
        """Half a cosine over the whole run, down to one hundredth."""
        share, config = warm_up(self.step, self.config.warmup_steps) * half_cosine(progress, 0.01), self.config
        rates = (share * config.learning_rate, share * config.linear_learning_rate)
        return rates if config.adversarial is None else (*rates, share * config.adversarial.learning_rate)

    def start(self, pictures: Pictures) -> None:
        """Load the shipped weights that the recipe names, or take the closed-form start of training pictures."""
        config = self.config
        if config.start_from is not None:
            weights = SHIPPED.path(config.start_from)
            card, tensors = load_weights(weights)
            if not _grows(config.model, config_of(SYSTEM.name, weights, card, NetworkConfig)):
                raise UsageError(
                    f"start_from: {weights.name} is of another network than 'model' says; give model the sizes in "
                    f"{card_path(weights).name}"
                )
            # a discriminator, and blocks that are put to the network, start as they are
            self.model.load_state_dict({**self.model.state_dict(), **tensors})
        elif hasattr(self.model, "fit"):
            rng = np.random.default_rng([config.seed, 2**31])
            side = self.model.config.patch
            self.model.fit(draw_images(pictures, config.fit_patches, side, rng, self.device))

    def losses(self, batch: Batch[Stretch]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.level, batch)

    def shared(self) -> list[Tensor]:
        """The running MSE."""
        return [self.level]

    def validate(self, network: Any, held: Pictures, phase: Stretch) -> Scores:
        """See `validate`."""
        return validate(self, network, held)

    def to_compile(self) -> list[nn.Module]:
        """The stacks of residual blocks: the closed forms around them change precision midway."""
        stacks: list[nn.Module] = [one for one in self.model.modules() if isinstance(one, ModulatedStack)]
        return stacks or list(self.model.children())

    def outdoes(self, score: float) -> bool:
        """PSNR falls as a perceptual loss is learnt: the last weights are the ones."""
        return super().outdoes(score) or self.config.perceptual != "none"

    def keeps(self, name: str) -> bool:
        """What either end has: a discriminator is of the training alone."""
        return not name.startswith("discriminator.")

    def row(self, losses: Sequence[Losses], phase: Stretch) -> dict[str, Any]:
        """The mean loss; the rest is of the last step."""
        return {
            "loss": round(float(np.mean([float(one["loss"]) for one in losses])), 5),
            "rate": losses[-1]["rate"],
            "mse": f"{float(losses[-1]['mse']):.3e}",
            **{name: f"{float(losses[-1][name]):.3f}" for name in ("fools", "found") if name in losses[-1]},
            "learning_rate": f"{self.optimizer.param_groups[0]['lr']:.3e}",
            "crop": phase.crop,
        }

    def metrics(self, figures: dict[str, float]) -> dict[str, float]:
        """PSNR alone."""
        return {f"validation PSNR in dB: {name}": round(value, 3) for name, value in figures.items()}


def _grows(model: NetworkConfig, start: NetworkConfig) -> bool:
    """Whether a network of the one sizes can start from weights of the other."""
    if isinstance(model, AdaptiveConfig) and isinstance(start, AdaptiveConfig):
        return model.grows_from(start)
    return model == start
