"""The network: a U-Net that is given a coder's picture, and how coarse it is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..pixel_diffusion.diffusion import ddim
from ..pixel_diffusion.unet import Unet
from .config import CodedDenoiserConfig
from .expected_error import expected_rms_error

__all__ = ["CodecDiffusion", "Coded"]

TOLD = 2  # beside the time: QP and scale
QPS = 16, 48  # it is told of; beyond them no network was trained


class Coded(NamedTuple):
    """What the receiver has of pictures before it denoises."""

    pictures: Tensor  # [b, 3, H, W] in [0, 1], sides even
    qp: Tensor  # [b]
    scale_eighths: Tensor  # [b]
    spread: Tensor  # [b, 1, 1, 1]: expected RMS error

    @classmethod
    def of(cls, pictures: Tensor, qp: list[float], scale_eighths: list[int]) -> Coded:
        """With the expected error."""
        errors = [expected_rms_error(*one) for one in zip(qp, scale_eighths, strict=True)]
        new = pictures.new_tensor
        return cls(pictures, new(qp), new(scale_eighths, dtype=torch.float32), new(errors)[:, None, None, None])


class CodecDiffusion(nn.Module):
    """A denoiser of what a coder's pictures lack.

    Args:
        config: Sizes.

    State:   none.
    """

    def __init__(self, config: CodedDenoiserConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = Unet(config.unet, (), 3 * config.unet.unshuffle**2, TOLD)

    def denoise(self, coded: Coded, noisy: Tensor, time: Tensor) -> Tensor:
        """X: the clean residual ``[b, 3, H, W]``, in units of the expected error, from a noisy one.

        Args:
            coded: What is known.
            noisy: x_n.
            time: n / N ``[b]``.
        """
        out: Tensor = self.unet(noisy, self._beside(coded), time, _facts(coded), ()).float()
        return out.clamp(-self.config.clip, self.config.clip)

    def sample(self, coded: Coded, start: Tensor, steps: int, guidance: float = 1.0) -> Tensor:
        """The receiver's pictures ``[b, 3, H, W]`` in [0, 1], not clipped.

        Args:
            coded: What is known.
            start: Standard normal noise ``[b, 3, H, W]``.
            steps: DDIM steps, 1 to 65.
            guidance: Times what the denoiser adds.
        """
        facts, clip = _facts(coded), self.config.clip
        kept = self.unet.keep(self._beside(coded), ())

        def predict(noisy: Tensor, time: float) -> Tensor:
            when = torch.full((noisy.shape[0],), time, device=noisy.device)
            return self.unet.step(noisy, when, facts, kept).float().clamp(-clip, clip)

        return coded.pictures + guidance * coded.spread * ddim(predict, self.config.start_noise * start, steps)

    def _beside(self, coded: Coded) -> Tensor:
        return F.pixel_unshuffle((coded.pictures - 0.45) * 4, self.config.unet.unshuffle)


def _facts(coded: Coded) -> Tensor:
    return torch.stack([(coded.qp.clamp(*QPS) - 33) / 8, torch.log2(8 / coded.scale_eighths)], 1)
