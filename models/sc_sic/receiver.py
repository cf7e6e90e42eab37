"""The receiver at speed: what `sampler.sample` and `StageA.decode` compute, with the work in another order."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from ...errors import SignalError, UsageError
from ..compiled import Compile
from ..precision import Precision
from ..replay import Graphs, Replay
from .names import SHIPPED
from .network import ScSic
from .packed_stage_a import PackedStageA
from .packed_unet import Depthwise, PackedUnet
from .sampler import guided
from .schedule import alpha_bar
from .stage_b import Conditioning

__all__ = ["Receiver"]


class Receiver:
    """Stages B and A of a network, with its weights as they are now, on the device where they lie.

    Against `sample` with the same draws: float32 differs by rounding alone. bfloat16 holds the denoiser's weights and
    activations in 16 bits; the closed forms around it, times, and the latents between steps stay float32.

    Args:
        network: In evaluation mode; it is left as it is. It may be moved or deleted later, and weights in bfloat16 are
            copies.
        precision: Of stages B and A.
        compile: Blocks through `torch.compile`: seconds to minutes at the first picture of each size. ``tuned`` looks
            for the fastest matrix products as well.
        graphs: On a GPU, record a step, and stage A, for each size and batch, and replay.

    Source: what is cached follows from the network's form; Dao et al., FlashAttention, NeurIPS 2022 (fused attention,
        by PyTorch).
    """

    def __init__(
        self,
        network: ScSic,
        *,
        precision: Precision = "float32",
        compile: Compile = "off",
        graphs: Graphs = "off",
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise UsageError(f"{SHIPPED.system}: precision: expected float32 or bfloat16, got {precision}")
        self._stage_b = network.stage_b
        self._reduced = precision == "bfloat16"
        self._dtype = torch.bfloat16 if self._reduced else torch.float32
        on_gpu = next(network.stage_b.parameters()).is_cuda
        with torch.inference_mode(mode=False), torch.no_grad():
            how: Depthwise = "sums" if compile != "off" and on_gpu else "convolution"
            self._unet = PackedUnet(network.stage_b.unet, dtype=self._dtype, compile=compile, depthwise=how)
            stage_a = PackedStageA(network.stage_a.vqgan, dtype=self._dtype, compile=compile, depthwise=how)
        self._step = Replay(self._one_step, graphs)
        self._stage_a = Replay(stage_a, graphs)

    @torch.no_grad()
    def condition(self, embedding: Tensor, noise_variance: Tensor, size: tuple[int, int]) -> Conditioning:
        """As `StageB.condition`; in reduced precision under autocast.

        Raises:
            SignalError: ``size`` does not fit the network.
        """
        multiple = self._unet.multiple
        if min(size) < multiple or any(side % multiple for side in size):
            raise SignalError(
                f"{SHIPPED.system}: expected sides of latents that are multiples of {multiple}, got {size[0]} x "
                f"{size[1]}; crop or scale the picture"
            )
        with torch.autocast(embedding.device.type, dtype=torch.bfloat16, enabled=self._reduced):
            return self._stage_b.condition(embedding, noise_variance, size)

    @torch.no_grad()
    def sample(
        self,
        conditioning: Conditioning,
        draw: Callable[[], Tensor],
        *,
        steps: int = 10,
        eta: float = 1.0,
        temperature: float = 1.0,
        guidance: float = 1.0,
        unconditional: Conditioning | None = None,
        rescale: float = 0.7,
    ) -> Tensor:
        """As `sampler.sample`, both branches of guidance in one pass.

        On a GPU, draws that come in pinned memory are fetched while it computes.
        """
        if not 1 <= steps <= 50:
            raise ValueError(f"steps: expected 1 to 50, got {steps}")
        if guidance != 1 and unconditional is None:
            raise ValueError("guidance: expected an unconditional conditioning where it is not 1")
        parts = [conditioning] if guidance == 1 or unconditional is None else [conditioning, unconditional]
        added = torch.cat([part.added for part in parts]).permute(0, 2, 3, 1).to(self._dtype).contiguous()
        level = torch.cat([part.level for part in parts])
        mean = variance = None
        if conditioning.mean is not None and conditioning.variance is not None:
            mean = torch.cat([part.mean.float() for part in parts if part.mean is not None])
            variance = torch.cat([part.variance.float() for part in parts if part.variance is not None])
        device = added.device
        times = [max(0.0, 1 - index / steps) for index in range(steps)] + [0.0]
        said = self._unet.modulations(torch.tensor(times[:-1], device=device), level)
        numbers = torch.tensor(
            [_numbers(now, then, eta, temperature, guidance, rescale) for now, then in pairwise(times)],
            device=device,
        )
        start = draw()
        x = temperature * start.to(device, torch.float32, non_blocking=True)
        noise = torch.zeros_like(x)
        for index in range(steps):
            if eta and index + 1 < steps:
                noise = draw().to(device, torch.float32, non_blocking=True)
            x = self._step(x, noise, said[index], numbers[index], added, mean, variance)
        return x.clone()

    def decode(self, latents: Tensor) -> Tensor:
        """As `StageA.decode`: latents ``[b, c, h, w]`` to float32 images ``[b, 3, 4 h, 4 w]``, not clipped."""
        return self._stage_a(latents).clone()

    def _one_step(
        self,
        x: Tensor,
        noise: Tensor,
        said: Tensor,
        numbers: Tensor,
        added: Tensor,
        mean: Tensor | None,
        variance: Tensor | None,
    ) -> Tensor:
        share, before, direction, deviation, guidance, rescale = numbers.unbind()
        branches = added.shape[0] // x.shape[0]
        noisy = x.repeat(branches, 1, 1, 1)
        if mean is None or variance is None:
            epsilon = self._unet(noisy, said, added)
        else:
            spread = share * variance + 1 - share
            away = noisy - share.sqrt() * mean
            correction = self._unet(torch.cat([away / spread.sqrt(), mean], 1), said, added)
            clean = (
                mean + share.sqrt() * variance / spread * away + (variance * (1 - share) / spread).sqrt() * correction
            )
            epsilon = (noisy - share.sqrt() * clean) / (1 - share).sqrt()
        if branches == 2:
            told, untold = epsilon.chunk(2)
            epsilon = guided(told, untold, guidance, rescale)
        clean = (x - (1 - share).sqrt() * epsilon) / share.sqrt()
        return before.sqrt() * clean + direction * epsilon + deviation * noise


def _numbers(now: float, then: float, eta: float, temperature: float, guidance: float, rescale: float) -> list[float]:
    """Of one step, see `step_back`: a recording reads them from memory, so that it serves all steps."""
    share, before = (alpha_bar(torch.tensor(t, dtype=torch.float64)).item() for t in (now, then))
    variance = eta**2 * (1 - before) / (1 - share) * (1 - share / before)
    direction = math.sqrt(max(1 - before - variance, 0.0))
    return [share, before, direction, temperature * math.sqrt(variance) * (then != 0), guidance, rescale]
