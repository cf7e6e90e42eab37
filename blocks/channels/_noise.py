"""What the channels of this folder do alike: add noise, equalise, and say so in state and trace."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sim.channels import equalizer as one_tap
from ...sim.channels.awgn import awgn, n0_from_esn0_db
from ...sim.channels.fading import flat_fading
from ..envelope import Out, State

__all__ = ["energy", "faded", "noisy"]


def energy(x: NDArray[np.complexfloating]) -> float:
    """Mean energy of a symbol; 0 of an empty frame."""
    return float(np.vdot(x, x).real) / max(x.size, 1)


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
        trace={"signal_energy": energy(x), "noise_energy": energy(added), "channel_uses": float(x.size)},
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
    received = flat_fading(x, h, noise, n0)
    state = State(n0=n0, h=h, esn0_db=esn0_db, csi="perfect")
    trace = {"signal_energy": energy(h * x), "noise_energy": n0 * energy(noise), "channel_uses": float(x.size)}
    if equalizer == "none":
        return Out(received, state=state, trace=trace)
    equalised, effective_n0 = getattr(one_tap, equalizer)(received, h, n0)
    return Out(equalised, state=state.updated(State(n0=effective_n0)), trace=trace)
