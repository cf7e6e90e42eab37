"""What sinks leave on disk: pictures and pages that are whole or not there, and tables that grow row by row."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import threading
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RunError
from ..envelope import Identity

__all__ = ["Appended", "make_folder", "picture_name", "write_atomic", "write_png"]

_CHUNK = 1 << 20
_LONGEST_LABEL = 120  # bytes of UTF-8: file systems allow 255 for the whole name


def picture_name(label: str, identity: Identity) -> str:
    """Name of a picture's file without its ending: ``<label>-<seq>``, and ``-<part>`` where one item became several.

    Letters and digits of any script, dots, dashes and underscores stay; a run of anything else becomes one underscore.

    Args:
        label: Where the picture came from; any text.
        identity: Its number.

    Example:
        >>> picture_name("../my photo", Identity(seq=3))
        'my_photo-0003'
    """
    safe = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", label)).strip("._-")
    safe = safe.encode("utf-8", "ignore")[:_LONGEST_LABEL].decode("utf-8", "ignore") or "picture"
    part = "" if (identity.part, identity.last) == (0, True) else f"-{identity.part:02d}"
    return f"{safe}-{identity.seq:04d}{part}"


def make_folder(path: str) -> Path:
    """Make a folder with its parents, and return it.

    Raises:
        RunError: it cannot be made or written to.
    """
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: expected a folder to write to, got: {_reason(error)}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"{folder}: expected a folder to write to, got one without write permission")
    return folder


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: it has its name only when it is whole.

    Raises:
        RunError: it could not be written (a full disk, say); nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {_reason(error)}; what was finished before is kept") from None


def write_png(folder: Path, name: str, picture: NDArray[np.uint8]) -> Path:
    """Write a picture as PNG, atomically; equal pictures give equal bytes.

    Args:
        folder: Where to.
        name: File name without its ending.
        picture: uint8 sRGB ``[H, W, 3]``.

    Raises:
        RunError: it could not be written.
    """
    from PIL import Image

    if 0 in picture.shape:
        raise RunError(f"{folder / name}.png: expected a picture of at least 1 x 1, got {list(picture.shape)}")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format="PNG")
    path = folder / f"{name}.png"
    write_atomic(path, buffer.getvalue())
    return path


class Appended:
    """A text file that grows line by line: after each, the file holds whole lines only, also on a full disk.

    Args:
        path: The file; emptied if there is one.
        go_on: Keep the whole lines that are there, and add to them.

    Raises:
        RunError: it cannot be opened, or another sink or run is writing it.
    """

    def __init__(self, path: Path, *, go_on: bool = False) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {_reason(error)}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = _whole_lines(self._file) if go_on else 0
            os.ftruncate(self._file, self._size)
        except BlockingIOError:
            os.close(self._file)
            raise RunError(
                f"{path}: another sink or run is writing this file; give each its own folder 'out'"
            ) from None

    @property
    def empty(self) -> bool:
        """Nothing is in the file."""
        return self._size == 0

    @property
    def lines(self) -> int:
        """Lines that are in the file, as the disk has them."""
        return sum(os.pread(self._file, _CHUNK, at).count(b"\n") for at in range(0, self._size, _CHUNK))

    def append(self, text: str) -> None:
        """Add lines.

        Raises:
            RunError: they could not be written; the file ends after the line before them.
        """
        content = text.encode()
        try:
            done = 0
            while done < len(content):
                done += os.pwrite(self._file, content[done:], self._size + done)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise RunError(
                f"{self.path}: cannot be written: {_reason(error)}; what was finished before is kept"
            ) from None
        self._size += len(content)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _whole_lines(file: int) -> int:
    """Return the size of a file up to the end of its last whole line."""
    size, step = os.fstat(file).st_size, 1 << 16
    for end in range(size, 0, -step):
        start = max(0, end - step)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
