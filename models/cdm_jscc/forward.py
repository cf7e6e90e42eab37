"""One batch from pictures to what the receiver understands of them: what training and validation share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..effective_esn0 import effective_esn0_db_of_sent
from ..patch_rates.allocation import levels_for, nearest_eta_index, sent_mask
from ..patch_rates.frames import over_channel
from ..patch_rates.hyperprior import Entropy
from ..patch_rates.told import Told
from ..training.frames import Fading
from .backbone import Understood
from .network import CdmJscc
from .ntc_backbone import NtcJscc

__all__ = ["Passed", "pass_through"]


class Passed(NamedTuple):
    """A batch after the channel."""

    told: Told
    understood: Understood
    heard_db: Tensor  # [b]
    entropy: Entropy


def pass_through(
    model: CdmJscc,
    images: Tensor,
    eta: Tensor,
    esn0_db: Tensor,
    fading: list[Fading],
    generator: torch.Generator,
    *,
    learns_entropy: bool = False,
    channel: bool = True,
) -> Passed:
    """Send a batch of pictures ``[b, 3, H, W]`` in [0, 1]; each frame with its own eta and Es/N0 ``[b]``.

    Args:
        model: The network.
        images: Pictures.
        eta: Real values per bit.
        esn0_db: Of the channel, which the transmitter knows.
        fading: The channel of each frame.
        generator: Where noise is drawn.
        learns_entropy: Put noise for the rounding of latents, so that gradients pass.
        channel: Over the channel; else the latents are handed to the receiver (the paper's first stage).
    """
    y, entropy = model.entropy(images, esn0_db, generator if learns_entropy else None)
    levels = levels_for(entropy.patch_bits.detach(), eta)
    told = Told(levels, nearest_eta_index(eta), esn0_db)
    if not channel:
        if not isinstance(model.backbone, NtcJscc):
            raise ValueError("channel: expected true: this backbone has no latents that can be handed over")
        return Passed(told, model.backbone.understood(entropy.y), torch.full_like(esn0_db, 25.0), entropy)
    features = model.backbone.send(images, y, told)
    mask = sent_mask(levels.flatten(1))
    received, n0 = over_channel(features.float(), mask, 10 ** (-esn0_db / 10), fading, generator)
    understood = model.backbone.receive(received, n0, told)
    return Passed(told, understood, effective_esn0_db_of_sent(n0, mask), entropy)
