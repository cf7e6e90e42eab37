"""What of an item stands in the head of a message: all but its arrays."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np

from ....blocks.envelope import HeaderEntry, Identity, Stream
from .bounds import MAX_AXES, MAX_AXIS, MAX_HEADER_ENTRIES, MAX_PACK_ITEMS, MAX_PLACED, MAX_TRACE_VALUES
from .messages import Count, Head, Session, Text

__all__ = [
    "CODES",
    "DTYPES",
    "PORT_CODES",
    "STATE_CODES",
    "ArrayHead",
    "ItemHead",
    "ItemsHead",
    "SentHead",
    "StateHead",
    "TraceHead",
]

Shape = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_AXIS)], ...], msgspec.Meta(max_length=MAX_AXES)]
PortCode = Literal["u1", "f4", "c8"]  # what `blocks/ports.py` has
StateCode = Literal["f4", "f8", "c8", "c16"]

DTYPES: Final = {code: np.dtype(f"<{code}") for code in ("u1", "f4", "f8", "c8", "c16")}
CODES: Final[dict[Any, str]] = {dtype: code for code, dtype in DTYPES.items()}
PORT_CODES: Final = frozenset({"u1", "f4", "c8"})
STATE_CODES: Final = frozenset({"f4", "f8", "c8", "c16"})


class ArrayHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Type and shape of an array of the receiver state."""

    dtype: StateCode
    shape: Shape


class StateHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """The receiver state, its arrays by their heads."""

    n0: float | ArrayHead | None
    h: ArrayHead | None
    esn0_db: float | None
    csi: Literal["perfect", "pilots"] | None
    crc_ok: bool | None = None
    reception: ArrayHead | None = None


class TraceHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """What stands in a `Trace`."""

    label: Text
    born_s: float
    values: Annotated[dict[Text, float], msgspec.Meta(max_length=MAX_TRACE_VALUES)]


class SentHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One `SentFrame` of a chunk of samples."""

    offset: Count
    seq: Count
    part: Count
    trace: TraceHead


class ItemHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One item but for its arrays."""

    identity: Identity
    dtype: PortCode
    shape: Shape
    stream: Stream | None
    header: Annotated[dict[Text, HeaderEntry], msgspec.Meta(max_length=MAX_HEADER_ENTRIES)] | None
    state: StateHead | None
    trace: TraceHead | None
    sent: Annotated[list[SentHead], msgspec.Meta(max_length=MAX_PLACED)] = []


class ItemsHead(Head, frozen=True, array_like=True, tag="items", forbid_unknown_fields=True):
    """The head of one item or of many."""

    edge: Count
    session: Session
    first: Count
    items: Annotated[list[ItemHead], msgspec.Meta(min_length=1, max_length=MAX_PACK_ITEMS)]
