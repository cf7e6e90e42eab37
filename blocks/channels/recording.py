"""`channels/recording`."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import InputError
from ...sim.channels.recorded import read_recording, sample_recording
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams, Live
from ..ports import Symbols
from ._noise import faded, noisy

__all__ = ["Recording"]


class Recording(Block):
    r"""Replays a recorded channel: SNR, a flat gain, or impulse responses.

    .. math:: y[n] = h[n]\, x[n] + w[n], \quad w[n] \sim \mathcal{CN}(0, N_0[n]), \quad
        t[n] = \frac{\mathrm{seq} \cdot \mathrm{item\_symbols} + n}{\mathrm{step\_symbols}}

    ``mode: snr`` reads Es/N0 in dB, :math:`N_0[n] = 10^{-\mathrm{esn0\_db}(t) / 10}`, h = 1. ``gain`` reads h(t).
    ``impulse_response`` reads taps at symbol spacing; as symbols have no time base of their own, it declares an OFDM
    grid: ``subcarriers`` symbols make one OFDM symbol whose cyclic prefix covers the taps, the channel stands still
    over it, and :math:`h = \mathrm{FFT}(\text{taps})`, one gain a subcarrier; the prefix is not counted as channel
    uses. Both are scaled to E|h|^2 = 1 over the whole recording (``scale: mean``), so that esn0_db is the mean over it,
    and equalised with perfect channel state as ``channels/rayleigh`` does.

    ``position: item`` takes row seq for the whole of item seq instead. Times behind the end repeat it, hold its last
    value or fail. Files: a CSV with the columns ``esn0_db``, or ``re,im``, or ``re0,im0,re1,im1,...``, after an
    optional ``time_s`` that must rise in equal steps; or an NPZ with the arrays ``esn0_db``, ``gain`` or
    ``impulse_response`` and ``time_s``.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``; receiver state: n0 (float32 ``[n]``; one number with ``none``), h (complex64 ``[n]``,
             not with snr), esn0_db, perfect; trace: signal_energy (of h x) and noise_energy per symbol before the
             equaliser, channel_uses.
    Raises:  InputError: the file cannot be read or is no such recording; names file and line. SignalError: it ends.
    State:   the recording, read by `start`; noise of an item depends on the run's seed, the block's name and the item's
             number.
    Example: ``channel: {use: channels/recording, path: drive.csv, mode: snr, step_symbols: 32}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The file, .csv or .npz.")
        mode: Literal["snr", "gain", "impulse_response"] = Field("snr", description="What the file holds.")
        esn0_db: Live[float] = Field(
            10.0, ge=-30, le=60, description="gain, impulse_response: mean Es/N0 in dB; Es = 1, E|h|^2 = 1."
        )
        step_symbols: int = Field(1000, ge=1, le=10**12, description="Symbols of one time step of the recording.")
        position: Literal["symbols", "item"] = Field(
            "symbols", description="symbols: time goes on by the symbol; item: one row of the recording for each item."
        )
        item_symbols: int | None = Field(
            None, ge=1, le=10**12, description="Symbols from one item's start to the next's; null: the item's own."
        )
        interpolation: Literal["hold", "linear"] = Field(
            "hold", description="Between two time steps: hold the value, or go straight; an SNR in dB."
        )
        at_end: Literal["repeat", "hold", "fail"] = Field("repeat", description="What follows the last time step.")
        scale: Literal["mean", "none"] = Field(
            "mean", description="gain, impulse_response: scaled to E|h|^2 = 1 over the recording, or as it is."
        )
        subcarriers: int = Field(
            64, ge=1, le=1 << 20, description="impulse_response: symbols of one OFDM symbol; at least the taps."
        )
        equalizer: Literal["mmse", "zf", "lmmse", "none"] = Field(
            "mmse", description="mmse and zf: unbiased; lmmse: with its bias; none: the received symbols."
        )

    params: Params

    def start(self) -> None:
        """Read the recording."""
        p = self.params
        recording = read_recording(p.path, "esn0_db" if p.mode == "snr" else p.mode)
        values = recording.values
        if p.mode == "impulse_response" and values.shape[1] > p.subcarriers:
            raise InputError(
                f"{p.path}: expected at most {p.subcarriers} taps, as many as subcarriers, got {values.shape[1]}: "
                f"raise subcarriers"
            )
        if p.mode != "snr" and p.scale == "mean":
            energy = float(np.sum(np.abs(values) ** 2)) / values.shape[0]
            if not energy > 0:
                raise InputError(f"{p.path}: expected a channel that lets something through, got gains of zero alone")
            values = values / math.sqrt(energy)
        self._values = values

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Send this item through its stretch of the recording."""
        p = self.params
        noise = complex_normal(self.rng(identity), symbols.size)
        if p.mode == "snr":
            n0 = 10 ** (-self._at(np.arange(symbols.size), symbols.size, identity) / 10)
            mean_db = -10 * math.log10(float(n0.mean())) if n0.size else p.esn0_db
            return noisy(symbols, noise, esn0_db=mean_db, n0=n0, known_n0=n0.astype(np.float32))
        if p.mode == "gain":
            h = self._at(np.arange(symbols.size), symbols.size, identity)
        else:
            starts = np.arange(0, symbols.size, p.subcarriers)
            h = np.fft.fft(self._at(starts, symbols.size, identity), p.subcarriers, axis=-1).ravel()[: symbols.size]
        return faded(symbols, h.astype(np.complex64), noise, esn0_db=p.esn0_db, equalizer=p.equalizer)

    def _at(self, numbers: NDArray[np.int64], size: int, identity: Identity) -> NDArray[Any]:
        """Return the recording at these symbols of an item of this size."""
        p = self.params
        if p.position == "item":
            steps = np.full(numbers.size, float(identity.seq))
        else:
            first = identity.seq * (p.item_symbols or size)
            # whole steps and the rest apart: float64 alone would lose the symbol far into a long run
            whole, rest = divmod(first, p.step_symbols)
            if p.at_end == "repeat":
                whole %= self._values.shape[0]
            steps = whole + (rest + numbers) / p.step_symbols
        return sample_recording(self._values, steps, interpolation=p.interpolation, at_end=p.at_end)
