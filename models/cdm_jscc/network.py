"""The whole system: backbone, entropy model and denoiser, in the pieces that transmitter and receiver run."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..ntscc.context import ContextPrior
from ..patch_rates.allocation import counts_on
from ..patch_rates.hyperprior import Entropy, Hyperprior
from ..patch_rates.rate_map import LEVELS
from ..patch_rates.told import Told
from ..pixel_diffusion.diffusion import ddim
from ..pixel_diffusion.unet import Unet
from .backbone import Understood
from .config import CdmConfig, DeepJsccBackbone, NtcBackbone, NtsccBackbone, Part
from .deepjscc_backbone import RateAdaptiveDeepJscc
from .ntc_backbone import NtcJscc
from .ntscc_backbone import NtsccJscc

__all__ = ["CdmJscc", "part_of"]

TOLD = 2  # beside the time: how well the frame was heard, and its mean rate


class CdmJscc(nn.Module):
    """Rate-adaptive JSCC with a conditional diffusion decoder.

    Args:
        config: Sizes.

    State:   none.
    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025.
    """

    def __init__(self, config: CdmConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _backbone(config.backbone)
        residual = self.backbone.has_estimate
        if not isinstance(config.backbone, NtsccBackbone):  # which has an entropy model of its own
            self.hyperprior = Hyperprior(LEVELS[-1], config.backbone.hyper_width, magnitudes=residual)
        beside = 3 * config.unet.unshuffle**2 + 1 if residual else 0
        self.unet = Unet(config.unet, self.backbone.context_widths, beside, TOLD)

    @property
    def prior(self) -> Hyperprior | ContextPrior:
        """The entropy model: that of an NTSCC network, or the hyperprior."""
        return self.backbone.base.prior if isinstance(self.backbone, NtsccJscc) else self.hyperprior

    def entropy(
        self, images: Tensor, esn0_db: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Entropy]:
        """Latents of images ``[b, 3, H, W]`` in [0, 1] that go out at Es/N0 in dB ``[b]``, and what they would cost.

        Of the cost the paper's transform learns; one that makes a picture by itself does not.
        """
        y = self.backbone.latents(images, esn0_db)
        return y, self.prior((y.detach() if self.backbone.has_estimate else y).float(), generator)

    def denoise(
        self, understood: Understood, noisy: Tensor, time: Tensor, told: Told, heard_db: Tensor, guidance: float = 1.0
    ) -> Tensor:
        """X: the clean residual ``[b, 3, H, W]``, in units of the expected error, from a noisy one.

        Args:
            understood: What the receiver made of the frame.
            noisy: x_n.
            time: n / N ``[b]``.
            told: What the header says.
            heard_db: Effective Es/N0 of the frame ``[b]``.
            guidance: Exaggerates what the denoiser adds, about nothing added; 1 for none of that.
        """
        facts, beside = self._facts(told, heard_db), self._beside(understood)
        out: Tensor = self.unet(noisy, beside, time, facts, understood.context).float()
        return (guidance * out).clamp(-self.config.clip, self.config.clip)

    def _facts(self, told: Told, heard_db: Tensor) -> Tensor:
        mean = counts_on(heard_db.device)[told.levels].float().mean((1, 2))
        return torch.stack([heard_db / 10 - 1, torch.log2(mean / 64)], 1)

    def _beside(self, understood: Understood) -> Tensor | None:
        if not self.backbone.has_estimate:
            return None
        picture = F.pixel_unshuffle((understood.estimate - 0.45) * 4, self.config.unet.unshuffle)
        spread = F.interpolate(understood.spread.log() / 2 + 2, picture.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([picture, spread], 1)

    def spread_of(self, understood: Understood) -> Tensor:
        """Expected error of each pixel ``[b, 1, H, W]``, without steps between patches."""
        shape = understood.estimate.shape[2:]
        return F.interpolate(understood.spread.log(), shape, mode="bilinear", align_corners=False).exp()

    def sample(
        self, understood: Understood, start: Tensor, told: Told, heard_db: Tensor, steps: int, guidance: float = 1.0
    ) -> Tensor:
        """The receiver's picture ``[b, 3, H, W]`` in [0, 1], not clipped.

        Args:
            understood: What the receiver made of the frame.
            start: Standard normal noise ``[b, 3, H, W]``.
            told: What the header says.
            heard_db: Effective Es/N0 of the frame ``[b]``.
            steps: DDIM steps, 1 to 65.
            guidance: See `denoise`.
        """
        facts, clip = self._facts(told, heard_db), self.config.clip
        kept = self.unet.keep(self._beside(understood), understood.context)

        def predict(noisy: Tensor, time: float) -> Tensor:
            when = torch.full((noisy.shape[0],), time, device=noisy.device)
            return (guidance * self.unet.step(noisy, when, facts, kept).float()).clamp(-clip, clip)

        residual = ddim(predict, self.config.start_noise * start, steps)
        return understood.estimate + self.spread_of(understood) * residual


def _backbone(
    config: NtcBackbone | DeepJsccBackbone | NtsccBackbone,
) -> NtcJscc | RateAdaptiveDeepJscc | NtsccJscc:
    if isinstance(config, NtsccBackbone):
        return NtsccJscc(config)
    return NtcJscc(config) if isinstance(config, NtcBackbone) else RateAdaptiveDeepJscc(config)


def part_of(name: str) -> Part:
    """Return which part of the network a parameter belongs to."""
    head, _, rest = name.partition(".")
    if head == "hyperprior" or rest.startswith("base.prior."):
        return "entropy"
    if head == "unet":
        return "denoiser"
    if rest.startswith("base.klt."):
        return "basis"  # entropies, rates and variances were taken in it
    return "transform" if rest.split(".")[0] in ("base", "analysis", "pyramid") else "jscc"
