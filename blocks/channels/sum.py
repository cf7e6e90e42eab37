"""`channels/sum`."""

from __future__ import annotations

import functools

import numpy as np

from ...errors import SignalError
from ..block import Block
from ..ports import Samples

__all__ = ["Sum"]


class Sum(Block):
    r"""Adds streams of samples: what an antenna hears of several transmitters.

    .. math:: y[n] = \sum_k x_k[n]

    Samples of the same number are added. Where one stream lacks some, the others' are left out too; with the end of the
    first one the sum ends.

    Input:   a: complex64 ``[n]``; b to h: the same, as many as there are.
    Output:  complex64 ``[n]``.
    Raises:  SignalError: the streams are cut differently.
    State:   none.
    Example: ``antenna: {use: channels/sum}``
    """

    def work(
        self,
        a: Samples,
        b: Samples | None = None,
        c: Samples | None = None,
        d: Samples | None = None,
        e: Samples | None = None,
        f: Samples | None = None,
        g: Samples | None = None,
        h: Samples | None = None,
    ) -> Samples:
        """Add the chunks."""
        given = [x for x in (a, b, c, d, e, f, g, h) if x is not None]
        if len({x.size for x in given}) > 1:
            raise SignalError(f"channels/sum: expected chunks of one length, got {[x.size for x in given]} samples")
        return functools.reduce(np.add, given)  # in this order: the sum of a chunk is that of its samples
