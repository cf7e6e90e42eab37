"""The protocol of an edge between processes or hosts: events in, messages out. No sockets, clocks or threads here.

A `Sender` and a `Receiver` survive whatever happens between them, and either of them starting again:

- The sender says `hello` until it is welcomed. Both compare format version and contract and raise `HelloRefused`.
- Items are numbered from 0. The sender may be a window ahead of what the receiver's block has *consumed*: ``depth``
  items or, where items are small, as many as fit in ``WINDOW_BYTES`` (at most ``WINDOW_ITEMS``), whichever is more.
- The sender keeps each item until it is *committed*: until the receiving place has finished with it. A receiver that
  was killed and starts again gets everything that was not.
- A number beyond the expected one means that messages were lost: the receiver asks for them again. One below is a
  double and dropped. A sender that was killed and begins again from its first item counts from 0 again; then, up to
  the first new item, doubles are told by their identity (seq, part) or their place in the stream, which must rise
  along an edge.
- The end of the stream is an item of its own; the sender is done when it is committed.
- Whoever hears nothing repeats itself on ticks.

A receiver that is killed between committing an item and telling so cannot know that it had it, unless whoever starts
it says what was committed (``after``).

Memory: an edge holds at most its window at the receiver, the same at the sender, and `RETAIN_BYTES` of items that are
consumed and not committed; beyond that the sender raises `EdgeError`.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....blocks.envelope import Envelope
from ....sim.side_information.field import HeaderField
from .bounds import WIRE_VERSION
from .messages import Contract

__all__ = [
    "END_ENTRY",
    "END_KEY",
    "HELLO_S",
    "IDLE_PING_S",
    "LINGER_S",
    "PACK_BYTES",
    "PACK_ITEMS",
    "PING_S",
    "RETAIN_BYTES",
    "STATUS_S",
    "WINDOW_BYTES",
    "WINDOW_ITEMS",
    "Entry",
    "Key",
    "Overflow",
    "difference",
    "disagreement",
]

WINDOW_BYTES: Final = 1 << 18
WINDOW_ITEMS: Final = 4096
PACK_BYTES: Final = 1 << 16
PACK_ITEMS: Final = 256
RETAIN_BYTES: Final = 1 << 28
HELLO_S: Final = 0.1
PING_S: Final = 0.1
IDLE_PING_S: Final = 1.0
STATUS_S: Final = 0.05
LINGER_S: Final = 2.0

Entry: TypeAlias = tuple[Envelope, NDArray[Any], int]
Key: TypeAlias = tuple[float, int]
Overflow: TypeAlias = Literal["block", "drop_oldest"]

END_ENTRY: Final[Entry] = (Envelope(), np.empty(0, np.uint8), 0)
END_KEY: Final[Key] = (math.inf, 0)


def disagreement(sender: Contract, receiver: Contract) -> str | None:
    """Return what two ends of an edge differ in, in one sentence, or ``None`` if they fit."""
    for name, what in (
        ("graph", "graph"),
        ("edge", "edge index"),
        ("source", "source"),
        ("target", "target"),
        ("port", "port type"),
        ("sample_rate_hz", "sample rate in Hz"),
    ):
        have, want = getattr(sender, name), getattr(receiver, name)
        if have != want:
            return (
                f"edge {receiver}: {what}: the receiver expects {want}, the sender has {have}; "
                "run both from the same file"
            )
    offers_any = HeaderField.__name__ in sender.header
    if missing := [name for name in receiver.header if not offers_any and name not in sender.header]:
        have = ", ".join(sender.header) or "none"
        return (
            f"edge {receiver}: header: the receiver needs {', '.join(missing)}, the sender offers {have}; "
            "run both from the same file"
        )
    return None


def difference(own: Contract, other: Contract | None, version: int, side: Literal["sender", "receiver"]) -> str | None:
    """Return why two ends do not fit, in one sentence: another version of the wire, or another contract."""
    if other is None:
        return (
            f"edge {own}: wire format: expected version {WIRE_VERSION}, the {side} has {version}; "
            "install the same version of gr-semcom on both sides"
        )
    return disagreement(other, own) if side == "sender" else disagreement(own, other)
