"""Parameters of both ends of a convolutional code."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from ...sim.codes.convolutional import RATE_1_2, RATE_1_3, Termination
from ...sim.codes.crc import CrcKind
from ..params import BlockParams

__all__ = ["ConvolutionalParams"]


class ConvolutionalParams(BlockParams):
    """Parameters that both ends agree on."""

    code_rate: Literal["1/2", "1/3"] = Field("1/2", description="Generators 133, 171, and 165 at rate 1/3 (octal).")
    termination: Termination = Field(
        "zeros", description="zeros: six zeros end the word; tail_biting: it begins in the state in which it ends."
    )
    crc: Literal["CRC24A", "CRC24B", "CRC24C", "CRC16", "CRC11", "CRC6", "none"] = Field(
        "CRC16", description="Check sum of TS 38.212 behind the word, or none."
    )

    @property
    def generators(self) -> tuple[int, ...]:
        """Of the code."""
        return RATE_1_2 if self.code_rate == "1/2" else RATE_1_3

    @property
    def crc_kind(self) -> CrcKind | None:
        """Of the check sum, if there is one."""
        return None if self.crc == "none" else cast(CrcKind, self.crc.removeprefix("CRC"))
