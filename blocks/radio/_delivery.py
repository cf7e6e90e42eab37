"""How a sink brings samples to its peer: in pieces, with patience, and with a moment left when the run is to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ._senders import Sender
from ._socket import WAIT_MS

__all__ = ["Grace", "WhenFull", "check_rate", "deliver"]

GRACE_S: Final = 0.2

WhenFull = Literal["block", "drop"]


class Grace:
    """The moment that remains for a receiver once the run is told to stop."""

    def __init__(self) -> None:
        self._over_at_s: float | None = None

    def over(self, *, stopping: bool) -> bool:
        """Whether it has passed."""
        if stopping and self._over_at_s is None:
            self._over_at_s = time.monotonic() + GRACE_S
        return self._over_at_s is not None and time.monotonic() >= self._over_at_s

    def wait_ms(self, when_full: WhenFull = "block", *, stopping: bool) -> int:
        """Return how long to wait for somebody to take something, before asking whether to give up.

        Once it has passed that is no time: what still stands in queues would be waited for, piece by piece.
        """
        return WAIT_MS if when_full == "block" and not self.over(stopping=stopping) else 0


def deliver(
    sender: Sender,
    samples: NDArray[np.complex64],
    pack: Callable[[NDArray[np.complex64], int], bytes],
    gives_up: Callable[[], bool],
    wait_ms: int,
) -> int:
    """Send samples in as many messages as the peer takes them in; return how many were sent.

    Args:
        sender: The sending end.
        samples: complex64 ``[n]``.
        pack: Makes a message of some of them, and of where the first one stands.
        gives_up: Asked while nobody takes any.
        wait_ms: For somebody to take some, between two such questions.
    """
    at = 0
    while at < samples.size:
        room = sender.room(wait_ms)
        piece = samples[at : at + (room or 0)]
        if room is not None and sender.send(pack(piece, at)):
            at += piece.size
        elif gives_up():
            break
    return at


def check_rate(rate_hz: float, expected_hz: float | None) -> None:
    """Refuse samples of another rate than the receiver's. Raises SignalError."""
    if expected_hz is not None and not np.isclose(rate_hz, expected_hz, rtol=1e-6, atol=0):
        raise SignalError(
            f"expected samples at {expected_hz:g} Hz, the receiver's rate, got {rate_hz:g} Hz; put radio/resample "
            "before"
        )
