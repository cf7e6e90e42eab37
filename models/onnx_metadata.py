"""What an exported ONNX file says of itself. Needs neither torch nor onnx: a transmitter without them reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import WeightsError
from .cdm_jscc import names as cdm_jscc
from .deepjscc import names as deepjscc
from .sc_sic import names as sc_sic

__all__ = ["FORMAT", "OPSET", "PORTS", "OnnxMetadata", "Ports", "Role", "System"]

System = Literal["deepjscc", "cdm-jscc", "sc-sic"]
Role = Literal["encoder", "decoder"]

FORMAT = 1
"""Version of the metadata and of the inputs and outputs; a file of another one is refused."""
OPSET = 18
"""ONNX operator set of the files, which onnxruntime runs from 1.14 on."""
_PREFIX = "semcom."
_NUMBERS: dict[System, Mapping[Any, int]] = {
    "deepjscc": deepjscc.NUMBERS,
    "cdm-jscc": cdm_jscc.NUMBERS,
    "sc-sic": sc_sic.NUMBERS,
}


class Ports(NamedTuple):
    """Inputs and outputs of a file: name, to element type as onnxruntime writes it and number of axes."""

    inputs: dict[str, tuple[str, int]]
    outputs: dict[str, tuple[str, int]]


PORTS: dict[tuple[System, Role], Ports] = {
    ("deepjscc", "encoder"): Ports(
        {"image": ("tensor(uint8)", 3), "rate": ("tensor(int64)", 1), "esn0_db": ("tensor(float)", 1)},
        {"features": ("tensor(float)", 2)},
    ),
    ("deepjscc", "decoder"): Ports(
        {
            "features": ("tensor(float)", 3),
            "n0": ("tensor(float)", 3),
            "rate": ("tensor(int64)", 1),
            "esn0_db": ("tensor(float)", 1),
        },
        {"picture": ("tensor(float)", 3)},
    ),
    ("cdm-jscc", "encoder"): Ports(
        {
            "image": ("tensor(uint8)", 3),
            "levels": ("tensor(int64)", 2),
            "eta_index": ("tensor(int64)", 1),
            "esn0_db": ("tensor(float)", 1),
        },
        {"patch_bits": ("tensor(float)", 2), "features": ("tensor(float)", 2)},
    ),
    ("cdm-jscc", "decoder"): Ports(
        {
            "features": ("tensor(float)", 3),
            "n0": ("tensor(float)", 3),
            "levels": ("tensor(int64)", 2),
            "eta_index": ("tensor(int64)", 1),
            "esn0_db": ("tensor(float)", 1),
            "noise": ("tensor(float)", 3),
            "time": ("tensor(float)", 1),
            "clean_share": ("tensor(float)", 1),
            "noisy_share": ("tensor(float)", 1),
            "guidance": ("tensor(float)", 1),
        },
        {"picture": ("tensor(float)", 3)},
    ),
    ("sc-sic", "encoder"): Ports({"image": ("tensor(uint8)", 3)}, {"embedding": ("tensor(float)", 3)}),
}
"""What the file of each system and role takes and gives."""


class OnnxMetadata(BaseModel):
    """Entries of ``metadata_props``, each named ``semcom.`` and the field; values as JSON.

    Attributes:
        format: Version of these entries and of inputs and outputs.
        system: Which family of networks.
        role: Transmitter or receiver.
        variant: Which set of weights of the system.
        patch: Sides of pictures are multiples of this many pixels; the blocks pad and crop (SC-SIC: refuse others).
        rates: DeepJSCC: real features of one patch by rate, in the order of the input ``rate``.
        levels: CDM-JSCC: real features of one patch by level.
        etas: CDM-JSCC: values of eta, in the order of the input ``eta_index``.
        tag: CDM-JSCC and SC-SIC: by which a receiver knows the transmitter's weights.
        weights_sha256: SHA-256 of the safetensors file that was exported.
        opset: ONNX operator set.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    system: System
    role: Role
    variant: str = Field(min_length=1)
    patch: int = Field(ge=1, le=1024)
    rates: dict[str, int] = {}
    levels: tuple[int, ...] = ()
    etas: tuple[float, ...] = ()
    tag: int = Field(default=0, ge=0, le=0xFFFF)
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    opset: int = OPSET

    @model_validator(mode="after")
    def _rates_of_deepjscc(self) -> Self:
        if self.system == "deepjscc" and not (self.rates and all(count > 0 for count in self.rates.values())):
            raise ValueError("rates: expected features of a patch for one rate at least")
        return self

    @model_validator(mode="after")
    def _variant_that_there_is(self) -> Self:
        if self.variant not in self.numbers:
            raise ValueError(f"variant: expected one of {', '.join(self.numbers)}, got {self.variant!r}")
        return self

    @model_validator(mode="after")
    def _files_that_there_are(self) -> Self:
        if (self.system, self.role) not in PORTS:
            raise ValueError(f"role: expected encoder, the only file of {self.system}, got {self.role}")
        return self

    @property
    def numbers(self) -> Mapping[str, int]:
        """The numbers that stand for the variants of its system in a header."""
        return _NUMBERS[self.system]

    @property
    def shared_weights(self) -> int:
        """16 bits of a check sum of those weights that encoder and decoder share."""
        return int(self.weights_sha256[:4], 16) if self.system == "deepjscc" else self.tag

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
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "all of it"
            raise WeightsError(
                f"{path}: its metadata is not in order: {where}: {first['msg']}; write the file again with "
                "`semcom export`"
            ) from None
