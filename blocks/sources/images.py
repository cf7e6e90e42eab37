"""`sources/images`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ...errors import InputError
from ...sim.images import Fit, image_files, read_image
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams
from ..ports import Image

__all__ = ["Images"]

Pixels = Annotated[int, Field(ge=1, le=8192)]


class Images(Block):
    r"""Reads pictures from files, folders or scikit-image's photographs.

    .. math:: x \in \{0, \dots, 255\}^{H \times W \times 3}

    Any format of Pillow. EXIF orientation is applied, a colour profile too (the picture becomes sRGB), grey becomes
    three equal channels, transparency is composited over white, 16 bits are scaled to 8, an animation gives its first
    frame. Kinds of TIFF that Pillow reads wrongly are refused by name; a profile that is broken is ignored, a JPEG that
    lacks hardly more than its end mark is read, and both are said on standard error. ``cover`` scales a picture,
    antialiased, until it covers ``size``, and cuts out the centre; ``crop`` cuts without scaling; ``stretch`` scales
    height and width apart. A folder gives its pictures in natural order, without subfolders.
    At most 20,000 pixels a side and 67,108,864 in all, checked before decoding.

    Output:  uint8 sRGB ``[H, W, 3]``, labelled with the file's name.
    Raises:  InputError: a picture cannot be read (unless ``on_error: skip``; then if none can), a folder holds none.
    State:   none; the run's record holds the share of pictures skipped.
    Example: ``photos: {use: sources/images, path: "builtin:photos", size: [256, 256]}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str | list[str] = Field(
            "builtin:photos",
            min_length=1,
            description="A file, a folder, builtin:photos, builtin:NAME (astronaut, chelsea, coffee, motorcycle, "
            "rocket, hubble, ihc, retina), or a list of them.",
        )
        size: tuple[Pixels, Pixels] | None = Field(
            None, description="Height and width in pixels; null keeps each picture's own."
        )
        fit: Fit = Field("cover", description="How a picture comes to that size.")
        first: int = Field(
            0, ge=0, description="Number of the first picture: a part of a longer list keeps the numbers of the whole."
        )
        repeat: int | None = Field(1, ge=1, description="Times the whole list is gone through; null for ever.")
        on_error: Literal["fail", "skip"] = Field("fail", description="What an unreadable picture does to the run.")

    params: Params

    def work(self) -> Iterator[Out[Image]]:
        """Yield the pictures in order."""
        p = self.params
        paths = [p.path] if isinstance(p.path, str) else p.path
        files = [file for path in paths for file in image_files(path)]
        number = Identity(p.first) if p.first else None  # of the first; the runtime counts on from there
        for _ in itertools.count() if p.repeat is None else range(p.repeat):
            read = 0
            for file in files:
                try:
                    picture = read_image(file, size=p.size, fit=p.fit)
                except InputError:
                    if p.on_error == "fail":
                        raise
                    self.measure(skipped=1.0)
                    continue
                read += 1
                self.measure(skipped=0.0)
                yield Out(picture, label=file.stem, identity=number)
                number = None
            if not read:
                raise InputError(f"sources/images: none of {len(files)} pictures could be read, first {files[0]}")
