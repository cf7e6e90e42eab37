"""A queue of messages that any thread may post to and one thread waits for, together with its ZeroMQ sockets."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages in order of posting; `fileno` becomes readable when there is one (the self-pipe trick)."""

    def __init__(self) -> None:
        self._messages: deque[T] = deque()
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)

    def fileno(self) -> int:
        """File descriptor to poll for reading."""
        return self._read_fd

    def __bool__(self) -> bool:
        return bool(self._messages)

    def post(self, message: T) -> None:
        """Add a message; from any thread."""
        self._messages.append(message)
        with contextlib.suppress(BlockingIOError, OSError):  # full: the reader is awake anyway; closed: nobody reads
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
        """Close the descriptors."""
        os.close(self._read_fd)
        os.close(self._write_fd)
