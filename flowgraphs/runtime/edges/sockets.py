"""The ZeroMQ sockets of edges between processes or hosts. Thin: every decision is made in `sender` and `receiver`.

The sender is a DEALER that connects. The receiver binds a ROUTER, not a DEALER: whoever connects to a bound DEALER gets
its share of what that sends, so that a stranger would swallow credits; a ROUTER answers the one it means.

An end belongs to one thread. Nothing here blocks: a worker polls ``.socket`` of all its ends together and calls
`service` where something happened, and before it waits. Both need `service` at least every 50 ms, for the ticks.
"""

from __future__ import annotations

from typing import Any, Final

import zmq

from .bounds import MAX_FRAME_BYTES, MAX_PARTS
from .messages import Buffer

__all__ = [
    "LINGER_MS",
    "MAX_DRAIN",
    "MAX_DRAIN_ITEMS",
    "PACE_S",
    "QUIET_S",
    "REFUSAL_S",
    "TICK_S",
    "check_port",
    "open_socket",
    "receive",
    "send",
]

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


def check_port(endpoint: str) -> None:
    """Refuse a port that ZeroMQ would quietly take modulo 65536."""
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp:") and port.isdecimal() and int(port) > 65535:
        raise zmq.ZMQError(zmq.EINVAL, "no such port")


def open_socket(context: zmq.Context[Any], kind: int) -> zmq.Socket[bytes]:
    """Make a socket of this kind with the options of all edges."""
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


def send(socket: zmq.Socket[bytes], frames: list[Buffer]) -> bool:
    """Send one message; ``False`` if it has to wait."""
    last = len(frames) - 1
    try:
        for i, frame in enumerate(frames):
            flags = zmq.NOBLOCK if i == last else zmq.NOBLOCK | zmq.SNDMORE
            socket.send(frame, flags, copy=len(frame) < COPY_BYTES)
    except zmq.Again:
        return False
    return True


def receive(socket: zmq.Socket[bytes]) -> list[Buffer] | None:
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
