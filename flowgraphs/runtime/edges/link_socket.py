"""The ends of an edge between processes or hosts, on ZeroMQ sockets. Thin: every decision is made in `link`.

The sender is a DEALER that connects. The receiver binds a ROUTER, not a DEALER: whoever connects to a bound DEALER gets
its share of what that sends, so that a stranger would swallow credits; a ROUTER answers the one it means.

An end belongs to one thread. Nothing here blocks: a worker polls ``.socket`` of all its ends together and calls
`service` where something happened, and before it waits. Both need `service` at least every 50 ms, for the ticks.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from typing import Any, Final, cast

import zmq
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Identity
from ....errors import HelloRefused, LinkError, WireError
from .link import PACK_BYTES, PACK_ITEMS, Delivery, LinkReceiver, LinkSender, Overflow
from .wire import MAX_FRAME_BYTES, MAX_PARTS, Buffer, Contract, Message, decode

__all__ = ["END", "TICK_S", "End", "LinkSocketReceiver", "LinkSocketSender"]

TICK_S: Final = 0.05  # how often `service` must be called
PACE_S: Final = 0.0002  # items that come faster than this wait to be packed until `service`, or until a pack is full
COPY_BYTES: Final = 1 << 17  # from here on a frame is sent without a copy
VIEW_BYTES: Final = 1 << 16  # from here on a received frame is used where it lies; smaller ones may be misaligned
HIGH_WATER: Final = 64  # messages; memory is bounded by the window of the link, and 1 or 2 cost a quarter of the rate
HEARTBEAT_MS: Final = 1000
HEARTBEAT_TIMEOUT_MS: Final = 15_000  # a frame must cross in this time
RECONNECT_MS: Final = 50
RECONNECT_MAX_MS: Final = 500
LINGER_MS: Final = 200  # for the last message (`bye`) alone
REFUSAL_S: Final = 5.0  # at most, until a sender has the reason why it is refused
QUIET_S: Final = 1.0  # it asks ten times a second until then
MAX_DRAIN: Final = 256  # messages that one call of `service` takes in
MAX_DRAIN_ITEMS: Final = 512  # items after which it stops, so that credit flows while the block works


class End:
    """What `LinkSocketReceiver.take` returns once, at the end of the stream."""

    def __repr__(self) -> str:
        return "END"


END: Final = End()


class LinkSocketSender:
    """The sending end: connects, and goes on connecting until the receiver is there.

    Args:
        context: Not terminated before `close`.
        endpoint: ``tcp://host:port`` or ``ipc://path``.
        contract, depth, overflow: As in `link.LinkSender`.

    Raises:
        LinkError: the endpoint cannot be connected to.
    """

    def __init__(
        self, context: zmq.Context[Any], endpoint: str, contract: Contract, *, depth: int, overflow: Overflow = "block"
    ) -> None:
        self.link = LinkSender(contract, depth=depth, session=secrets.randbits(63), overflow=overflow)
        self.endpoint = endpoint
        self.socket: zmq.Socket[bytes] = _socket(context, zmq.DEALER)
        self.garbage = 0
        self._held: list[Buffer] | None = None
        self._flushed_s = 0.0
        self._drops_from = depth if overflow == "drop_oldest" else 1 << 62
        try:
            _check_port(endpoint)
            self.socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.socket.close()
            raise LinkError(
                f"edge {contract}: cannot connect to {endpoint}: {error.strerror}; "
                "expected tcp://HOST:PORT or ipc://PATH"
            ) from None

    @property
    def room(self) -> bool:
        """Whether `try_send` takes another small item now."""
        return self.link.room

    @property
    def done(self) -> bool:
        """Whether everything, the end included, is committed by the receiver."""
        return self.link.done

    @property
    def dropped(self) -> int:
        """Items dropped by ``overflow: drop_oldest``."""
        return self.link.dropped

    @property
    def sent(self) -> int:
        """Items sent, each counted once."""
        return self.link.sent

    @property
    def wants_out(self) -> bool:
        """Whether to poll for POLLOUT: a message is ready."""
        return self._held is not None or self.link.wants_out

    def try_send(self, envelope: Envelope, array: NDArray[Any]) -> bool:
        """Accept an item, or return ``False`` when the edge is full: poll, `service`, try again.

        The array must not change from here on. Items that follow one another closely wait to be packed until
        `service`, or until a pack is full.

        Raises:
            LinkError: see `link.LinkSender.offer`; HelloRefused; WireError for an item that cannot be sent.
        """
        link = self.link
        if link.waiting >= self._drops_from:  # such an edge is never full: its owner may not come to call `service`
            self.service()
        if not link.offer(envelope, array):
            self.service()
            if not link.offer(envelope, array):
                return False
        if (
            link.waiting_bytes >= PACK_BYTES
            or link.waiting >= PACK_ITEMS
            or time.monotonic() > self._flushed_s + PACE_S
        ):
            self._flush()
        return True

    def end(self) -> None:
        """Say that no item follows; go on with `service` until `done`."""
        self.link.end()
        self._flush()

    def service(self) -> None:
        """Take in what came, note the time, send what can be sent.

        Raises:
            HelloRefused: the two ends do not agree.
        """
        for _ in range(MAX_DRAIN):
            frames = _receive(self.socket)
            if frames is None:
                break
            try:
                message = decode(frames)
            except WireError:
                self.garbage += 1
                continue
            self.link.on_message(message)
        self.link.on_tick(time.monotonic())
        self._flush()

    def close(self) -> None:
        """Close the socket. After `done`, the last message may linger."""
        if not self.socket.closed:
            if self.link.done:
                self._flush()
            self.socket.close(linger=LINGER_MS if self.link.done else 0)

    def _flush(self) -> None:
        while True:
            frames = self._held if self._held is not None else self.link.next_message()
            if frames is None:
                break
            if not _send(self.socket, frames):
                self._held = frames
                break
            self._held = None
        self._flushed_s = time.monotonic()


class LinkSocketReceiver:
    """The receiving end: binds.

    Args:
        context: Not terminated before `close`.
        endpoint: ``tcp://address:port`` (port 0 or ``*``: any free one, see ``endpoint``) or ``ipc://path``.
        contract, depth, overflow, after, after_session: As in `link.LinkReceiver`.

    Raises:
        LinkError: the endpoint cannot be bound.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoint: str,
        contract: Contract,
        *,
        depth: int,
        overflow: Overflow = "block",
        after: Identity | int | None = None,
        after_session: int | None = None,
    ) -> None:
        self.link = LinkReceiver(
            contract,
            depth=depth,
            session=secrets.randbits(63),
            overflow=overflow,
            after=after,
            after_session=after_session,
        )
        self.socket: zmq.Socket[bytes] = _socket(context, zmq.ROUTER)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.garbage = 0
        self._held: tuple[bytes, list[Buffer]] | None = None
        self._inbox: deque[Delivery] = deque()
        self._end_n: int | None = None
        try:
            _check_port(endpoint)
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.socket.close()
            if error.errno == zmq.EADDRINUSE:
                raise LinkError(
                    f"edge {contract}: {endpoint}: the port is already in use; stop the program that has it, "
                    "or give this place another endpoint"
                ) from None
            raise LinkError(
                f"edge {contract}: cannot listen on {endpoint}: {error.strerror}; "
                "expected tcp://ADDRESS:PORT with an address of this host, or ipc://PATH in a folder that exists"
            ) from None
        self.endpoint: str = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def done(self) -> bool:
        """Whether the end is committed and the sender knows it, or has been silent for 2 s since."""
        return self.link.done

    @property
    def received(self) -> int:
        """Items delivered, doubles not counted."""
        return self.link.received

    @property
    def waiting(self) -> int:
        """Items (and the end) that came and were not taken."""
        return len(self._inbox)

    def take(self) -> tuple[int, Envelope, NDArray[Any]] | End | None:
        """Return the next item with its number, `END` once, or ``None`` if nothing has come (call `service`).

        Consuming the end is implied by taking it; committing it is not: see `commit_end`.
        """
        if not self._inbox:
            return None
        delivery = self._inbox.popleft()
        if delivery.envelope is None:
            self._end_n = delivery.n
            self.consumed(delivery.n)
            return END
        return cast("tuple[int, Envelope, NDArray[Any]]", delivery)

    def consumed(self, n: int) -> None:
        """Say that the block has taken the items up to number ``n``: the sender may send as many more."""
        self.link.consumed(n)
        if self.link.due:
            self._flush()

    def committed(self, n: int, *, tell: bool = False) -> None:
        """Say that this place has finished with the items up to number ``n`` (``tell``: at once)."""
        self.link.committed(n, tell=tell)
        if self.link.due:
            self._flush()

    def commit_end(self) -> None:
        """Say that this place has finished with everything, its end included; go on with `service` until `done`."""
        if self._end_n is not None:
            self.committed(self._end_n)

    def service(self) -> None:
        """Take in what came, note the time, answer.

        Raises:
            HelloRefused: the first sender that came does not fit.
        """
        link, inbox = self.link, self._inbox
        full = len(inbox) + MAX_DRAIN_ITEMS
        for _ in range(MAX_DRAIN):
            frames = _receive(self.socket)
            if frames is None:
                break
            try:
                message: Message = decode(frames[1:])
            except WireError:
                self.garbage += 1
                continue
            try:
                inbox.extend(link.on_message(message, bytes(frames[0])))
            except HelloRefused:
                self._say_why()
                raise
            if len(inbox) >= full:
                break
        link.on_tick(time.monotonic())
        self._flush()

    def _say_why(self) -> None:
        """Stay until the refused sender has the reason: until it has asked no more for a second.

        Going at once would lose it: a socket that connects drops what it has not read when its connection ends.
        """
        self._flush()
        now_s = time.monotonic()
        asked_s, latest_s = now_s, now_s + REFUSAL_S
        while now_s < min(asked_s + QUIET_S, latest_s):
            self.socket.poll(50)
            while (frames := _receive(self.socket)) is not None:
                asked_s = time.monotonic()
                with contextlib.suppress(WireError, HelloRefused):
                    self.link.on_message(decode(frames[1:]), bytes(frames[0]))
            self._flush()
            now_s = time.monotonic()

    def close(self) -> None:
        """Close the socket. After `done`, the last message may linger for 0.2 s."""
        if not self.socket.closed:
            self.socket.close(linger=LINGER_MS if self.link.done else 0)

    def _flush(self) -> None:
        while True:
            held = self._held if self._held is not None else self.link.next_message()
            if held is None:
                return
            self._held = None
            address, frames = held
            try:
                sent = _send(self.socket, [address, *frames])
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
                sent = True  # that peer has gone; what it missed it will ask for
            if not sent and address == self.link.address:  # a stranger that does not read is not waited for
                self._held = held
                return


def _check_port(endpoint: str) -> None:
    """Refuse a port that ZeroMQ would quietly take modulo 65536."""
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp:") and port.isdecimal() and int(port) > 65535:
        raise zmq.ZMQError(zmq.EINVAL, "no such port")


def _socket(context: zmq.Context[Any], kind: int) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = context.socket(kind)
    for option, value in (
        (zmq.LINGER, 0),
        (zmq.IPV6, 0),
        (zmq.IMMEDIATE, 1),
        (zmq.MAXMSGSIZE, MAX_FRAME_BYTES),
        (zmq.SNDHWM, HIGH_WATER),
        (zmq.RCVHWM, HIGH_WATER),
        (zmq.HEARTBEAT_IVL, HEARTBEAT_MS),
        (zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS),
        (zmq.HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS),
        (zmq.RECONNECT_IVL, RECONNECT_MS),
        (zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS),
    ):
        socket.setsockopt(option, value)
    return socket


def _send(socket: zmq.Socket[bytes], frames: list[Buffer]) -> bool:
    """Send one message; ``False`` if it has to wait."""
    last = len(frames) - 1
    try:
        for i, frame in enumerate(frames):
            flags = zmq.NOBLOCK if i == last else zmq.NOBLOCK | zmq.SNDMORE
            socket.send(frame, flags, copy=len(frame) < COPY_BYTES)
    except zmq.Again:
        return False
    return True


def _receive(socket: zmq.Socket[bytes]) -> list[Buffer] | None:
    """Return the frames of one message, at most one more than any of ours has; ``None`` if nothing came."""
    try:
        frame = socket.recv(zmq.NOBLOCK, copy=False)
    except zmq.Again:
        return None
    frames: list[Buffer] = []
    while True:
        if len(frames) < MAX_PARTS + 2:
            frames.append(frame.bytes if len(frame) < VIEW_BYTES else frame.buffer)
        if not frame.more:
            return frames
        frame = socket.recv(zmq.NOBLOCK, copy=False)
