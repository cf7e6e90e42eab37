"""`channels/capacity`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.rician import rician_gain
from ...sim.links.capacity import Fading, capacity_of_gain, ergodic_capacity
from ...sim.noise import complex_normal
from ...sim.side_information.link_agreement import LinkAgreement
from ..block import Block
from ..envelope import Header, Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Bytes

__all__ = ["Capacity"]


class Capacity(Block):
    r"""Carries bytes as an ideal code does: all of them if their rate is at most the capacity, else none.

    .. math:: R = \frac{8 \cdot \mathrm{bytes}}{n} \le C, \quad C = \log_2(1 + \gamma), \quad
        C_\mathrm{fast} = \mathrm{E} \log_2(1 + |h|^2 \gamma), \quad C_\mathrm{block} = \log_2(1 + |h|^2 \gamma)

    with :math:`\gamma = 10^{\mathrm{esn0\_db}/10}` and n the uses of LinkAgreement. Fast fading: the ergodic capacity.
    Block fading: one gain is drawn a frame, and the frame is lost when it is too small (outage). An upper bound for the
    rows that papers call "BPG + capacity"; no symbols cross it.

    Input:   data: uint8 ``[n]``; header: LinkAgreement.
    Output:  uint8 ``[n]``, zeros if lost; receiver state: crc_ok, esn0_db, perfect; trace: channel_uses, signal_energy
             (of the gain; 1 but for block fading) and noise_energy, which are nominal.
    State:   none: the gain of an item depends on the run's seed, the block's name and the item's number.
    Source:  Tse & Viswanath, Fundamentals of Wireless Communication, sections 5.4.1 and 5.4.5.
    Example: ``channel: {use: channels/capacity, esn0_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Mean Es/N0 in dB; Es = 1, E|h|^2 = 1.")
        fading: Fading = Field("none", description="Law of the gain.")
        coherence: Literal["fast", "block"] = Field("fast", description="A frame sees all of the fading, or one gain.")
        k_db: Live[float] = Field(6.0, ge=-40, le=60, description="K factor in dB, of rician.")

    params: Params
    reads_header = (LinkAgreement,)

    def work(self, data: Bytes, header: Header, identity: Identity) -> Out[Bytes]:
        """Carry one frame, or lose it."""
        p = self.params
        uses = header.read(LinkAgreement).uses
        gain = 1.0
        if p.fading == "none" or p.coherence == "fast":
            capacity = ergodic_capacity(p.esn0_db, p.fading, p.k_db)
        else:
            rng = self.rng(identity)  # in the order of channels/rayleigh and channels/rician: the same gain
            phase = rng.random(1) if p.fading == "rician" else None
            h = complex_normal(rng, 1)
            if phase is not None:
                h = rician_gain(h, np.exp(2j * np.pi * phase).astype(np.complex64), p.k_db)
            gain = float(np.abs(h[0]) ** 2)
            capacity = capacity_of_gain(p.esn0_db, gain)
        carried = 8 * data.size <= uses * capacity
        return Out(
            data if carried else np.zeros(data.size, np.uint8),
            state=State(crc_ok=carried, esn0_db=p.esn0_db, csi="perfect"),
            trace={
                "channel_uses": float(uses),
                "signal_energy": gain,
                "noise_energy": float(n0_from_esn0_db(p.esn0_db)),
            },
        )
