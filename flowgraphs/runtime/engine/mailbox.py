"""A queue of messages that any thread may post to and one thread waits for, together with its ZeroMQ sockets."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages in order of posting; `fileno` becomes readable when there is one (the self-pipe trick)."""

    def __init__(self) -> None:
        self._messages: deque[T] = deque()
        self._closing = threading.Lock()
        self._closed = False
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)

    def fileno(self) -> int:
        """File descriptor to poll for reading."""
        return self._read_fd

    def __bool__(self) -> bool:
        return bool(self._messages)

    def post(self, message: T) -> None:
        """Add a message; from any thread, and without effect once the mailbox is closed."""
        self._messages.append(message)
        with self._closing, contextlib.suppress(BlockingIOError):  # a full pipe: the reader is awake anyway
            if not self._closed:  # the number of a closed descriptor may be another file's by now
                os.write(self._write_fd, b"\0")

    def take(self) -> T | None:
        """Return the oldest message, or ``None``."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_fd, 4096)
        return self._messages.popleft() if self._messages else None

    def peek(self) -> tuple[T, ...]:
        """Return the waiting messages and leave them; `fileno` is quiet again until the next `post`."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_fd, 4096)
        return tuple(self._messages)

    def close(self) -> None:
        """Close the descriptors; its reader has gone."""
        with self._closing:
            if not self._closed:
                self._closed = True
                os.close(self._read_fd)
                os.close(self._write_fd)
