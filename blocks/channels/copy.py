"""`channels/copy`."""

from __future__ import annotations

from ..block import Block
from ..ports import Samples

__all__ = ["Copy"]


class Copy(Block):
    r"""Passes samples on unchanged: an ideal cable, and the yardstick of what the engine itself costs.

    .. math:: y[n] = x[n]

    Input:   samples: complex64 ``[n]``.
    Output:  complex64 ``[n]``, the same array.
    State:   none.
    Example: ``cable: {use: channels/copy}``
    """

    def work(self, samples: Samples) -> Samples:
        """Pass the chunk on."""
        return samples
