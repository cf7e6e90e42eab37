"""`sources/video`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ...errors import InputError
from ...sim.images import Fit
from ...sim.notes import note
from ...sim.video import read_frames
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Image

__all__ = ["Video"]

Pixels = Annotated[int, Field(ge=1, le=8192)]


class Video(Block):
    r"""Reads the frames of a video file.

    .. math:: x[t] \in \{0, \dots, 255\}^{H \times W \times 3}

    The first video stream of any file that FFmpeg knows, in order of presentation, turned upright. The frames come as
    fast as the chain takes them; put ``mappers/rate_limit`` behind for a given rate. A file that is cut fails the run
    behind its last frame, or is noted on standard error (``on_error: skip``); so is one that gives fewer frames than it
    states, or states neither their number nor its length (a transport stream).

    Output:  uint8 sRGB ``[H, W, 3]``, labelled with the file's name and the frame's number.
    Raises:  MissingExtra: PyAV is not installed. InputError: the file cannot be read, or is cut or damaged (unless
             ``on_error: skip``; then if not one frame came).
    State:   none.
    Example: ``photos: {use: sources/video, path: clip.mp4, size: [256, 256], max_frames: 100}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(
            "builtin:pan",
            min_length=1,
            description="The video file. Built in: builtin:pan wanders over a photograph, builtin:overlay lays "
            "a moving one over one that stands still.",
        )
        size: tuple[Pixels, Pixels] | None = Field(
            None, description="Height and width in pixels; null keeps the video's own."
        )
        fit: Fit = Field("cover", description="How a frame comes to that size.")
        max_frames: int | None = Field(None, ge=1, description="Frames read of each pass; null reads to the end.")
        repeat: int | None = Field(1, ge=1, description="Times the video is gone through; null for ever.")
        on_error: Literal["fail", "skip"] = Field(
            "fail", description="What a file that is cut or damaged behind its first frame does to the run."
        )

    params: Params

    def work(self) -> Iterator[Out[Image]]:
        """Yield the frames in order."""
        p = self.params
        name = Path(p.path).stem.removeprefix("builtin:")
        for _ in itertools.count() if p.repeat is None else range(p.repeat):
            number = 0
            try:
                for frame in read_frames(p.path, size=p.size, fit=p.fit, max_frames=p.max_frames):
                    yield Out(frame, label=f"{name}-{number:06d}")
                    number += 1
            except InputError as error:
                if p.on_error == "fail" or number == 0:
                    raise
                note(str(error))
