"""What a transmitter does about the peaks of OFDM symbols, so that its amplifier may work nearer to its limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..channels.clipping import clip_envelope

__all__ = ["Peaks", "PeaksKind"]

PeaksKind = Literal["keep", "clip", "clip_and_filter", "compress"]

_ROUNDS = 4  # of clipping and filtering: filtering lets the peaks grow again


@dataclass(frozen=True)
class Peaks:
    r"""Peaks are left, cut off, or compressed.

    .. math:: y = x \min(1, A / |x|) \quad \text{(clip)}, \qquad
        y = \frac{x}{|x|}\, A \tanh \frac{|x|}{A} \quad \text{(compress)}

    and scaled to unit mean power. The headroom is :math:`A^2` in dB over the mean power. What is cut off is noise on
    all carriers, used or not; ``clip_and_filter`` silences those that are not used, four times in turn. To a
    receiver that does not know the distortion is noise, and the gain that is left a part of the channel.

    Attributes:
        kind: What is done.
        headroom_db: Of the limit over the mean power.

    Source: Armstrong, "Peak-to-average power reduction for OFDM by repeated clipping and frequency domain filtering",
        Electron. Lett. 38(5), 2002.
    """

    kind: PeaksKind = "keep"
    headroom_db: float = 6.0

    def reduced(self, x: NDArray[np.complex64], carriers: NDArray[np.intp]) -> NDArray[np.complex64]:
        """Return OFDM symbols with smaller peaks, of unit mean power.

        Args:
            x: complex64 ``[T, n_fft]``, without prefix, of unit mean power.
            carriers: intp ``[used]``, the used ones.
        """
        if self.kind == "keep" or not x.size:
            return x
        y = self.limited(x, carriers)
        return np.asarray(y / np.sqrt(np.mean(np.abs(y) ** 2)), np.complex64)

    def limited(self, x: NDArray[np.complex64], carriers: NDArray[np.intp]) -> NDArray[np.complex64]:
        """As `reduced`, before it is scaled; of any kind but ``keep``."""
        limit = np.float32(10 ** (self.headroom_db / 20))
        if self.kind == "compress":
            sizes = np.abs(x) / limit
            return np.asarray(x * np.divide(np.tanh(sizes), sizes, out=np.ones_like(sizes), where=sizes > 0))
        if self.kind == "clip":
            return clip_envelope(x, limit)
        y = x
        for _ in range(_ROUNDS):
            spectra = scipy.fft.fft(clip_envelope(y, limit), axis=-1)
            kept = np.zeros_like(spectra)
            kept[:, carriers] = spectra[:, carriers]
            y = scipy.fft.ifft(kept, axis=-1, overwrite_x=True)
        return y
