"""BPG: Bellard's `bpgenc` and `bpgdec` as child processes, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError, UsageError
from .rate_search import Knob

__all__ = ["Bpg"]

_MAGIC = b"BPG\xfb"
_HIGHEST_QP = 51


@dataclass(frozen=True)
class Bpg:
    """BPG coder as papers run it: ``bpgenc -f 444 -q QP``; the QP is a whole number, a step of some 12 % of the file.

    Attributes:
        timeout_s: Seconds after which a child process is given up.

    Source: BPG specification 0.9.8, https://bellard.org/bpg/.
    """

    timeout_s: float = 120.0

    def knob(self, height: int, width: int) -> Knob:
        """QP 51 to 0.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        return Knob(0, _HIGHEST_QP, 1, per_octave=6.5, at_one_bpp=_HIGHEST_QP - 27)

    def check(self) -> None:
        """Find the programs.

        Raises:
            UsageError: one of them is not on the path.
        """
        for program in ("bpgenc", "bpgdec"):
            _program(program)

    def version(self) -> str:
        """Name bpgenc by what it says of itself: of another version files may differ."""
        asked = [_program("bpgenc"), "-h"]
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.timeout_s, check=False)
        return (done.stdout + done.stderr).decode(errors="replace").split("\n")[0]

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture at QP ``51 - setting``.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 51.

        Raises:
            SignalError: bpgenc fails or takes too long.
            UsageError: bpgenc is not on the path.
        """
        from PIL import Image

        with tempfile.TemporaryDirectory(prefix="semcom-bpg-") as folder:
            source, coded = Path(folder, "picture.png"), Path(folder, "picture.bpg")
            Image.fromarray(picture).save(source, compress_level=1)
            self._run("bpgenc", "-f", "444", "-q", str(_HIGHEST_QP - setting), "-o", str(coded), str(source))
            return self._made(coded, "bpgenc")

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not a picture of this size, bpgdec fails or takes too long.
            UsageError: bpgdec is not on the path.
        """
        from PIL import Image

        if _declared(data)[:2] != (height, width):
            raise SignalError(f"codec bpg: expected a file of {height} x {width}, got another")
        with tempfile.TemporaryDirectory(prefix="semcom-bpg-") as folder:
            coded, decoded = Path(folder, "picture.bpg"), Path(folder, "picture.png")
            coded.write_bytes(data)
            self._run("bpgdec", "-o", str(decoded), str(coded))
            self._made(decoded, "bpgdec")
            try:
                with Image.open(decoded, formats=["PNG"]) as picture:
                    if picture.size != (width, height):
                        raise SignalError(f"codec bpg: expected {height} x {width}, got another size")
                    return np.array(picture.convert("RGB"), np.uint8)
            except (OSError, ValueError, SyntaxError) as error:
                raise SignalError(f"codec bpg: bpgdec left a picture that cannot be read: {error}") from None

    def container_bytes(self, data: bytes) -> int:
        """Count BPG's own header, before HEVC's.

        Args:
            data: An undamaged file.
        """
        return _declared(data)[2]

    def _run(self, program: str, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [_program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SignalError(f"codec bpg: {program} took more than {self.timeout_s:g} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[:200] or "nothing"
            raise SignalError(f"codec bpg: {program} ended with code {done.returncode} and said: {said}")

    @staticmethod
    def _made(path: Path, program: str) -> bytes:
        if not path.is_file() or not path.stat().st_size:
            raise SignalError(f"codec bpg: {program} ended well and wrote no file")
        return path.read_bytes()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"codec bpg: expected {name} on the PATH, found none; install libbpg (https://bellard.org/bpg/), "
            "or take codec hevc, which has the same coding tools"
        )
    return found


def _declared(data: bytes) -> tuple[int, int, int]:
    """Height and width that a file declares, and where its header ends."""
    if data[:4] != _MAGIC or len(data) < 9:
        raise SignalError("codec bpg: expected a file of BPG, got another")
    extended = data[5] & 8  # extension_present_flag
    at, values = 6, []
    for _ in range(4 if extended else 3):  # width, height, picture_data_length, extension_data_length: ue7(32)
        value = 0
        for _ in range(5):
            if at >= len(data):
                raise SignalError("codec bpg: the header is damaged")
            value, more = value << 7 | data[at] & 127, data[at] & 128
            at += 1
            if not more:
                break
        values.append(value)
    return values[1], values[0], at + (values[3] if extended else 0)
