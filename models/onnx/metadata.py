"""What an exported ONNX file says of itself. Needs neither torch nor onnx: a transmitter without them reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import WeightsError
from ..codec import About, Role
from ..config import first_mistake

__all__ = ["FORMAT", "OPSET", "OnnxMetadata"]

FORMAT = 1
"""Version of the metadata and of the inputs and outputs; a file of another one is refused."""
OPSET = 18
"""ONNX operator set of the files, which onnxruntime runs from 1.14 on."""
_PREFIX = "semcom."

A = TypeVar("A", bound=About)
M = TypeVar("M", bound=BaseModel)


class OnnxMetadata(BaseModel):
    """Entries of ``metadata_props``, each named ``semcom.`` and the field; values as JSON.

    Beside these a file has what the codec of its system must know (`codec.About` of the system): `about` reads it.

    Attributes:
        format: Version of these entries and of inputs and outputs.
        system: Which family of networks.
        role: Transmitter or receiver.
        opset: ONNX operator set.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    format: int
    system: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")
    role: Role
    opset: int = OPSET

    @classmethod
    def of(cls, system: str, role: Role, about: About) -> OnnxMetadata:
        """Return the entries of a new file."""
        return cls(format=FORMAT, system=system, role=role, **about.model_dump(mode="json"))

    def about(self, model: type[A], path: Path) -> A:
        """Read what the codec must know.

        Args:
            model: Of it.
            path: The file, for messages.

        Raises:
            WeightsError: it is not in order.
        """
        return _validated(model, self.model_dump(mode="json"), path)

    def to_props(self) -> dict[str, str]:
        """Entries for ``metadata_props``."""
        return {f"{_PREFIX}{name}": json.dumps(value) for name, value in self.model_dump(mode="json").items()}

    @classmethod
    def from_props(cls, props: Mapping[str, str], path: Path) -> OnnxMetadata:
        """Read the entries of a file.

        Args:
            props: Its ``metadata_props``.
            path: The file, for messages.

        Raises:
            WeightsError: it has none of these entries, they are of another format version, or they are not in order.
        """
        ours = {name.removeprefix(_PREFIX): text for name, text in props.items() if name.startswith(_PREFIX)}
        if not ours:
            raise WeightsError(f"{path}: no metadata of gr-semcom in this ONNX file; write one with `semcom export`")
        try:
            values: dict[str, Any] = {name: json.loads(text) for name, text in ours.items()}
        except ValueError:
            raise WeightsError(f"{path}: its metadata is not JSON; write the file again with `semcom export`") from None
        if values.get("format") != FORMAT:
            raise WeightsError(
                f"{path}: expected format version {FORMAT}, got {values.get('format')}; write the file again with "
                "`semcom export` of this gr-semcom"
            )
        return _validated(cls, values, path)


def _validated(model: type[M], values: dict[str, Any], path: Path) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise WeightsError(
            f"{path}: its metadata is not in order: {first_mistake(error)}; write the file again with `semcom export`"
        ) from None
