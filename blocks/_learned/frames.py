"""Frames of a codec as items: what a block sends, and what it has received."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from ...errors import SignalError
from ...models.codec import PictureCodec, Reception
from ..envelope import Header, Out, State
from ..ports import Features, Image

__all__ = ["received", "sent"]


def sent(codec: PictureCodec[Any, Any, Any], image: Image, settings: BaseModel) -> Out[Features]:
    """Encode a picture: what `work` of an encoder returns."""
    frame = codec.encode(image, settings)
    return Out(frame.features, header=frame.header, trace=frame.trace)


def received(
    who: str, features: Features, header: Header, state: State, rng: np.random.Generator | None = None
) -> Reception:
    """Return what a decoder has of a frame.

    Args:
        who: The block, for messages.
        features: As they came.
        header: Likewise.
        state: Likewise.
        rng: Of the item.

    Raises:
        SignalError: n0 is not known, or there is not one for each symbol.
    """
    return Reception(features, _feature_n0(who, state, features.size), header, rng, state.esn0_db)


def _feature_n0(who: str, state: State, count: int) -> float | NDArray[np.float32]:
    """Return n0 of every feature: a symbol has two, but for a last one that was padded."""
    if state.n0 is None:
        raise SignalError(
            f"{who}: expected n0 in the receiver's state, got none; connect a channel that adds noise; "
            "channels/cascade joins it with impairments, which add none"
        )
    if not np.ndim(state.n0):
        return state.n0
    if np.size(state.n0) != -(-count // 2):
        raise SignalError(
            f"{who}: expected n0 of {-(-count // 2)} symbols for {count} features, got {np.size(state.n0)}"
        )
    return np.repeat(np.asarray(state.n0, np.float32), 2)[:count]
