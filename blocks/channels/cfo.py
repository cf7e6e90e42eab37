"""`channels/cfo`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.frequency_offset import estimate_frequency, frequency_offset
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out, State, Stream
from ..params import BlockParams, Live
from ..ports import Samples, Symbols
from ._noise import noisy

__all__ = ["Cfo"]


class Cfo(Block):
    r"""Carrier frequency offset: the phase grows with time.

    .. math:: y[n] = x[n]\, e^{j (2 \pi \nu n + \theta)} + w[n], \quad
        \nu = \frac{\mathrm{cfo\_hz}}{\mathrm{symbol\_rate\_hz}}

    Without ``esn0_db`` there is no noise w: an impairment that ``channels/cascade`` joins with ``channels/awgn``.
    ``correction: pilots`` sends a known symbol of unit energy before each ``pilot_spacing`` payload symbols, at least
    two a frame, finds frequency and phase at the peak of their noisy periodogram and turns the payload back; the pilots
    meet the same noise, so ``esn0_db`` is required, and they are charged. Offsets beyond
    symbol_rate_hz / (2 (pilot_spacing + 1)) are taken for others. ``perfect`` turns back by the true offset and phase.

    On samples the phase goes on through the stream, at its rate: an impairment alone, without noise and correction.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1; or a chunk of samples.
    Output:  complex64 ``[n]``; receiver state: passes through without noise, else n0, esn0_db, and csi: pilots or
             perfect, if there is a correction; trace: signal_energy, noise_energy and channel_uses with noise;
             pilot_uses with pilots.
    Raises:  SignalError: noise or correction on samples.
    State:   none: noise and phase of an item depend on the run's seed, the block's name and the item's number.
    Source:  Rife & Boorstyn, Single-tone parameter estimation from discrete-time observations, IEEE Trans. Inf. Theory
             20(5), 1974.
    Example: ``channel: {use: channels/cfo, cfo_hz: 200, symbol_rate_hz: 1e6, correction: pilots, esn0_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        cfo_hz: Live[float] = Field(100.0, ge=-1e12, le=1e12, description="Carrier frequency offset in Hz.")
        symbol_rate_hz: float = Field(
            1e6, gt=0, le=1e12, description="Symbols a second, in Hz; a stream of samples has a rate of its own."
        )
        phase: Literal["zero", "random"] = Field(
            "zero",
            description="Phase at the first symbol of a frame or sample of a stream: zero, or uniform and new in each.",
        )
        correction: Literal["none", "perfect", "pilots"] = Field(
            "none", description="What the receiver turns back by: nothing, the truth, or an estimate from pilots."
        )
        pilot_spacing: int = Field(64, ge=1, le=1_000_000, description="pilots: payload symbols between two pilots.")
        esn0_db: Live[float | None] = Field(
            None, ge=-30, le=60, description="Es/N0 in dB, of noise added here; null adds none."
        )

        @model_validator(mode="after")
        def _pilots_need_noise(self) -> Cfo.Params:
            if self.correction == "pilots" and self.esn0_db is None:
                raise ValueError("correction: pilots needs esn0_db: an estimate from pilots without noise is perfect")
            return self

    params: Params

    def work(
        self, symbols: Symbols | Samples, identity: Identity, stream: Stream | None = None
    ) -> Out[Symbols | Samples]:
        """Turn this item's symbols, add noise, and turn them back by what the receiver knows; or turn these samples."""
        p = self.params
        if stream is not None:
            return Out(self._of_stream(symbols, stream))
        rng = self.rng(identity)
        cfo = p.cfo_hz / p.symbol_rate_hz
        phase = 2 * np.pi * rng.random() if p.phase == "random" else 0.0
        is_pilot, period = _pilot_slots(symbols.size if p.correction == "pilots" else 0, p.pilot_spacing)
        sent = symbols
        if is_pilot.any():
            sent = np.ones(is_pilot.size, np.complex64)
            sent[~is_pilot] = symbols
        received = frequency_offset(sent, cfo, phase)
        if p.esn0_db is None:
            return Out(received if p.correction == "none" else frequency_offset(received, -cfo, -phase))
        out = noisy(received, complex_normal(rng, received.size), esn0_db=p.esn0_db)
        if is_pilot.any():
            cfo, phase = estimate_frequency(out.value[is_pilot], period)
            out.value = frequency_offset(out.value, -cfo, -phase)[~is_pilot]
            out.state = State(n0=n0_from_esn0_db(p.esn0_db), esn0_db=p.esn0_db, csi="pilots")
            out.trace |= {"channel_uses": float(symbols.size), "pilot_uses": float(np.count_nonzero(is_pilot))}
        elif p.correction == "perfect":
            out.value = frequency_offset(out.value, -cfo, -phase)
        else:  # of the phase the receiver knows nothing
            out.state = State(n0=n0_from_esn0_db(p.esn0_db), esn0_db=p.esn0_db)
        return out

    def _of_stream(self, samples: Samples, stream: Stream) -> NDArray[np.complex64]:
        p = self.params
        if p.esn0_db is not None or p.correction != "none":
            raise SignalError(
                "channels/cfo: expected neither esn0_db nor correction on a stream of samples, got "
                f"esn0_db: {p.esn0_db}, correction: {p.correction}; channels/awgn_samples adds noise, sync corrects"
            )
        phase = 2 * np.pi * self.rng().random() if p.phase == "random" else 0.0
        return frequency_offset(samples, p.cfo_hz / stream.sample_rate_hz, phase, start=stream.offset)


def _pilot_slots(payload: int, spacing: int) -> tuple[NDArray[np.bool_], int]:
    """Return which slots of a frame are pilots, and their period; an empty payload has none."""
    if payload == 0:
        return np.zeros(0, np.bool_), 1
    pilots, period = max(2, -(-payload // spacing)), min(spacing, payload) + 1
    slots = np.zeros(payload + pilots, np.bool_)
    slots[np.arange(pilots) * period] = True
    return slots, period
