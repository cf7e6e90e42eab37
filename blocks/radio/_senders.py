"""The sending end of a stream: PUB, PUSH and REP, alike to those who use them: ask for room, then send."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal, Protocol

import zmq

from ...errors import WireError
from ...sim.radio_formats.requests import unpack_request
from ._socket import WAIT_MS, Attach, RadioSocket

__all__ = ["MOST", "Publisher", "Pusher", "Replier", "SendPattern", "Sender", "open_sender"]

MOST: Final = 1 << 16  # samples in one message
MAX_REQUESTS: Final = 64  # that wait for samples
RETRY_MS: Final = 1  # a publisher whose subscriber is full has nothing to poll for

SendPattern = Literal["pub", "push", "rep"]


class Sender(Protocol):
    """What all of them do."""

    def room(self, wait_ms: int = WAIT_MS) -> int | None:
        """Return how many samples the peer takes now, waiting so long for one; None when nobody takes any."""

    def send(self, data: bytes) -> bool:
        """Send at most so many; False when they were not taken after all."""

    def close(self, last: bytes, patient: Callable[[], bool]) -> None:
        """Give the socket back when all has gone, or when ``patient`` ends.

        ``last`` is a message without samples, for those who wait for an answer.
        """


class Pusher:
    """PUSH: one of those that pull takes each message; none is lost while the peer lives."""

    def __init__(self, address: str, attach: Attach, *, high_water: int) -> None:
        self._link = RadioSocket(zmq.PUSH, address, attach, high_water=high_water)

    def room(self, wait_ms: int = WAIT_MS) -> int | None:
        """As of `Sender`."""
        if self._link.socket.poll(wait_ms, zmq.POLLOUT):
            return MOST
        self._link.look_for_peer()
        return None

    def send(self, data: bytes) -> bool:
        """As of `Sender`."""
        return self._link.send([data])

    def close(self, last: bytes, patient: Callable[[], bool]) -> None:
        """As of `Sender`."""
        self._link.drain(patient)


class Publisher:
    """PUB: every subscriber has every message; there is room when somebody has subscribed and all can take one.

    Args:
        key: What each message begins with, as a frame of its own; none when empty.
        address, attach, high_water: Of the socket.
    """

    def __init__(self, address: str, attach: Attach, *, key: bytes = b"", high_water: int) -> None:
        self._link = RadioSocket(zmq.XPUB, address, attach, high_water=high_water, options={zmq.XPUB_NODROP: 1})
        self._key = key
        self._topics: set[bytes] = set()

    def room(self, wait_ms: int = WAIT_MS) -> int | None:
        """As of `Sender`."""
        self._take_subscriptions(0 if self._subscribed else wait_ms)
        return MOST if self._subscribed else None

    @property
    def _subscribed(self) -> bool:
        return any(self._key.startswith(topic) for topic in self._topics)

    def _take_subscriptions(self, wait_ms: int) -> None:
        while (frames := self._link.receive(wait_ms)) is not None:
            wait_ms, said = 0, bytes(frames[0])
            if said[:1] == b"\x01":
                self._topics.add(said[1:])
            elif said[:1] == b"\x00":
                self._topics.discard(said[1:])

    def send(self, data: bytes) -> bool:
        """As of `Sender`."""
        sent = self._link.send([self._key, data] if self._key else [data])
        if not sent:
            self._take_subscriptions(RETRY_MS)
        return sent

    def close(self, last: bytes, patient: Callable[[], bool]) -> None:
        """As of `Sender`."""
        self._link.drain(patient)


class Replier:
    """REP: whoever asks gets as many samples as it asked for, at most.

    Played by a ROUTER: requests wait until there are samples, and one whose sender has gone loses none.

    Args:
        address, attach, high_water: Of the socket.
        counted: Of the block: ``refused_requests`` counts those for a negative number of samples.
    """

    def __init__(self, address: str, attach: Attach, *, high_water: int, counted: dict[str, int]) -> None:
        options = {zmq.ROUTER_MANDATORY: 1}
        self._link = RadioSocket(zmq.ROUTER, address, attach, high_water=high_water, options=options)
        self._asked: deque[tuple[list[bytes], int]] = deque(maxlen=MAX_REQUESTS)
        self._counted = counted

    def room(self, wait_ms: int = WAIT_MS) -> int | None:
        """As of `Sender`."""
        while (frames := self._link.receive(0 if self._asked else wait_ms)) is not None:
            envelope = [bytes(frame) for frame in frames[:-1]]
            if len(envelope) < 2 or envelope[-1]:
                self._refuse()  # there is nobody to answer
                continue
            try:
                credit = unpack_request(frames[-1])
            except WireError:
                self._refuse()
                credit = 0
            self._asked.append((envelope, MOST if credit is None else min(credit, MOST)))
        return self._asked[0][1] if self._asked else None

    def _refuse(self) -> None:
        self._counted["refused_requests"] = self._counted.get("refused_requests", 0) + 1

    def send(self, data: bytes) -> bool:
        """As of `Sender`."""
        envelope, _ = self._asked.popleft()
        return self._link.send([*envelope, data])

    def close(self, last: bytes, patient: Callable[[], bool]) -> None:
        """As of `Sender`; a request without an answer would leave a plain REQ stuck."""
        self.room(0)
        for _ in range(len(self._asked)):
            self.send(last)
        self._link.drain(patient)


def open_sender(
    pattern: SendPattern, address: str, attach: Attach, *, key: bytes, high_water: int, counted: dict[str, int]
) -> Sender:
    """Open the sending end of a pattern; ``counted`` is the block's. Raises RunError."""
    match pattern:
        case "pub":
            return Publisher(address, attach, key=key, high_water=high_water)
        case "push":
            return Pusher(address, attach, high_water=high_water)
        case "rep":
            return Replier(address, attach, high_water=high_water, counted=counted)
