"""The receiving end of an edge: see `protocol`. Events in, messages out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Identity
from ....errors import EdgeError, HelloRefused, WireError
from .admission import Admission, Start
from .bounds import MAX_REASON, WIRE_VERSION
from .decode import Item, Items, Message
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
from .protocol import END_KEY, LINGER_S, STATUS_S, WINDOW_BYTES, WINDOW_ITEMS, Key, Overflow, difference

__all__ = ["Delivery", "Receiver"]


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


class Receiver:
    """The receiving end of an edge.

    Args:
        contract: What the two ends must agree on; its ``header`` names the fields needed here.
        depth: Items the edge holds, at least 1.
        session: A number below 2**63 that no other start of this receiver has: ``secrets.randbits(63)``.
        overflow: As at the sender; with ``drop_oldest`` the window is ``depth`` items, however small.
        after: The last item that an earlier start of this receiver committed, where that is known: items up to it are
            doubles. The end of the chunk (offset + length) for a stream of samples.
        after_session: Where given, ``after`` holds for this session of the sender alone: another one begins anew.
        admission: Shared by all edges from one place; without one, whoever says hello is listened to.

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
        admission: Admission | None = None,
    ) -> None:
        if depth < 1:
            raise EdgeError(f"edge {contract}: expected a depth of at least 1, got {depth}")
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
        self._peer_start = Start(0)
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
        self._admission = admission or Admission()
        self._alone = admission is None
        self._now_s = 0.0
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
            EdgeError: a sender that started again cut its stream into other chunks.
        """
        if isinstance(message, Hello):
            self._hello(message, address)
            return ()
        if not isinstance(message, Items | End | Ping | Bye):
            self.garbage += 1
            return ()
        if message.session != self._peer or not self._admission.listens_to(message.session):
            self._stranger(message.session, address)
            return ()
        self.address, self._heard = address, True
        self._admission.heard(self._now_s)
        if isinstance(message, Items | End):
            if message.edge == self.contract.edge:
                return self._items(*message[2:]) if isinstance(message, Items) else self._items(message.n, None)
            self.garbage += 1
        elif isinstance(message, Ping):
            self.due = True
            if message.sent > self._expect:
                self._want_resend, self._asked = True, self._expect
        else:
            self._bye = True
            self.done = self.done or self._over()
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
        self._now_s = now_s
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
        if reason := difference(self.contract, contract, message.version, "sender"):
            self._refuse(message.session, address, reason)
            if self._peer is None:
                raise HelloRefused(reason)
            return
        start = Start(message.session, message.graph_hash, message.seed)
        if not self._admitted(start, address):
            return
        self.address, self._heard = address, True
        if message.session != self._peer:
            if self._peer is not None:
                self._retired.append(self._peer)
                self._skipping = self._last is not None and start[1:] == self._peer_start[1:]
            elif self._after_session not in (None, message.session):
                self._skipping = False
            if not self._skipping:
                self._last = None
            self._peer, self._peer_start = message.session, start
            self._begin(message.base)
        elif message.base > self._expect:  # all below was committed by an earlier start of this receiver
            self._begin(message.base)
        self._want_welcome = True

    def _admitted(self, start: Start, address: bytes) -> bool:
        """Whether this start of the sending place is listened to; one that is not is told so, or waits."""
        if self._alone:
            self._admission = Admission()
        before = self._admission.current
        verdict = self._admission.knock(start, self._now_s)
        if verdict == "refuse" and before is not None:
            self._refuse(
                start.session,
                address,
                f"edge {self.contract}: another sender ({before}) is heard here, and this one is another ({start}); "
                "stop the first, start the receiver again, or give each a receiver of its own",
            )
        return verdict == "welcome"

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
        keys = [END_KEY] if items is None else [_key(item) for item in islice(items, skip, None)]
        if self._skipping:
            old = self._skip(keys, items, skip)
            skip += old
            if skip >= count:
                return ()
            keys = keys[old:]
        return self._deliver(keys, None if items is None else items[skip:])

    def _deliver(self, keys: list[Key], items: list[Item] | None) -> Sequence[Delivery]:
        """Number what is new; None is the end."""
        sizes = [0] if items is None else [item.size for item in items]
        if items and not self._granted(len(items), sum(sizes)):
            self.garbage += 1
            return ()
        d = self._delivered
        if items is None:
            out = [Delivery(d, None, None)]
            self._end = d
            self._admission.ended()
        else:
            new, numbered = tuple.__new__, self._admission.numbered  # half the cost of a NamedTuple's own
            out = [new(Delivery, (n, numbered(item[0], item[1].size), item[1])) for n, item in enumerate(items, d)]
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
                if items is not None and last is not None and last is not END_KEY:
                    stream = items[at + count].envelope.stream
                    if stream is not None and stream.offset < last[0]:
                        raise EdgeError(
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
