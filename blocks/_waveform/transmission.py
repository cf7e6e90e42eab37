"""What all makers of bursts do: one frame in, one burst and the silence behind it out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.metrics.papr import papr_db
from ...sim.side_information.packed_header import pack_numbered, unpack_header
from ...sim.waveform.frame import frame_symbols
from ..envelope import Annotation, Header, Identity, Out
from ..ports import Samples, Symbols

__all__ = ["burst_out", "frame_data"]


def frame_data(where: str, symbols: Symbols, header: Header, identity: Identity) -> NDArray[np.complex64]:
    """Return the data symbols of a frame's burst: start word, header and payload.

    Raises:
        SignalError: a part of a frame, a symbol that is not finite, a header that cannot be read without what was
            agreed on and is not sent, or what `frame_symbols` refuses.
    """
    if identity.part or not identity.last:
        raise SignalError(
            f"{where}: expected whole items, got part {identity.part} of item {identity.seq}; a burst has one number"
        )
    if not np.isfinite(symbols).all():
        raise SignalError(f"{where}: expected finite symbols, got NaN or infinity")
    sent = [
        (name, np.unpackbits(np.frombuffer(entry.packed, np.uint8), count=entry.bits))
        for name, entry in header.items()
        if entry.sent
    ]
    data = frame_symbols(identity.seq, sent, symbols)
    try:
        unpack_header(pack_numbered(sent))
    except SignalError as error:
        raise SignalError(
            f"{where}: no receiver could read this header: {error}. What is agreed on is not sent: choose what has a "
            "number, of a link `scheme: adapted` or `matched`"
        ) from None
    return data


def burst_out(
    burst: NDArray[np.complex64], identity: Identity, *, silence: int, uses: tuple[int, int, int], band: float
) -> Out[Samples]:
    """Return a burst as it leaves its block.

    Args:
        burst: complex64 ``[n]``.
        identity: Of its frame.
        silence: Samples behind it.
        uses: Channel uses of payload, header and pilots.
        band: That it takes, over the sample rate.
    """
    samples = np.append(burst, np.zeros(silence, np.complex64))
    payload, words, pilots = uses
    trace = {
        "channel_uses": float(payload),
        "pilot_uses": float(pilots),
        "header_uses": float(words),
        "waveform_efficiency": sum(uses) / (samples.size * band),
    }
    peak_db = papr_db(burst)
    if peak_db is not None:
        trace["papr_db"] = peak_db
    return Out(samples, annotations=(Annotation(0, "burst_start", identity.seq, burst.size),), trace=trace)
