"""One ZeroMQ socket of a radio block: how it is opened, who is at its other end, how it is given back."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import termios
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import zmq
from pydantic import AfterValidator
from zmq.utils.monitor import recv_monitor_message

from ...errors import RunError
from ...sim.notes import note

__all__ = ["WAIT_MS", "Address", "Attach", "RadioSocket", "is_exposed"]

WAIT_MS: Final = 50  # longest wait of one call: then the runtime looks at its commands
MAX_MESSAGE_BYTES: Final = 32 << 20  # srsRAN sends up to 24.6 MB
MAX_FRAMES: Final = 8  # kept of one message; ours have at most 4, an envelope included
KEEPALIVE_S: Final = 10  # the system notices a host that is gone; ZeroMQ's own heartbeat would cut off a slow peer
RECONNECT_MS: Final = 100
ALONE_S: Final = 5.0  # so long one waits for a peer without a word

Attach = Literal["connect", "bind"]


def _check_address(address: str) -> str:
    """ZeroMQ takes a port beyond 65535 for another one."""
    if address.startswith("ipc://") and len(address) > len("ipc://"):
        return address
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"expected tcp://host:port, with a port of 1 to 65535, or ipc://path, got {address!r}")
    return address


Address = Annotated[str, AfterValidator(_check_address)]


class RadioSocket:
    """A socket with a context of its own.

    Args:
        kind: ZeroMQ's number of it: `zmq.PUSH`.
        address: ``tcp://host:port`` or ``ipc://path``.
        attach: Whether it connects to its peer or its peer connects to it.
        high_water: Messages that may wait, in each direction.
        options: Further options of ZeroMQ.

    Attributes:
        socket: The socket.
        departures: Peers that went.

    Raises:
        RunError: the address cannot be bound or connected to.
    """

    def __init__(
        self, kind: int, address: str, attach: Attach, *, high_water: int, options: Mapping[Any, Any] | None = None
    ) -> None:
        self.departures = 0
        self._address = address
        self._opened_s: float | None = time.monotonic()  # None: somebody came, or the user knows
        self._peers: set[int] = set()  # file descriptors of their connections
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(kind)
        self._monitor = self.socket.get_monitor_socket(
            zmq.EVENT_CONNECTED | zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )
        self._give_back = weakref.finalize(self, _give_back, self._context, self.socket, self._monitor)
        for option, value in {
            zmq.LINGER: 0,
            # Nothing waits for a peer that is not there. Not where messages come in: with it a peer that goes takes
            # along what was received of it and not read yet (libzmq, `socket_base_t::hiccuped`).
            zmq.IMMEDIATE: int(kind not in (zmq.SUB, zmq.PULL, zmq.DEALER)),
            zmq.SNDHWM: high_water,
            zmq.RCVHWM: high_water,
            zmq.MAXMSGSIZE: MAX_MESSAGE_BYTES,
            zmq.TCP_KEEPALIVE: 1,
            zmq.TCP_KEEPALIVE_IDLE: KEEPALIVE_S,
            zmq.TCP_KEEPALIVE_INTVL: KEEPALIVE_S // 2,
            zmq.TCP_KEEPALIVE_CNT: 2,
            zmq.RECONNECT_IVL: RECONNECT_MS,
            **(options or {}),
        }.items():
            self.socket.setsockopt(option, value)
        try:
            self.socket.bind(address) if attach == "bind" else self.socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise RunError(
                f"{address}: cannot {attach}: {zmq.strerror(error.errno or 0)}; one end binds an address of its own "
                "machine, the other connects to it"
            ) from None
        if is_exposed(address):
            note(
                f"{address}: other machines reach this address, and nothing protects it: whoever gets there reads or "
                "sends samples. Radio programs know no encryption: use 127.0.0.1 and a tunnel (ssh -L, WireGuard)"
            )

    @property
    def connected(self) -> bool:
        """Whether somebody is at the other end."""
        self.look()
        return bool(self._peers)

    def look(self) -> None:
        """Take note of who came and who went."""
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            if event["event"] != zmq.EVENT_DISCONNECTED:
                self._peers.add(int(event["value"]))
            elif event["value"] in self._peers:
                self._peers.remove(event["value"])
                self.departures += 1

    def wait_for_peer(self, wait_ms: int) -> bool:
        """Whether somebody is at the other end, or comes in that time."""
        if not self.connected:
            self._monitor.poll(wait_ms)
        return self.connected

    def look_for_peer(self) -> None:
        """Say once that nobody has come: a peer that is not there and a wrong address look alike."""
        if self._opened_s is None:
            return
        if self.connected or self.departures:
            self._opened_s = None
        elif time.monotonic() - self._opened_s > ALONE_S:
            self._opened_s = None
            note(
                f"{self._address}: nobody came to the other end in {ALONE_S:g} s; start it, and see that both have "
                "this address, one binds it and the other connects to it"
            )

    @property
    def _unread(self) -> bool:
        """Whether the system holds bytes for a peer."""
        self.look()
        for descriptor in self._peers:
            held = bytearray(4)
            with contextlib.suppress(OSError):  # closed meanwhile
                fcntl.ioctl(descriptor, termios.TIOCOUTQ, held)
            if any(held):
                return True
        return False

    def receive(self, wait_ms: int = 0) -> list[memoryview] | None:
        """Return the first frames of the next message; None when there is none in that time."""
        frames = self._take()
        if not frames and wait_ms and self.socket.poll(wait_ms):
            frames = self._take()
        if not frames:
            self.look_for_peer()
        return frames or None

    def _take(self) -> list[memoryview]:
        frames: list[memoryview] = []
        with contextlib.suppress(zmq.Again):
            more = True
            while more:
                frame = self.socket.recv(zmq.NOBLOCK, copy=False)
                more = bool(frame.more)
                if len(frames) < MAX_FRAMES:
                    frames.append(frame.buffer)
        return frames

    def send(self, frames: list[Any]) -> bool:
        """Send one message at once; False when nobody takes it now."""
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                return False
            raise
        return True

    def close(self) -> None:
        """Give the socket back at once."""
        self._give_back()

    def drain(self, patient: Callable[[], bool]) -> None:
        """Give the socket back once its peers have what was sent, or have gone; or when ``patient`` ends.

        ZeroMQ closes a connection when the system has the last byte. A peer that is slow and finds its connection
        closed drops what it has not read of it (libzmq 4.3.4, ``ipc``), so first its peers read.
        """
        looks = 0
        while looks < 2 and patient():  # between two looks the next messages go out, if there are any
            looks = 0 if self._unread else looks + 1
            time.sleep(WAIT_MS / 1000)
        self.socket.setsockopt(zmq.LINGER, -1)
        thread = threading.Thread(target=self._give_back, name="semcom:drain", daemon=True)
        thread.start()
        while thread.is_alive() and patient():
            thread.join(WAIT_MS / 1000)


def _give_back(context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> None:
    if not socket.closed:
        socket.disable_monitor()
        monitor.close()
        socket.close()
    context.term()


def is_exposed(address: str) -> bool:
    """Whether an address can be reached from other machines, or is another machine's."""
    scheme, _, rest = address.partition("://")
    host = rest.rpartition(":")[0].strip("[]")
    if scheme != "tcp" or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, an interface, or * for all of them
        return True
