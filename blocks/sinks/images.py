"""`sinks/images`."""

from __future__ import annotations

from pydantic import Field

from .._measuring.files import make_folder, picture_name, write_png
from ..block import Block
from ..envelope import Identity, Trace
from ..params import BlockParams
from ..ports import Image

__all__ = ["ImageFolder"]


class ImageFolder(Block):
    r"""Writes every picture that arrives as a PNG file.

    .. math:: \hat x \mapsto \mathtt{out/label-seq.png}

    Files are named by source and number, ``astronaut-0000.png``, with characters that file systems dislike replaced by
    underscores. A picture gets its name when it is whole, and equal pictures give equal bytes.

    Input:   received: uint8 sRGB ``[H, W, 3]``.
    Raises:  RunError: the folder or a file cannot be written (a full disk, say); no partial picture is left.
    State:   none.
    Example: ``pictures: {use: sinks/images, out: out/pictures}``
    """

    class Params(BlockParams):
        """Parameters."""

        out: str = Field("out", min_length=1, description="Folder that receives the pictures; made if missing.")

    params: Params

    def start(self) -> None:
        """Make the folder, so that one that cannot be written fails the run before it begins."""
        make_folder(self.params.out)

    def work(self, received: Image, trace: Trace, identity: Identity) -> None:
        """Write one picture."""
        folder = make_folder(self.params.out)
        self.wrote(write_png(folder, picture_name(trace.label, identity), received))
