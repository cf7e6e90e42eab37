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
from .accounts import Accounts
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
from .protocol import END_KEY, LINGER_S, STATUS_S, WINDOW_BYTES, Key, Overflow, difference

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
        self._accounts = Accounts(depth, WINDOW_BYTES if overflow == "block" else 0, after)
        self.address = b""  # of the sender
        self._peer: int | None = None
        self._peer_start = Start(0)
        self._after_session = after_session
        self._admission, self._alone = admission or Admission(), admission is None
        self._retired: deque[int] = deque(maxlen=16)
        self._out: deque[tuple[bytes, list[Buffer]]] = deque(maxlen=16)
        self._asked: int | None = None  # n that was asked for again
        self._want_welcome = self._want_resend = False
        self.due = False  # a `Status` is to be sent
        self._heard = self._bye = self.done = False
        self._now_s = 0.0
        self._heard_s = self._tick_s = self._over_s = -math.inf

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
        return self._accounts.delivered - self.ended

    @property
    def ended(self) -> bool:
        """Whether the end of the stream was delivered."""
        return self._accounts.end is not None

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
            if message.sent > self._accounts.expect:
                self._want_resend, self._asked = True, self._accounts.expect
        else:
            self._bye = True
            self.done = self.done or self._accounts.over
        return ()

    def consumed(self, n: int) -> None:
        """Say that the block has taken all items up to and including number ``n``: the sender may send as many more."""
        if self._accounts.consume(n + 1):
            self.due = True

    def committed(self, n: int, *, tell: bool = False) -> None:
        """Say that this place has finished with all items up to and including number ``n``: nobody needs them again.

        What is committed is consumed too. ``tell``: say so at once and not with the next status, so that a restart
        repeats as little as can be.
        """
        accounts = self._accounts
        if not accounts.committed < n + 1 <= accounts.delivered:
            return
        self.consumed(n)
        if accounts.commit(n + 1) or tell:
            self.due = True

    def on_tick(self, now_s: float) -> None:
        """Note the time (seconds of any steady clock) and tell the sender what it does not know yet."""
        self._now_s = now_s
        self._admission.look(now_s)
        if self._heard or self._heard_s == -math.inf:
            self._heard, self._heard_s = False, now_s
        self.silent_s = now_s - self._heard_s
        if self._peer is None or now_s - self._tick_s < STATUS_S:
            return
        self._tick_s = now_s
        self.due = self.due or self._accounts.told != self._accounts.totals()
        if self._accounts.over:
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
        accounts = self._accounts
        if self._want_welcome:
            self._want_welcome = False
            window = accounts.depth, accounts.window_bytes, accounts.expect
            return self.address, encode(
                Welcome(WIRE_VERSION, self.session, self._peer, self._raw_contract, *window, *accounts.tell())
            )
        if self._want_resend:
            self._want_resend = False
            return self.address, encode(Resend(self.session, self._peer, accounts.expect))
        if self.due:
            self.due = False
            return self.address, encode(Status(self.session, self._peer, accounts.expect, *accounts.tell()))
        return None

    def _hello(self, message: Hello, address: bytes) -> None:
        if message.session in self._retired:
            self._stranger(message.session, address)
            return
        if not self._fits(message, address):
            return
        start = Start(message.session, message.graph_hash, message.seed)
        if not self._admitted(start, address):
            return
        self.address, self._heard = address, True
        accounts = self._accounts
        if message.session != self._peer:
            if self._peer is not None:
                self._retired.append(self._peer)
                accounts.skipping = accounts.last is not None and start[1:] == self._peer_start[1:]
            elif self._after_session not in (None, message.session):
                accounts.skipping = False
            if not accounts.skipping:
                accounts.last = None
            self._peer, self._peer_start = message.session, start
            self._begin(message.base)
        elif message.base > accounts.expect:  # all below was committed by an earlier start of this receiver
            self._begin(message.base)
        self._want_welcome = True

    def _fits(self, message: Hello, address: bytes) -> bool:
        """Whether a sender speaks this wire and agrees on the edge; the first one that does not ends the run."""
        contract = None
        if message.version == WIRE_VERSION:
            try:
                contract = decode_contract(message.contract)
            except WireError:
                self.garbage += 1
                return False
        reason = difference(self.contract, contract, message.version, "sender")
        if reason:
            self._refuse(message.session, address, reason)
            if self._peer is None:
                raise HelloRefused(reason)
        return not reason

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
        self._accounts.begin(base)
        self._asked, self._want_resend = None, False

    def _items(self, first: int, items: list[Item] | None) -> Sequence[Delivery]:
        """Sort out what came before, or out of turn; None is the end."""
        accounts = self._accounts
        count = 1 if items is None else len(items)
        skip = accounts.expect - first
        if skip < 0:  # what lies between was lost; each gap is asked for once, and again on a ping
            if self._asked != accounts.expect:
                self._asked, self._want_resend = accounts.expect, True
                self.resends += 1
            return ()
        if skip:  # sent again though it had come
            self.doubles += min(skip, count)
            if skip >= count:
                return ()
        keys = [END_KEY] if items is None else [_key(item) for item in islice(items, skip, None)]
        if accounts.skipping:
            old = accounts.skip(keys)
            self.doubles += old
            self.due = self.due or old > 0
            skip += old
            if skip >= count:
                return ()
            keys = keys[old:]
            if items is not None:
                self._check_cut(items[skip])
        return self._deliver(keys, None if items is None else items[skip:])

    def _check_cut(self, item: Item) -> None:
        """A sender of samples that starts again must cut its stream where it cut it before."""
        stream = item.envelope.stream
        if stream is not None and self._accounts.overlaps(stream.offset):
            last = self._accounts.last or END_KEY
            raise EdgeError(
                f"edge {self.contract}: the sender started again and its chunk at sample {stream.offset} overlaps what "
                f"came before, up to sample {last[0]}; start the receiver again too"
            )

    def _deliver(self, keys: list[Key], items: list[Item] | None) -> Sequence[Delivery]:
        """Number what is new; None is the end."""
        accounts = self._accounts
        sizes = [0] if items is None else [item.size for item in items]
        if items and not accounts.granted(len(items), sum(sizes)):
            self.garbage += 1
            return ()
        d = accounts.delivered
        if items is None:
            out = [Delivery(d, None, None)]
            accounts.end = d
            self._admission.ended()
        else:
            new, numbered = tuple.__new__, self._admission.numbered  # half the cost of a NamedTuple's own
            out = [new(Delivery, (n, numbered(item[0], item[1].size), item[1])) for n, item in enumerate(items, d)]
        accounts.deliver(keys, sizes)
        self._asked = None
        return out

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
