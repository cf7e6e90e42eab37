r"""Values of a received embedding that no encoder sends. Needs no torch.

Embeddings have unit variance, so a magnitude above 10 is a transmission error: a wrong bit of high weight in a digital
link, or an equaliser that divided by nearly nothing. Such a value is worth less than none. It is set to zero, the mean
of what might have been sent, and marked as noise alone.

In a digital link (n0 is 0: decided bits carry no noise) wild values also tell how many bits were wrong in the others:
with the minifloat of `semcom.sim.quantisers.minifloat` nearly every flip of the highest bit of the exponent makes one,
so that their share is about the bit error rate p; and the other seven bits of a value of unit variance, each wrong with
probability p, leave a mean squared error of about 10 p: 4 p by the sign, the rest by the exponent (a test draws it).
That is the n0 of the values that stay.

Source: D-SIC, modules/denoiser.py, replaces such values by normal noise; a draw adds its own variance to the error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ERASED_N0", "LARGEST", "erase_wild_values"]

LARGEST = 10.0
ERASED_N0 = 1e3
_ERROR_PER_WILD = 10.0


def erase_wild_values(
    embedding: NDArray[np.float32], n0: NDArray[np.float32], largest: float = LARGEST
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the embedding without wild values, and what is known of the noise then.

    Args:
        embedding: As it arrived, any shape; values that are not finite stay as they are.
        n0: Noise variance per real dimension, of the same shape; zeros after decided bits.
        largest: Magnitudes above it are wild.

    Returns:
        Both in the shape of ``embedding``; the arguments are left alone.
    """
    wild = np.isfinite(embedding) & (np.abs(embedding) > largest)
    if not wild.any():
        return embedding, n0
    if not n0.any():
        n0 = np.full_like(n0, _ERROR_PER_WILD * wild.mean())
    return np.where(wild, np.float32(0), embedding), np.where(wild, np.float32(ERASED_N0), n0)
