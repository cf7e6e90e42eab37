"""The sending end of an edge: see `protocol`. Events in, messages out."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from ....blocks.envelope import Envelope
from ....errors import EdgeError, HelloRefused, WireError
from .admission import Start
from .bounds import WIRE_VERSION
from .decode import Message
from .encode_items import HeadTooLarge, encode_items, item_bytes
from .messages import (
    Buffer,
    Bye,
    Contract,
    End,
    Hello,
    Ping,
    Refuse,
    Resend,
    Status,
    Welcome,
    Who,
    decode_contract,
    encode,
    encode_contract,
)
from .protocol import (
    END_ENTRY,
    HELLO_S,
    IDLE_PING_S,
    PACK_BYTES,
    PACK_ITEMS,
    PING_S,
    RETAIN_BYTES,
    WINDOW_BYTES,
    WINDOW_ITEMS,
    Entry,
    Overflow,
    difference,
)
from .window import Window

__all__ = ["Sender"]


class Sender:
    """The sending end of an edge.

    Args:
        contract: What the two ends must agree on.
        depth: Items the edge holds, at least 1.
        start: Of the place that this sender belongs to.
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
        start: Start,
        overflow: Overflow = "block",
        retain_bytes: int = RETAIN_BYTES,
    ) -> None:
        if depth < 1:
            raise EdgeError(f"edge {contract}: expected a depth of at least 1, got {depth}")
        self.contract, self.session = contract, start.session
        self._start = start
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
        self._window = Window()
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
        return self._ended and not self._queue and not self._window.kept

    @property
    def oldest_seq(self) -> int | None:
        """Number (at its source) of the oldest item that is not committed; ``None`` when every one is."""
        if self._window.kept:
            return self._window.oldest_seq()
        entry = self._queue[0] if self._queue else END_ENTRY
        return None if entry is END_ENTRY else entry[0].identity.seq

    @property
    def wants_out(self) -> bool:
        """Whether `next_message` has something to send."""
        return self._want_hello or self._want_bye or (self._greeted and (self._want_ping or self._sendable()))

    def offer(self, envelope: Envelope, array: NDArray[Any]) -> bool:
        """Accept an item, or return ``False`` if there is no room now.

        The array must not change from here on.

        Raises:
            EdgeError: the stream was ended, or the receiver commits nothing of what it consumed (``retain_bytes``).
        """
        if self._ended:
            raise EdgeError(f"edge {self.contract}: an item came after the end of the stream")
        size = item_bytes(envelope, array)
        # Two bounds: credit counts what the receiver's block has not taken, and is given back item by item. What it has
        # taken and its place has not finished is kept too, for a receiver that is killed; that must not grow for ever.
        retained = self._window.kept_bytes - self._window.open_bytes
        if retained + size > self._retain and retained:
            raise EdgeError(
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
            self._queue.append(END_ENTRY)

    def on_message(self, message: Message) -> None:
        """Take in a message of the receiver.

        Raises:
            HelloRefused: the two ends do not agree.
        """
        if isinstance(message, Status):
            if message.peer == self.session and message.session == self._peer:
                self._heard = True
                self._note(message.consumed, message.committed)
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
            wait = PING_S if self._window.kept or self._queue else IDLE_PING_S
            if self.silent_s >= wait and now_s - self._ping_s >= wait:
                self._want_ping, self._ping_s = True, now_s

    def next_message(self) -> list[Buffer] | None:
        """Return the frames of the next message to send, or ``None`` if there is none now. Each is to be sent once.

        Raises:
            WireError: an item that cannot be sent.
        """
        if self._want_hello:
            self._want_hello = False
            return encode(Hello(WIRE_VERSION, self.session, self._window.base, self._raw_contract, *self._start[1:]))
        if self._want_bye:
            self._want_bye = False
            return encode(Bye(self.session))
        if not self._greeted:
            return None
        if self._sendable():
            return self._items()
        # Only once nothing is left to send: the ping says how far that is, and what is lost shows in the answer.
        if self._want_ping:
            self._want_ping = False
            return encode(Ping(self.session, self._window.cursor))
        return None

    def _fits(self, size: int) -> bool:
        window = self._window
        ahead = window.next + len(self._queue) - window.consumed
        return ahead < self._depth or (
            ahead < WINDOW_ITEMS and window.open_bytes + self._queued + size <= self._window_bytes
        )

    def _credit(self, n: int, size: int) -> bool:
        """Whether item ``n`` may go out behind ``size`` bytes more than what is under way: the receiver has room."""
        ahead = n - self._window.consumed
        return ahead < self._peer_depth or (ahead < WINDOW_ITEMS and size <= self._peer_window)

    def _sendable(self) -> bool:
        window = self._window
        entry = next(window.upcoming(1), None) if window.sends_again else self._queue[0] if self._queue else None
        return entry is not None and (entry is END_ENTRY or self._credit(window.cursor, window.flying_bytes + entry[2]))

    def _items(self) -> list[Buffer]:
        """Return the frames of as many items as credit and one message allow; the end goes alone."""
        window = self._window
        first, again = window.cursor, window.sends_again
        batch = self._batch(window.upcoming(PACK_ITEMS) if again else islice(self._queue, 0, PACK_ITEMS))
        if batch:
            frames = self._encode(first, batch)
        else:
            frames = encode(End(self.contract.edge, self.session, first))
            batch.append(END_ENTRY)
        if again:
            self.resent += len(batch)
        else:
            for _ in batch:
                self._queue.popleft()
            self._queued -= window.number(batch)
            self.sent += batch[0] is not END_ENTRY and len(batch)
        window.sent(batch)
        return frames

    def _batch(self, source: islice[Entry]) -> list[Entry]:
        """Choose the items of one message."""
        window, peer_window = self._window, self._peer_window
        limit, far = window.consumed + self._peer_depth, window.consumed + WINDOW_ITEMS
        flying = window.flying_bytes
        batch: list[Entry] = []
        total = 0
        for n, entry in enumerate(source, window.cursor):
            size = entry[2]
            if entry is END_ENTRY or (batch and total + size > PACK_BYTES):
                break
            if n >= limit and (n >= far or flying + total + size > peer_window):
                break
            batch.append(entry)
            total += size
        return batch

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
        if reason := difference(self.contract, contract, message.version, "receiver"):
            raise HelloRefused(reason)
        if message.expect > self._window.next or message.depth < 1:
            self.garbage += 1
            return
        self._heard = True
        if message.session != self._peer:
            if self._peer is not None:
                self._retired.append(self._peer)
            self._peer = message.session
            self._window.meet_anew()
            self._rewind(max(message.expect, self._window.base))
        self._greeted, self._want_hello = True, False
        self._peer_depth = message.depth
        self._peer_window = min(message.window_bytes, self._window_bytes)
        self._note(message.consumed, message.committed)

    def _note(self, consumed: int, committed: int) -> None:
        if not self._window.progress(consumed, committed):
            self.garbage += 1
        elif self.done:
            self._want_bye = True

    def _rewind(self, n: int) -> None:
        """Send again from item ``n``; a receiver that asks for committed items is told that they are."""
        if n < self._window.base:
            self._want_hello = True
        elif n > self._window.next:
            self.garbage += 1
        else:
            self._window.rewind(n)
