"""The sending end of an edge between processes or hosts, on its socket."""

from __future__ import annotations

import secrets
import time
from typing import Any

import zmq
from numpy.typing import NDArray

from ....blocks.envelope import Envelope
from ....errors import EdgeError, WireError
from .admission import Start
from .decode import decode
from .messages import Buffer, Contract
from .protocol import PACK_BYTES, PACK_ITEMS, Overflow
from .sender import Sender
from .sockets import LINGER_MS, MAX_DRAIN, PACE_S, check_port, open_socket, receive, send

__all__ = ["SocketSender"]


class SocketSender:
    """The sending end: connects, and goes on connecting until the receiver is there.

    Args:
        context: Not terminated before `close`.
        endpoint: ``tcp://host:port`` or ``ipc://path``.
        contract, start, depth, overflow: As in `sender.Sender`; a start of its own if none is said.

    Raises:
        EdgeError: the endpoint cannot be connected to.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoint: str,
        contract: Contract,
        start: Start | None = None,
        *,
        depth: int,
        overflow: Overflow = "block",
    ) -> None:
        start = start or Start(secrets.randbits(63))
        self.protocol = Sender(contract, depth=depth, start=start, overflow=overflow)
        self.endpoint = endpoint
        self.socket: zmq.Socket[bytes] = open_socket(context, zmq.DEALER)
        self.garbage = 0
        self._held: list[Buffer] | None = None
        self._flushed_s = 0.0
        self._drops_from = depth if overflow == "drop_oldest" else 1 << 62
        try:
            check_port(endpoint)
            self.socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.socket.close()
            raise EdgeError(
                f"edge {contract}: cannot connect to {endpoint}: {error.strerror}; "
                "expected tcp://HOST:PORT or ipc://PATH"
            ) from None

    @property
    def room(self) -> bool:
        """Whether `try_send` takes another small item now."""
        return self.protocol.room

    @property
    def done(self) -> bool:
        """Whether everything, the end included, is committed by the receiver."""
        return self.protocol.done

    @property
    def dropped(self) -> int:
        """Items dropped by ``overflow: drop_oldest``."""
        return self.protocol.dropped

    @property
    def sent(self) -> int:
        """Items sent, each counted once."""
        return self.protocol.sent

    @property
    def wants_out(self) -> bool:
        """Whether to poll for POLLOUT: a message is ready."""
        return self._held is not None or self.protocol.wants_out

    def try_send(self, envelope: Envelope, array: NDArray[Any]) -> bool:
        """Accept an item, or return ``False`` when the edge is full: poll, `service`, try again.

        The array must not change from here on. Items that follow one another closely wait to be packed until
        `service`, or until a pack is full.

        Raises:
            EdgeError: see `protocol.Sender.offer`; HelloRefused; WireError for an item that cannot be sent.
        """
        protocol = self.protocol
        if protocol.waiting >= self._drops_from:  # such an edge is never full: its owner may not come to call `service`
            self.service()
        if not protocol.offer(envelope, array):
            self.service()
            if not protocol.offer(envelope, array):
                return False
        if (
            protocol.waiting_bytes >= PACK_BYTES
            or protocol.waiting >= PACK_ITEMS
            or time.monotonic() > self._flushed_s + PACE_S
        ):
            self._flush()
        return True

    def end(self) -> None:
        """Say that no item follows; go on with `service` until `done`."""
        self.protocol.end()
        self._flush()

    def service(self) -> None:
        """Take in what came, note the time, send what can be sent.

        Raises:
            HelloRefused: the two ends do not agree.
        """
        for _ in range(MAX_DRAIN):
            frames = receive(self.socket)
            if frames is None:
                break
            try:
                message = decode(frames)
            except WireError:
                self.garbage += 1
                continue
            self.protocol.on_message(message)
        self.protocol.on_tick(time.monotonic())
        self._flush()

    def close(self) -> None:
        """Close the socket. After `done`, the last message may linger."""
        if not self.socket.closed:
            if self.protocol.done:
                self._flush()
            self.socket.close(linger=LINGER_MS if self.protocol.done else 0)

    def _flush(self) -> None:
        while True:
            frames = self._held if self._held is not None else self.protocol.next_message()
            if frames is None:
                break
            if not send(self.socket, frames):
                self._held = frames
                break
            self._held = None
        self._flushed_s = time.monotonic()
