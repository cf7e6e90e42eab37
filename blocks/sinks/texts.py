"""`sinks/texts`."""

from __future__ import annotations

from pydantic import Field

from .._measuring.files import make_folder, picture_name, write_atomic
from ..block import Block
from ..envelope import Identity, Trace
from ..params import BlockParams
from ..ports import Bytes

__all__ = ["Texts"]


class Texts(Block):
    r"""Writes every text that arrives as a file.

    .. math:: \mathrm{text} \mapsto \mathtt{out/label-seq.txt}

    Files are named as those of ``sinks/images``. Bytes that are no UTF-8, as wrong bits leave them, become the
    replacement character.

    Input:   text: uint8 ``[n]``, UTF-8.
    Raises:  RunError: the folder or a file cannot be written.
    State:   none.
    Example: ``captions: {use: sinks/texts, out: out/captions}``
    """

    class Params(BlockParams):
        """Parameters."""

        out: str = Field("out", min_length=1, description="Folder that receives the texts; made if missing.")

    params: Params

    def start(self) -> None:
        """Make the folder, so that one that cannot be written fails the run before it begins."""
        make_folder(self.params.out)

    def work(self, text: Bytes, trace: Trace, identity: Identity) -> None:
        """Write one text."""
        path = make_folder(self.params.out) / f"{picture_name(trace.label, identity)}.txt"
        write_atomic(path, text.tobytes().decode("utf-8", "replace").encode())
        self.wrote(path)
