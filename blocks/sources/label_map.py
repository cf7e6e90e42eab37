"""`sources/label_map`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from ...errors import InputError
from ...sim.images import fit_image, image_files, read_image
from ...sim.label_maps.legend import read_legend
from ...sim.label_maps.read import read_label_map
from ...sim.label_maps.scenes import TRAINING, draw_scene
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams
from ..ports import Image, Labels

__all__ = ["LabelMap"]

Pixels = Annotated[int, Field(ge=1, le=8192)]
_DRAWN = (64, 64)
_SCENES = "builtin:scenes"


class _Outputs(NamedTuple):
    """A map and the picture of it."""

    labels: Labels
    picture: Image


class LabelMap(Block):
    r"""Reads label maps, what is to be seen at each pixel, from files; or draws scenes that have one.

    .. math:: l \in \{0, \dots, C - 1\}^{H \times W}

    ``builtin:scenes`` draws landscapes with sky, ground, road, houses, trees, sun and cars, each by its number, in any
    size. Of files, grey ones and those with a palette give numbers, coloured ones colours, and the legend says which
    class they stand for: one that is shipped (scenes, cityscapes), or a YAML file. A folder gives its maps in natural
    order. Edges between instances come from further files, with a number for each thing, or else lie between classes.

    Output:  labels: uint8 ``[H, W, 2]``, number of the class and 1 on edges; picture: uint8 sRGB ``[H, W, 3]``: the
             scene, the picture in ``pictures``, or else the map in the legend's colours. Both are labelled with the
             map's name.
    Raises:  InputError: a file cannot be read, has a value or colour of no class, or is missing; sizes differ.
             UsageError: the legend is not in order.
    State:   none.
    Example: ``scenes: {use: sources/label_map, path: "builtin:scenes", scenes: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field("builtin:scenes", min_length=1, description="A file, a folder, or builtin:scenes.")
        pictures: str | None = Field(
            None, min_length=1, description="File or folder of the maps' pictures, in the same order; null: none."
        )
        instances: str | None = Field(
            None, min_length=1, description="File or folder of the maps' instances, in the same order; null: none."
        )
        legend: str = Field("scenes", min_length=1, description="Of files: scenes, cityscapes, or a YAML file.")
        size: tuple[Pixels, Pixels] | None = Field(
            None, description="Height and width in pixels; null keeps each map's own, and draws 64 x 64."
        )
        scenes: int = Field(4, ge=1, description="How many are drawn.")
        first: int = Field(0, ge=0, lt=TRAINING, description="Number of the first that is drawn.")

        @model_validator(mode="after")
        def _drawn_scenes_have_their_own(self) -> Self:
            if self.path == _SCENES and (self.pictures or self.instances):
                raise ValueError(
                    f"expected no pictures and no instances with {_SCENES}, which has its own; give a path"
                )
            return self

    params: Params

    def work(self) -> Iterator[Out[_Outputs]]:
        """Yield the maps in order."""
        yield from self._drawn() if self.params.path == _SCENES else self._read()

    def _drawn(self) -> Iterator[Out[_Outputs]]:
        p = self.params
        for number in range(p.first, p.first + p.scenes):
            scene = draw_scene(number, *(p.size or _DRAWN))
            yield Out(_Outputs(scene.labels, scene.picture), label=f"scene-{number}", identity=Identity(number))

    def _read(self) -> Iterator[Out[_Outputs]]:
        p = self.params
        if p.path.startswith("builtin:"):
            raise InputError(f"{p.path}: no such built-in label maps; there is {_SCENES}")
        legend, files = read_legend(p.legend), image_files(p.path)
        pictures, instances = (_as_many(place, files) for place in (p.pictures, p.instances))
        for file, picture_file, instance_file in zip(files, pictures, instances, strict=True):
            labels = read_label_map(file, legend, instances=instance_file, size=p.size)
            picture = legend.painted(labels)
            if picture_file is not None:
                picture = fit_image(read_image(picture_file), labels.shape[:2], "stretch")
            yield Out(_Outputs(labels, picture), label=file.stem)


def _as_many(place: str | None, maps: Sequence[Path]) -> Sequence[Path | None]:
    if place is None:
        return [None] * len(maps)
    files = image_files(place)
    if len(files) != len(maps):
        raise InputError(f"{place}: expected {len(maps)} files, one for each label map, got {len(files)}")
    return files
