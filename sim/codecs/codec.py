"""What every source coder of pictures offers, and where to get one by name."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .rate_search import Knob

__all__ = ["CODECS", "PRESETS", "Codec", "CodecName", "codec_named"]

CodecName = Literal["jpeg2000", "hevc", "bpg", "avif", "webp", "vvc"]
CODECS: tuple[CodecName, ...] = ("jpeg2000", "hevc", "bpg", "avif", "webp", "vvc")
PRESETS: dict[CodecName, tuple[str, ...]] = {
    "hevc": ("ultrafast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "vvc": ("faster", "fast", "medium", "slow", "slower"),
}
"""How long a coder looks for the best choice, the quickest first; those that have no such setting are left out."""


class Codec(Protocol):
    """A source coder with its settings; a frozen dataclass, so that its ``repr`` names the settings."""

    def knob(self, height: int, width: int) -> Knob:
        """Range and steps of what the rate search turns: more is a larger file.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """

    def check(self) -> None:
        """Find the software that does the work.

        Raises:
            MissingExtra: a package is not installed.
            UsageError: a program is not on the path.
        """

    def version(self) -> str:
        """Name the software that codes: of another version files may differ.

        Raises:
            MissingExtra: a package is not installed.
            UsageError: a program is not on the path.
        """

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: Of the knob.

        Raises:
            SignalError: the picture is beyond what the format or the coder can do.
        """

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged; zeros that pad it are passed over.

        Args:
            data: The file.
            height: Of the picture, pixels. What the file itself says is held against it before anything is decoded.
            width: Of the picture, pixels.

        Returns:
            uint8 sRGB ``[H, W, 3]``.

        Raises:
            SignalError: it cannot be decoded, or is a picture of another size.
        """

    def container_bytes(self, data: bytes) -> int:
        """Count the bytes of an undamaged file that are not the coded picture: headers, boxes, parameter sets."""


def codec_named(
    name: CodecName,
    *,
    preset: str | None = None,
    parameter_sets: Literal["sent", "agreed"] = "sent",
    wavelet: Literal["9-7", "5-3"] = "9-7",
) -> Codec:
    """Make a source coder.

    Args:
        name: One of `CODECS`.
        preset: Of x265 or vvenc, for ``hevc`` and ``vvc``; None: slow of the one, medium of the other.
        parameter_sets: For these two: in the file, or agreed beforehand.
        wavelet: For ``jpeg2000``.
    """
    if name == "hevc":
        from .hevc import Hevc

        return Hevc(preset=preset or "slow", parameter_sets=parameter_sets)
    if name == "vvc":
        from .vvc import Vvc

        return Vvc(preset=preset or "medium", parameter_sets=parameter_sets)
    if name == "jpeg2000":
        from .jpeg2000 import Jpeg2000

        return Jpeg2000(wavelet=wavelet)
    if name == "bpg":
        from .bpg import Bpg

        return Bpg()
    if name == "avif":
        from .avif import Avif

        return Avif()
    from .webp import Webp

    return Webp()
