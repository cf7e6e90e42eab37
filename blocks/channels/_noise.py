"""What the channels of this folder do alike: add noise, equalise, and say so in state and trace."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.channels import equalizer as one_tap
from ...sim.channels.awgn import awgn, n0_from_esn0_db
from ...sim.channels.fading import flat_fading
from ..envelope import Out, State, Stream

__all__ = ["energies", "energy", "equalised", "faded", "noisy", "reference_energy"]


def energy(x: NDArray[np.complexfloating]) -> float:
    """Mean energy of a symbol; 0 of an empty frame."""
    return float(np.vdot(x, x).real) / max(x.size, 1)


class Referenced(Protocol):
    """Parameters of a block whose levels are relative to a mean energy."""

    @property
    def reference(self) -> Literal["frame", "one"]:
        """Whose mean energy."""


def reference_energy(who: str, params: Referenced, x: NDArray[np.complex64], stream: Stream | None) -> float:
    """Return the mean energy that levels of a block are relative to.

    Raises:
        SignalError: that of the frame, and this is a chunk of samples.
    """
    if params.reference == "one":
        return 1.0
    if stream is not None:
        raise SignalError(
            f"{who}: reference: expected one on a stream of samples, which is cut anywhere, got frame; scale the "
            "samples to unit mean power, and set reference: one"
        )
    return energy(x)


def energies(x: NDArray[np.complex64], noise: NDArray[np.complex64], n0: float) -> dict[str, float]:
    """Say for the trace what was measured where the noise is added.

    Args:
        x: The symbols, behind the gain.
        noise: CN(0, 1).
        n0: Its variance.
    """
    return {"signal_energy": energy(x), "noise_energy": n0 * energy(noise), "channel_uses": float(x.size)}


def noisy(
    x: NDArray[np.complex64], noise: NDArray[np.complex64], *, esn0_db: float, n0: Any = None, known_n0: Any = None
) -> Out[NDArray[np.complex64]]:
    """Add noise, with no fading to equalise.

    Args:
        x: The symbols.
        noise: CN(0, 1).
        esn0_db: Mean Es/N0 in dB.
        n0: Noise variance, of each symbol where it varies; default: that of ``esn0_db``.
        known_n0: What the receiver knows of it; default: ``n0``.
    """
    n0 = n0_from_esn0_db(esn0_db) if n0 is None else n0
    added = np.sqrt(n0).astype(np.float32) * noise
    return Out(
        awgn(x, added, 1.0),
        state=State(n0=n0 if known_n0 is None else known_n0, esn0_db=esn0_db, csi="perfect"),
        trace=energies(x, added, 1.0),
    )


def faded(
    x: NDArray[np.complex64], h: NDArray[np.complex64], noise: NDArray[np.complex64], *, esn0_db: float, equalizer: str
) -> Out[NDArray[np.complex64]]:
    """Multiply by gains that the receiver knows, add noise, and equalise.

    Args:
        x: The symbols.
        h: The gain of each symbol.
        noise: CN(0, 1).
        esn0_db: Mean Es/N0 in dB.
        equalizer: ``mmse``, ``zf``, ``lmmse`` or ``none``.
    """
    n0 = n0_from_esn0_db(esn0_db)
    state = State(n0=n0, h=h, esn0_db=esn0_db, csi="perfect")
    return equalised(flat_fading(x, h, noise, n0), state, equalizer=equalizer, trace=energies(h * x, noise, n0))


def equalised(
    received: NDArray[np.complex64], state: State, *, equalizer: str, trace: dict[str, float]
) -> Out[NDArray[np.complex64]]:
    """Equalise by the gains that the receiver knows, and put the effective noise variance in its state.

    Args:
        received: The symbols behind the gain and the noise.
        state: With h, as far as the receiver knows it, and the noise variance before the equaliser.
        equalizer: ``mmse``, ``zf``, ``lmmse`` or ``none``.
        trace: Measurements, passed on.
    """
    if equalizer == "none":
        return Out(received, state=state, trace=trace)
    symbols, effective_n0 = getattr(one_tap, equalizer)(received, state.h, state.n0)
    return Out(symbols, state=state.updated(State(n0=effective_n0)), trace=trace)
