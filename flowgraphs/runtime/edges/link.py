"""The protocol of an edge between processes or hosts: events in, messages out. No sockets, clocks or threads here.

A `LinkSender` and a `LinkReceiver` survive whatever happens between them, and either of them starting again:

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
consumed and not committed; beyond that the sender raises `LinkError`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Identity
from ....errors import HelloRefused, LinkError, WireError
from .wire import (
    MAX_REASON,
    WIRE_VERSION,
    Buffer,
    Bye,
    Contract,
    End,
    HeadTooLarge,
    Hello,
    Item,
    Items,
    Message,
    Ping,
    Refuse,
    Resend,
    Status,
    Welcome,
    Who,
    decode_contract,
    encode,
    encode_contract,
    encode_items,
    item_bytes,
)

__all__ = [
    "HELLO_S",
    "LINGER_S",
    "PACK_BYTES",
    "PACK_ITEMS",
    "PING_S",
    "RETAIN_BYTES",
    "WINDOW_BYTES",
    "WINDOW_ITEMS",
    "Delivery",
    "LinkReceiver",
    "LinkSender",
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

_END: Final[Entry] = (Envelope(), np.empty(0, np.uint8), 0)
_END_KEY: Final[Key] = (math.inf, 0)


class Delivery(NamedTuple):
    """One item for the receiving block, or the end of its input.

    Attributes:
        n: The receiver's own number of it, from 0, for `consumed` and `committed`; it goes on when the sender starts
            again.
        envelope, array: The item; ``None`` at the end of the stream.
    """

    n: int
    envelope: Envelope | None
    array: NDArray[Any] | None


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
    if missing := [name for name in receiver.header if name not in sender.header]:
        have = ", ".join(sender.header) or "none"
        return (
            f"edge {receiver}: header: the receiver needs {', '.join(missing)}, the sender offers {have}; "
            "run both from the same file"
        )
    return None


class LinkSender:
    """The sending end of an edge.

    Args:
        contract: What the two ends must agree on.
        depth: Items the edge holds, at least 1.
        session: A number below 2**63 that no other start of this sender has: ``secrets.randbits(63)``.
        overflow: ``block``: `offer` returns ``False`` when the window is full. ``drop_oldest``: at most ``depth`` items
            wait and ``depth`` are under way; the oldest waiting one makes room and is counted in ``dropped``.
        retain_bytes: Bound of what is consumed but not committed.

    State:  what waits, what is sent and not committed, and where the receiver stands.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        depth: int,
        session: int,
        overflow: Overflow = "block",
        retain_bytes: int = RETAIN_BYTES,
    ) -> None:
        if depth < 1:
            raise LinkError(f"edge {contract}: expected a depth of at least 1, got {depth}")
        self.contract, self.session = contract, session
        self.dropped = 0
        self.garbage = 0  # messages that make no sense here
        self.sent = 0  # items, each counted once
        self.resent = 0
        self.silent_s = 0.0  # since the receiver was heard, as of the last tick
        self._raw_contract = encode_contract(contract)
        self._depth, self._overflow, self._retain = depth, overflow, retain_bytes
        self._window_bytes = WINDOW_BYTES if overflow == "block" else 0
        self._peer_depth, self._peer_window = depth, self._window_bytes
        self._peer: int | None = None
        self._retired: deque[int] = deque(maxlen=16)
        self._greeted = False
        self._queue: deque[Entry] = deque()  # accepted, not numbered yet
        self._queued = 0  # bytes of it
        self._wanted = 1  # bytes of the item that was refused last
        self._kept: deque[Entry] = deque()  # numbered base .. next-1
        self._base = self._consumed = self._cursor = self._next = 0  # committed, consumed, to send next, numbered
        self._kept_bytes = 0
        self._sizes: deque[int] = deque()  # of consumed .. next-1
        self._open = 0  # bytes of them
        self._flying = 0  # bytes of consumed .. cursor-1
        self._ended = False
        self._want_hello = self._want_ping = self._want_bye = False
        self._heard = False
        self._heard_s = self._hello_s = self._ping_s = -math.inf

    @property
    def greeted(self) -> bool:
        """Whether a receiver has welcomed this sender."""
        return self._greeted

    @property
    def waiting(self) -> int:
        """Items accepted and not sent."""
        return len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the items that are accepted and not sent."""
        return self._queued

    @property
    def room(self) -> bool:
        """Whether `offer` takes the item that it refused last, or a small one if it refused none."""
        return not self._ended and (self._overflow == "drop_oldest" or self._fits(self._wanted))

    @property
    def done(self) -> bool:
        """Whether the end was sent and everything is committed."""
        return self._ended and not self._queue and not self._kept

    @property
    def oldest_seq(self) -> int | None:
        """Number (at its source) of the oldest item that is not committed; ``None`` when every one is."""
        for entry in self._kept or self._queue:
            return None if entry is _END else entry[0].identity.seq
        return None

    @property
    def wants_out(self) -> bool:
        """Whether `next_message` has something to send."""
        return self._want_hello or self._want_bye or (self._greeted and (self._want_ping or self._sendable()))

    def offer(self, envelope: Envelope, array: NDArray[Any]) -> bool:
        """Accept an item, or return ``False`` if there is no room now.

        The array must not change from here on.

        Raises:
            LinkError: the stream was ended, or the receiver commits nothing of what it consumed (``retain_bytes``).
        """
        if self._ended:
            raise LinkError(f"edge {self.contract}: an item came after the end of the stream")
        size = item_bytes(envelope, array)
        retained = self._kept_bytes - self._open
        if retained + size > self._retain and retained:
            raise LinkError(
                f"edge {self.contract}: the receiver has consumed {retained} bytes and committed none of them; "
                f"at most {self._retain} are kept for a restart"
            )
        queue = self._queue
        if self._overflow == "drop_oldest":
            while len(queue) >= self._depth:
                self._queued -= queue.popleft()[2]
                self.dropped += 1
        elif not self._fits(size):
            self._wanted = size
            return False
        queue.append((envelope, array, size))
        self._queued += size
        self._wanted = 1
        return True

    def end(self) -> None:
        """Say that no item follows; it travels behind those that wait."""
        if not self._ended:
            self._ended = True
            self._queue.append(_END)

    def on_message(self, message: Message) -> None:
        """Take in a message of the receiver.

        Raises:
            HelloRefused: the two ends do not agree.
        """
        if isinstance(message, Status):
            if message.peer == self.session and message.session == self._peer:
                self._heard = True
                self._progress(message.consumed, message.committed)
        elif isinstance(message, Welcome):
            self._welcome(message)
        elif isinstance(message, Resend):
            if message.peer == self.session and message.session == self._peer:
                self._heard = True
                self._rewind(message.n)
        elif isinstance(message, Who):
            if message.session not in self._retired:
                self._heard = True
                self._want_hello = self._want_hello or self._greeted or self._hello_s == -math.inf
                self._greeted = False
        elif isinstance(message, Refuse):
            if message.peer == self.session:
                raise HelloRefused(message.reason)
        else:
            self.garbage += 1

    def on_tick(self, now_s: float) -> None:
        """Note the time (seconds of any steady clock) and repeat what may have been lost."""
        if self._heard or self._heard_s == -math.inf:
            self._heard, self._heard_s = False, now_s
        self.silent_s = now_s - self._heard_s
        if self.done:
            return
        if not self._greeted:
            if now_s - self._hello_s >= HELLO_S:
                self._want_hello, self._hello_s = True, now_s
        else:
            wait = PING_S if self._kept or self._queue else IDLE_PING_S
            if self.silent_s >= wait and now_s - self._ping_s >= wait:
                self._want_ping, self._ping_s = True, now_s

    def next_message(self) -> list[Buffer] | None:
        """Return the frames of the next message to send, or ``None`` if there is none now. Each is to be sent once.

        Raises:
            WireError: an item that cannot be sent.
        """
        if self._want_hello:
            self._want_hello = False
            return encode(Hello(WIRE_VERSION, self.session, self._base, self._raw_contract))
        if self._want_bye:
            self._want_bye = False
            return encode(Bye(self.session))
        if not self._greeted:
            return None
        if self._sendable():
            return self._items()
        if self._want_ping:
            self._want_ping = False
            return encode(Ping(self.session, self._cursor))
        return None

    def _fits(self, size: int) -> bool:
        ahead = self._next + len(self._queue) - self._consumed
        return ahead < self._depth or (ahead < WINDOW_ITEMS and self._open + self._queued + size <= self._window_bytes)

    def _credit(self, n: int, size: int) -> bool:
        """Whether item ``n`` may follow what is under way."""
        ahead = n - self._consumed
        return ahead < self._peer_depth or (ahead < WINDOW_ITEMS and self._flying + size <= self._peer_window)

    def _sendable(self) -> bool:
        if self._cursor < self._next:
            entry = self._kept[self._cursor - self._base]
        elif self._queue:
            entry = self._queue[0]
        else:
            return False
        return entry is _END or self._credit(self._cursor, entry[2])

    def _items(self) -> list[Buffer]:
        first = self._cursor
        batch: list[Entry] = []
        total = 0
        again = first < self._next
        if again:
            source = islice(self._kept, first - self._base, first - self._base + PACK_ITEMS)
        else:
            source = islice(self._queue, 0, PACK_ITEMS)
        flying, window = self._flying, self._peer_window
        limit, far = self._consumed + self._peer_depth, self._consumed + WINDOW_ITEMS
        n = first
        for entry in source:
            size = entry[2]
            if entry is _END:
                break
            if batch and total + size > PACK_BYTES:
                break
            if n >= limit and (n >= far or flying + total + size > window):
                break
            batch.append(entry)
            total += size
            n += 1
        if not batch:  # the end
            frames = encode(End(self.contract.edge, self.session, first))
            batch.append(_END)
        else:
            frames = self._encode(first, batch)
        if again:
            self.resent += len(batch)
        else:
            queue, kept, sizes = self._queue, self._kept, self._sizes
            for entry in batch:
                queue.popleft()
                kept.append(entry)
                sizes.append(entry[2])
            sent = sum([entry[2] for entry in batch])
            self._queued -= sent
            self._open += sent
            self._kept_bytes += sent
            self._next += len(batch)
            self.sent += batch[0] is not _END and len(batch)
        self._cursor = first + len(batch)
        self._flying += sum([entry[2] for entry in batch])
        return frames

    def _encode(self, first: int, batch: list[Entry]) -> list[Buffer]:
        """Return the frames of as many items as fit in one message; the rest leaves ``batch``."""
        while True:
            try:
                return encode_items(self.contract.edge, self.session, first, batch)
            except HeadTooLarge:
                del batch[len(batch) // 2 :]
            except WireError as error:
                raise WireError(f"edge {self.contract}: {error}") from None

    def _welcome(self, message: Welcome) -> None:
        if message.peer != self.session or message.session in self._retired:
            return
        contract = None
        if message.version == WIRE_VERSION:
            try:
                contract = decode_contract(message.contract)
            except WireError:
                self.garbage += 1
                return
        if reason := _difference(self.contract, contract, message.version, "receiver"):
            raise HelloRefused(reason)
        if message.expect > self._next or message.depth < 1:
            self.garbage += 1
            return
        self._heard = True
        if message.session != self._peer:
            if self._peer is not None:
                self._retired.append(self._peer)
            self._peer = message.session
            self._consumed = self._base
            self._sizes = deque(entry[2] for entry in self._kept)
            self._open = self._kept_bytes
            self._cursor, self._flying = self._base, 0
            self._rewind(max(message.expect, self._base))
        self._greeted, self._want_hello = True, False
        self._peer_depth = message.depth
        self._peer_window = min(message.window_bytes, self._window_bytes)
        self._progress(message.consumed, message.committed)

    def _progress(self, consumed: int, committed: int) -> None:
        if consumed > self._next or committed > self._next:
            self.garbage += 1
            return
        consumed = max(consumed, committed)
        for n in range(self._consumed, consumed):
            size = self._sizes.popleft()
            self._open -= size
            if n < self._cursor:
                self._flying -= size
        self._consumed = max(self._consumed, consumed)
        for _ in range(self._base, committed):
            self._kept_bytes -= self._kept.popleft()[2]
        self._base = max(self._base, committed)
        if self._cursor < self._consumed:
            self._cursor = self._consumed
        if self.done:
            self._want_bye = True

    def _rewind(self, n: int) -> None:
        """Send again from item ``n``; a receiver that asks for committed items is told that they are."""
        if n < self._base:
            self._want_hello = True
            return
        if n > self._next:
            self.garbage += 1
            return
        self._cursor = max(n, self._consumed)
        self._flying = sum(islice(self._sizes, 0, self._cursor - self._consumed))


class LinkReceiver:
    """The receiving end of an edge.

    Args:
        contract: What the two ends must agree on; its ``header`` names the fields needed here.
        depth: Items the edge holds, at least 1.
        session: A number below 2**63 that no other start of this receiver has: ``secrets.randbits(63)``.
        overflow: As at the sender; with ``drop_oldest`` the window is ``depth`` items, however small.
        after: The last item that an earlier start of this receiver committed, where that is known: items up to it are
            doubles. The end of the chunk (offset + length) for a stream of samples.
        after_session: Where given, ``after`` holds for this session of the sender alone: another one begins anew.

    State:  what was delivered and not committed, and where the sender stands.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        depth: int,
        session: int,
        overflow: Overflow = "block",
        after: Identity | int | None = None,
        after_session: int | None = None,
    ) -> None:
        if depth < 1:
            raise LinkError(f"edge {contract}: expected a depth of at least 1, got {depth}")
        self.contract, self.session = contract, session
        self.doubles = 0
        self.resends = 0
        self.garbage = 0  # messages that make no sense here
        self.refused = 0  # strangers
        self.silent_s = 0.0  # since the sender was heard, as of the last tick
        self._raw_contract = encode_contract(contract)
        self._depth = depth
        self._window_bytes = WINDOW_BYTES if overflow == "block" else 0
        self._half = max(1, depth // 2)
        self.address = b""  # of the sender
        self._peer: int | None = None
        self._retired: deque[int] = deque(maxlen=16)
        self._out: deque[tuple[bytes, list[Buffer]]] = deque(maxlen=16)
        # Numbers of this sender's session: n. The receiver's own numbers: d = n - shift, once the doubles are past.
        self._expect = 0
        self._shift = 0
        self._floor = 0  # n below which all is consumed, whatever the block says
        self._doubles: deque[tuple[int, int]] = deque()  # (n, d that must be committed before n is)
        self._last: Key | None = None if after is None else (after, 0) if isinstance(after, int) else after[:2]
        self._skipping = after is not None
        self._after_session = after_session
        self._uncommitted: deque[tuple[int, Key]] = deque()  # (d, key)
        self._delivered = self._consumed = self._committed = 0  # d
        self._end: int | None = None  # d of the end
        self._sizes: deque[int] = deque()  # of consumed .. delivered-1
        self._open = 0  # bytes of them
        self._left = 0  # of them, those that an earlier session of the sender brought
        self._fresh = 0  # bytes consumed since the sender was told
        self._told = (0, 0)
        self._asked: int | None = None  # n that was asked for again
        self._want_welcome = self._want_resend = False
        self.due = False  # a `Status` is to be sent
        self._heard = False
        self._heard_s = self._tick_s = self._over_s = -math.inf
        self._bye = False
        self.done = False

    @property
    def greeted(self) -> bool:
        """Whether a sender was welcomed."""
        return self._peer is not None

    @property
    def peer_session(self) -> int | None:
        """Session of the sender that was welcomed last."""
        return self._peer

    @property
    def received(self) -> int:
        """Items delivered so far, the end not counted."""
        return self._delivered - (self._end is not None)

    @property
    def ended(self) -> bool:
        """Whether the end of the stream was delivered."""
        return self._end is not None

    @property
    def wants_out(self) -> bool:
        """Whether `next_message` has something to send."""
        return bool(self._out) or self._want_welcome or self._want_resend or self.due

    def on_message(self, message: Message, address: bytes = b"") -> Sequence[Delivery]:
        """Take in a message and return what is new for the block.

        Args:
            message: What came.
            address: Where from; answers go there.

        Raises:
            HelloRefused: the first sender that came does not fit. Later ones are refused without disturbing the run.
            LinkError: a sender that started again cut its stream into other chunks.
        """
        if isinstance(message, Hello):
            self._hello(message, address)
            return ()
        if isinstance(message, Items | End | Ping | Bye):
            if message.session != self._peer:
                self._stranger(message.session, address)
                return ()
            self.address, self._heard = address, True
            if isinstance(message, Items):
                if message.edge == self.contract.edge:
                    return self._items(message.first, message.items)
            elif isinstance(message, End):
                if message.edge == self.contract.edge:
                    return self._items(message.n, None)
            elif isinstance(message, Ping):
                self.due = True
                if message.sent > self._expect:
                    self._want_resend, self._asked = True, self._expect
                return ()
            else:
                self._bye = True
                self.done = self.done or self._over()
                return ()
        self.garbage += 1
        return ()

    def consumed(self, n: int) -> None:
        """Say that the block has taken all items up to and including number ``n``: the sender may send as many more."""
        count = n + 1
        if not self._consumed < count <= self._delivered:
            return
        sizes = self._sizes
        while self._consumed < count:
            size = sizes.popleft()
            self._open -= size
            self._fresh += size
            self._consumed += 1
        new = count + self._shift - self._told[0]
        if new >= self._half and (
            count == self._delivered or self._fresh >= WINDOW_BYTES // 4 or new >= WINDOW_ITEMS // 4
        ):
            self.due = True

    def committed(self, n: int, *, tell: bool = False) -> None:
        """Say that this place has finished with all items up to and including number ``n``: nobody needs them again.

        What is committed is consumed too. ``tell``: say so at once and not with the next status, so that a restart
        repeats as little as can be.
        """
        count = n + 1
        if not self._committed < count <= self._delivered:
            return
        if self._consumed < count:
            self.consumed(n)
        self._committed = count
        uncommitted = self._uncommitted
        while uncommitted and uncommitted[0][0] < count:
            uncommitted.popleft()
        while self._doubles and self._doubles[0][1] < count:
            self._doubles.popleft()
        new = count + self._shift - self._told[1]
        if tell or self._end == n or (new >= self._half and (count == self._delivered or new >= WINDOW_ITEMS // 4)):
            self.due = True

    def on_tick(self, now_s: float) -> None:
        """Note the time (seconds of any steady clock) and tell the sender what it does not know yet."""
        if self._heard or self._heard_s == -math.inf:
            self._heard, self._heard_s = False, now_s
        self.silent_s = now_s - self._heard_s
        if self._peer is None or now_s - self._tick_s < STATUS_S:
            return
        self._tick_s = now_s
        self.due = self.due or self._told != self._totals()
        if self._over():
            if self._over_s == -math.inf:
                self._over_s = now_s
            self.due = not self._bye
            self.done = self._bye or now_s - self._over_s >= LINGER_S

    def next_message(self) -> tuple[bytes, list[Buffer]] | None:
        """Return (address, frames) of the next message to send, or ``None``. Each is to be sent once."""
        if self._out:
            return self._out.popleft()
        if self._peer is None:
            return None
        if self._want_welcome:
            self._want_welcome = False
            self._told, self._fresh = self._totals(), 0
            welcome = Welcome(
                WIRE_VERSION,
                self.session,
                self._peer,
                self._raw_contract,
                self._depth,
                self._window_bytes,
                self._expect,
                *self._told,
            )
            return self.address, encode(welcome)
        if self._want_resend:
            self._want_resend = False
            return self.address, encode(Resend(self.session, self._peer, self._expect))
        if self.due:
            self.due = False
            self._told, self._fresh = self._totals(), 0
            return self.address, encode(Status(self.session, self._peer, self._expect, *self._told))
        return None

    def _totals(self) -> tuple[int, int]:
        """Consumed and committed items in the sender's numbers."""
        committed = self._doubles[0][0] if self._doubles else max(self._floor, self._committed + self._shift)
        return max(self._floor, self._consumed + self._shift), committed

    def _over(self) -> bool:
        return self._end is not None and self._committed > self._end

    def _hello(self, message: Hello, address: bytes) -> None:
        if message.session in self._retired:
            self._stranger(message.session, address)
            return
        contract = None
        if message.version == WIRE_VERSION:
            try:
                contract = decode_contract(message.contract)
            except WireError:
                self.garbage += 1
                return
        if reason := _difference(self.contract, contract, message.version, "sender"):
            self._refuse(message.session, address, reason)
            if self._peer is None:
                raise HelloRefused(reason)
            return
        self.address, self._heard = address, True
        if message.session != self._peer:
            if self._peer is not None:
                self._retired.append(self._peer)
                self._skipping = self._last is not None
            elif self._after_session not in (None, message.session):
                self._last, self._skipping = None, False
            self._peer = message.session
            self._begin(message.base)
        elif message.base > self._expect:  # all below was committed by an earlier start of this receiver
            self._begin(message.base)
        self._want_welcome = True

    def _begin(self, base: int) -> None:
        """Expect item ``base`` of a session next."""
        self._expect = self._floor = base
        self._shift = base - self._delivered
        self._left = min(self._open, WINDOW_BYTES)
        self._doubles.clear()
        self._told, self._asked = (base, base), None
        self._want_resend = False

    def _items(self, first: int, items: list[Item] | None) -> Sequence[Delivery]:
        count = 1 if items is None else len(items)
        skip = self._expect - first
        if skip < 0:
            if self._asked != self._expect:
                self._asked, self._want_resend = self._expect, True
                self.resends += 1
            return ()
        if skip:
            self.doubles += min(skip, count)
            if skip >= count:
                return ()
        keys = [_END_KEY] if items is None else [_key(item) for item in islice(items, skip, None)]
        if self._skipping:
            old = self._skip(keys, items, skip)
            skip += old
            if skip >= count:
                return ()
            keys = keys[old:]
        fresh = [] if items is None else items[skip:]
        sizes = [item.size for item in fresh] or [0]
        if fresh and not self._granted(len(fresh), sum(sizes)):
            self.garbage += 1
            return ()
        d = self._delivered
        if items is None:
            out = [Delivery(d, None, None)]
            self._end = d
        else:
            new = tuple.__new__  # half the cost of a NamedTuple's own
            out = [new(Delivery, (n, item[0], item[1])) for n, item in enumerate(fresh, d)]
        self._uncommitted.extend(zip(range(d, d + len(out)), keys, strict=True))
        self._sizes.extend(sizes)
        self._open += sum(sizes)
        self._delivered += len(out)
        self._expect += len(out)
        self._last = keys[-1]
        self._asked = None
        return out

    def _granted(self, count: int, size: int) -> bool:
        """Whether the sender had the credit for these; what an earlier session left is not charged to this one."""
        ahead = self._delivered + count - max(self._consumed, self._floor - self._shift)
        return ahead <= self._depth or (ahead <= WINDOW_ITEMS and self._open - self._left + size <= self._window_bytes)

    def _skip(self, keys: list[Key], items: list[Item] | None, at: int) -> int:
        """Drop what an earlier session has brought already; return how many of these items that is."""
        count = 0
        last = self._last
        for key in keys:
            if last is None or key > last:
                self._skipping = False
                if items is not None and last is not None and last is not _END_KEY:
                    stream = items[at + count].envelope.stream
                    if stream is not None and stream.offset < last[0]:
                        raise LinkError(
                            f"edge {self.contract}: the sender started again and its chunk at sample {stream.offset} "
                            f"overlaps what came before, up to sample {last[0]}; start the receiver again too"
                        )
                break
            if self._uncommitted and key >= self._uncommitted[0][1]:
                need = next((d for d, have in self._uncommitted if have >= key), self._delivered - 1)
                self._doubles.append((self._expect, need))
            count += 1
            self._expect += 1
        if count:
            self.doubles += count
            self._floor = self._expect
            self._shift = self._expect - self._delivered
            self.due = True
        return count

    def _stranger(self, session: int, address: bytes) -> None:
        if session in self._retired:
            self._refuse(session, address, f"edge {self.contract}: another sender has taken this edge over")
        else:
            self._out.append((address, encode(Who(self.session))))

    def _refuse(self, session: int, address: bytes, reason: str) -> None:
        self.refused += 1
        self._out.append((address, encode(Refuse(session, reason[:MAX_REASON]))))


def _key(item: Item) -> Key:
    stream = item.envelope.stream
    if stream is not None:
        return stream.offset + item.array.shape[-1] if item.array.ndim else stream.offset, 0
    return item.envelope.identity[:2]


def _difference(own: Contract, other: Contract | None, version: int, side: Literal["sender", "receiver"]) -> str | None:
    if other is None:
        return (
            f"edge {own}: wire format: expected version {WIRE_VERSION}, the {side} has {version}; "
            "install the same version of gr-semcom on both sides"
        )
    return disagreement(other, own) if side == "sender" else disagreement(own, other)
