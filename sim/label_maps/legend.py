"""What the values and colours of a file of labels stand for: a legend, read from YAML.

A legend is a list of classes, in the order of their numbers::

    classes:
      - {name: sky, colour: [120, 180, 235]}
      - {name: road, colour: [110, 110, 115], values: [7, 8]}

``values`` are the numbers that stand for the class in a grey or palette file; its own number, if not said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import UsageError

__all__ = ["LEGENDS", "Legend", "LegendClass", "read_legend"]

_FOLDER = Path(__file__).parent / "legends"
LEGENDS = tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))
"""Names of those that are shipped."""
_Byte = Annotated[int, Field(ge=0, le=255)]


class LegendClass(BaseModel):
    """One class.

    Attributes:
        name: What it is.
        colour: Its sRGB colour in coloured files, and where a map is shown.
        values: Numbers that stand for it in other files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    colour: tuple[_Byte, _Byte, _Byte]
    values: tuple[Annotated[int, Field(ge=0, le=65535)], ...] | None = None


class Legend(BaseModel):
    """Classes, by number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[LegendClass, ...] = Field(min_length=2, max_length=255)

    @model_validator(mode="after")
    def _each_value_once(self) -> Self:
        values: list[Any] = [value for value, _ in self.of_value()]
        colours: list[Any] = [one.colour for one in self.classes]
        for found, what in ((values, "value"), (colours, "colour")):
            if twice := [one for one in found if found.count(one) > 1]:
                raise ValueError(f"classes: expected each {what} to stand for one class, got {twice[0]} twice")
        return self

    def of_value(self) -> list[tuple[int, int]]:
        """Pairs of a file's value and the number of its class."""
        return [
            (value, number)
            for number, one in enumerate(self.classes)
            for value in ((number,) if one.values is None else one.values)
        ]

    def colours(self) -> NDArray[np.uint8]:
        """SRGB of each class, uint8 ``[classes, 3]``."""
        return np.array([one.colour for one in self.classes], np.uint8)

    def painted(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A map uint8 ``[H, W, 2]`` of class and edge as a picture: edges are darker."""
        picture: NDArray[np.uint8] = self.colours()[labels[..., 0]] // (1 + labels[..., 1:])
        return picture


def read_legend(name: str) -> Legend:
    """Read a legend.

    Args:
        name: Of a shipped one, or a YAML file.

    Raises:
        UsageError: there is none, or it is not in order.
    """
    import yaml

    path = _FOLDER / f"{name}.yaml" if name in LEGENDS else Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"legend {name}: expected a YAML file, or one of the shipped: {', '.join(LEGENDS)}")
    try:
        return Legend.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: expected a YAML file of a legend: {error}") from error
    except ValidationError as error:
        lines = (f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise UsageError("\n".join(lines)) from error
