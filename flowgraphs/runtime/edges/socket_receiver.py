"""The receiving end of an edge between processes or hosts, on its socket."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from typing import Any, cast

import zmq
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Identity
from ....errors import EdgeError, HelloRefused, WireError
from .admission import Admission
from .decode import Message, decode
from .ends import END, End
from .messages import Buffer, Contract
from .protocol import Overflow
from .receiver import Delivery, Receiver
from .sockets import LINGER_MS, MAX_DRAIN, MAX_DRAIN_ITEMS, QUIET_S, REFUSAL_S, check_port, open_socket, receive, send

__all__ = ["SocketReceiver"]


class SocketReceiver:
    """The receiving end: binds.

    Args:
        context: Not terminated before `close`.
        endpoint: ``tcp://address:port`` (port 0 or ``*``: any free one, see ``endpoint``) or ``ipc://path``.
        contract, depth, overflow, after, after_session, admission: As in `receiver.Receiver`.

    Raises:
        EdgeError: the endpoint cannot be bound.
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
        admission: Admission | None = None,
    ) -> None:
        self.protocol = Receiver(
            contract,
            depth=depth,
            session=secrets.randbits(63),
            overflow=overflow,
            after=after,
            after_session=after_session,
            admission=admission,
        )
        self.socket: zmq.Socket[bytes] = open_socket(context, zmq.ROUTER)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.garbage = 0
        self._held: tuple[bytes, list[Buffer]] | None = None
        self._inbox: deque[Delivery] = deque()
        self._end_n: int | None = None
        try:
            check_port(endpoint)
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.socket.close()
            if error.errno == zmq.EADDRINUSE:
                raise EdgeError(
                    f"edge {contract}: {endpoint}: the port is already in use; stop the program that has it, "
                    "or give this place another endpoint"
                ) from None
            raise EdgeError(
                f"edge {contract}: cannot listen on {endpoint}: {error.strerror}; "
                "expected tcp://ADDRESS:PORT with an address of this host, or ipc://PATH in a folder that exists"
            ) from None
        self.endpoint: str = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def done(self) -> bool:
        """Whether the end is committed and the sender knows it, or has been silent for 2 s since."""
        return self.protocol.done

    @property
    def received(self) -> int:
        """Items delivered, doubles not counted."""
        return self.protocol.received

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
        self.protocol.consumed(n)
        if self.protocol.due:
            self._flush()

    def committed(self, n: int, *, tell: bool = False) -> None:
        """Say that this place has finished with the items up to number ``n`` (``tell``: at once)."""
        self.protocol.committed(n, tell=tell)
        if self.protocol.due:
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
        protocol, inbox = self.protocol, self._inbox
        protocol.on_tick(time.monotonic())  # first: what comes now is judged by the time that it is now
        full = len(inbox) + MAX_DRAIN_ITEMS
        for _ in range(MAX_DRAIN):
            frames = receive(self.socket)
            if frames is None:
                break
            try:
                message: Message = decode(frames[1:])
            except WireError:
                self.garbage += 1
                continue
            try:
                inbox.extend(protocol.on_message(message, bytes(frames[0])))
            except HelloRefused:
                self._say_why()
                raise
            if len(inbox) >= full:
                break
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
            while (frames := receive(self.socket)) is not None:
                asked_s = time.monotonic()
                with contextlib.suppress(WireError, HelloRefused):
                    self.protocol.on_message(decode(frames[1:]), bytes(frames[0]))
            self._flush()
            now_s = time.monotonic()

    def close(self) -> None:
        """Close the socket. After `done`, the last message may linger for 0.2 s."""
        if not self.socket.closed:
            self.socket.close(linger=LINGER_MS if self.protocol.done else 0)

    def _flush(self) -> None:
        while True:
            held = self._held if self._held is not None else self.protocol.next_message()
            if held is None:
                return
            self._held = None
            address, frames = held
            try:
                sent = send(self.socket, [address, *frames])
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
                sent = True  # that peer has gone; what it missed it will ask for
            if not sent and address == self.protocol.address:  # a stranger that does not read is not waited for
                self._held = held
                return
