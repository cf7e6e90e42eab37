"""The receiving end of a stream: SUB, PULL and REQ, alike to those who use them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeVar

import zmq

from ...errors import WireError
from ...sim.notes import note
from ..block import Block
from ._socket import WAIT_MS, Attach, RadioSocket

__all__ = ["ReceivePattern", "Receiver", "listen"]

T = TypeVar("T")
ReceivePattern = Literal["sub", "pull", "req"]
KINDS: Final = {"sub": zmq.SUB, "pull": zmq.PULL, "req": zmq.DEALER}
SILENCE_S: Final = 5.0  # a subscription that brings nothing for so long, though somebody is there, may be the wrong one


class Receiver:
    """Brings messages in.

    REQ is played by a DEALER, which may ask again: a plain REQ whose peer died before it answered is stuck for ever.

    Args:
        pattern, address, attach, high_water: Of the socket.
        key: What a publisher's messages begin with.
        request: What asks for more.
        counted: Of the block: ``asked_again`` counts requests that a peer left without an answer.
    """

    def __init__(
        self,
        pattern: ReceivePattern,
        address: str,
        attach: Attach,
        *,
        key: bytes = b"",
        request: bytes = b"",
        high_water: int,
        counted: dict[str, int],
    ) -> None:
        options = {zmq.SUBSCRIBE: key} if pattern == "sub" else {}
        self._link = RadioSocket(KINDS[pattern], address, attach, high_water=high_water, options=options)
        self._pattern, self._address, self._key, self._request = pattern, address, key, request
        self._counted = counted
        self._waiting = False  # for an answer
        self._departures = 0
        self._silent_since_s: float | None = None

    def receive(self) -> memoryview | None:
        """Return the data of the next message; None when none came within `WAIT_MS`.

        Raises:
            WireError: it has frames that it should not have, or lacks some.
        """
        asked = self._pattern != "req" or self._ask()
        frames = self._link.receive(WAIT_MS if asked else 0)
        if frames is None:
            self._look_for_silence()
            return None
        self._waiting, self._silent_since_s = False, None
        if self._pattern == "req" and len(frames) > 1 and not len(frames[0]):  # what ends the envelope of a request
            frames = frames[1:]
        if len(frames) != (2 if self._key else 1):
            raise WireError(
                f"{self._address}: expected {'a key and data' if self._key else 'data alone'}, got {len(frames)} "
                f"frames, the first {bytes(frames[0])[:32]!r}; give both ends the same key, or neither"
            )
        return frames[-1]

    def _ask(self) -> bool:
        """See to it that a request is on its way; False when nobody is there to take one."""
        self._link.look()
        if self._link.departures != self._departures:
            self._departures = self._link.departures
            if self._waiting and not self._link.socket.poll(0):  # the answer went with the peer
                self._counted["asked_again"] = self._counted.get("asked_again", 0) + 1
                self._waiting = False
        if not self._waiting and self._link.wait_for_peer(WAIT_MS) and self._link.socket.poll(WAIT_MS, zmq.POLLOUT):
            self._waiting = self._link.send([b"", self._request])
        return self._waiting

    def _look_for_silence(self) -> None:
        """Say once that a key may be wrong: a subscription that fits nothing is silent."""
        if not self._key:
            return
        now = time.monotonic()
        if not self._link.connected or self._silent_since_s is None:
            self._silent_since_s = now
        elif now - self._silent_since_s > SILENCE_S:
            self._silent_since_s = float("inf")
            note(
                f"{self._address}: connected for {SILENCE_S:g} s, and no message with the key {self._key.decode()!r} "
                "came; the sender may have another key, or none"
            )

    def close(self) -> None:
        """Give the socket back."""
        self._link.close()


def listen(block: Block, receiver: Receiver, read: Callable[[memoryview], T | None]) -> Iterator[T | None]:
    """Yield what is read of each message; None where none comes, so that the runtime can look at its commands.

    A message that cannot be read is noted, counted as ``refused_messages`` of the block, and passed over.
    """
    try:
        while True:
            item = None
            try:
                data = receiver.receive()
                item = None if data is None else read(data)
            except WireError as error:
                block.count(refused_messages=1)
                note(f"block '{block.name}': {error}")
            yield item
    finally:
        receiver.close()
