"""What the receiver that belongs to a waveform loses, measured on one burst in white noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...blocks.block import Block, RunContext
from ...blocks.envelope import Out, Stream
from ...blocks.lookup import load_block
from ...errors import UnknownBlock
from ...sim.noise import complex_normal
from ..runtime.graph import BlockNode
from .transmission import Emission

__all__ = ["Reception", "receive", "receiver_of"]

_LEAD = 4096  # samples of noise before and behind the burst


class Reception(NamedTuple):
    """One burst, received.

    Attributes:
        found: The receiver found it and read its number.
        esn0_db: Of the symbols that the decoder gets: their energy over their mean squared error; None if not found.
    """

    found: bool
    esn0_db: float | None = None


def receiver_of(waveform: BlockNode, behind: list[BlockNode]) -> Block | None:
    """The receiver of a waveform: that of the flowgraph, or the one of the same name, told the same; None if unknown.

    Args:
        waveform: ``framing/burst``.
        behind: Blocks that the samples reach.
    """
    use = waveform.use.replace("framing/", "sync/")
    given = next((node.params for node in behind if node.use == use), waveform.params)
    try:
        cls = load_block(use)
    except UnknownBlock:
        return None
    return cls(cls.Params.model_validate({k: v for k, v in given.items() if k in cls.Params.model_fields}))


def receive(
    receiver: Block, made: Emission, burst: NDArray[np.complex64], payload: NDArray[np.complex64], noise: float
) -> Reception:
    r"""Send a burst through white noise to a receiver, and compare.

    .. math:: \mathrm{esn0\_db} = 10 \log_{10} \frac{\sum_n |s_n|^2}{\sum_n |\hat s_n - s_n|^2}

    Args:
        receiver: Not started yet.
        made: Where its samples come from: their rate.
        burst: complex64 ``[n]``, as the channel gets it.
        payload: complex64 ``[m]``, the symbols in it.
        noise: Variance of a complex sample.
    """
    around = np.concatenate([np.zeros(_LEAD, np.complex64), burst, np.zeros(_LEAD, np.complex64)])
    drawn = complex_normal(np.random.default_rng(0), around.size)
    samples = (around + drawn * np.float32(np.sqrt(noise))).astype(np.complex64)
    receiver.start()
    outs = [*receiver.work(samples, Stream(0, made.rate_hz)), *(receiver.finish(RunContext()) or ())]
    fits = [out for out in outs if isinstance(out, Out) and out.value.size == payload.size]
    if not fits:
        return Reception(found=False)
    error = np.sum(np.abs(fits[0].value - payload).astype(np.float64) ** 2)
    energy = np.sum(np.abs(payload).astype(np.float64) ** 2)
    return Reception(found=True, esn0_db=float(10 * np.log10(energy / error)) if error and energy else None)
