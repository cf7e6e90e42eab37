"""`encoders/caption`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ...errors import InputError
from ..block import Block
from ..envelope import Identity
from ..params import BlockParams
from ..ports import Bytes, Image

__all__ = ["Caption"]

Text = Annotated[str, Field(min_length=1, max_length=1000)]


class Caption(Block):
    r"""Writes what a picture shows as text: a caption that was made beforehand.

    .. math:: \mathrm{image} \mapsto \mathrm{UTF\text{-}8}(\mathrm{caption})

    A captioning network is not built in; its captions are given, in the order of the pictures: a list, or a text file
    with one line a picture.

    Input:   image: uint8 ``[H, W, 3]``; its number decides.
    Output:  uint8 ``[n]``, the text in UTF-8.
    Raises:  InputError: the file cannot be read, or a picture has no caption.
    State:   the captions.
    Source:  Cicchetti et al., Language-oriented semantic latent representation for image transmission, MLSP 2024.
    Example: ``caption: {use: encoders/caption, captions: [a cat, two dogs, a cup, a bridge]}``
    """

    class Params(BlockParams):
        """Parameters."""

        captions: str | list[Text] = Field(
            min_length=1, description="In the order of the pictures; or a text file of them, one line a picture."
        )

    params: Params

    def start(self) -> None:
        """Read the captions."""
        given = self.params.captions
        self._captions = _read(Path(given)) if isinstance(given, str) else given

    def work(self, image: Image, identity: Identity) -> Bytes:
        """Caption one picture."""
        if identity.seq >= len(self._captions):
            raise InputError(
                f"encoders/caption: expected a caption for each picture, got {len(self._captions)} and picture "
                f"{identity.seq + 1}; add it to captions"
            )
        return np.frombuffer(self._captions[identity.seq].encode(), np.uint8)


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a text file of captions: {error}") from None
