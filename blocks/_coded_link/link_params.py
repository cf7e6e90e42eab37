"""What coded links know of their channel, and the bytes that its uses carry."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ...errors import UsageError
from ...models.ratio import Ratio
from ...sim.links.capacity import Fading, ergodic_capacity, outage_capacity
from ...sim.links.choose_scheme import choose_scheme
from ...sim.links.mcs import LINK_SCHEMES, parse_scheme, payload_bits_for
from ...sim.side_information.field import Unsent
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.link_scheme import LinkScheme
from ..params import BlockParams, Live

__all__ = ["LinkParams", "budget_of", "link_fields"]


def _scheme(name: str) -> str:
    if name not in ("adapted", "capacity"):
        try:
            parse_scheme(name)
        except UsageError as error:
            raise ValueError(f"expected adapted, capacity or a scheme; {error}") from None
    return name


class LinkParams(BlockParams):
    """Parameters of a budget of channel uses, and of the scheme that fills it."""

    cbr: Live[Ratio] = Field(
        "1/12", description="Complex channel uses, header included, over 3 H W: a number, or a fraction as a text."
    )
    scheme: Live[Annotated[str, AfterValidator(_scheme)]] = Field(
        "adapted", description="adapted, capacity, or modulation and code rate such as 16qam-1/2."
    )
    csit: Literal["mean", "none"] = Field(
        "mean",
        description="What the transmitter knows of the channel: its mean Es/N0, or nothing (scheme must be fixed).",
    )
    esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
    failure_rate: Live[float] = Field(
        0.01,
        gt=0,
        lt=1,
        description="Share of pictures that may be lost: by adapted over AWGN, by capacity over block fading.",
    )
    fading: Fading = Field("none", description="Law of the gain that capacity reckons with; see channels/capacity.")
    coherence: Literal["fast", "block"] = Field("fast", description="Of that fading.")
    k_db: Live[float] = Field(6.0, ge=-40, le=60, description="Its K factor in dB, of rician.")

    @model_validator(mode="after")
    def _knows_enough(self) -> LinkParams:
        if self.csit == "none" and self.scheme in ("adapted", "capacity"):
            raise ValueError(f"csit: none needs a fixed scheme such as qpsk-1/2, got {self.scheme}")
        return self


def budget_of(p: LinkParams, uses: int) -> tuple[LinkScheme, int]:
    """Return the scheme for so many uses, and the bytes that they carry by it.

    Args:
        p: Of the block.
        uses: Complex channel uses of the payload.
    """
    if p.scheme == "capacity":
        if p.coherence == "fast":
            capacity = ergodic_capacity(p.esn0_db, p.fading, p.k_db)
        else:
            capacity = outage_capacity(p.esn0_db, p.fading, p.failure_rate, p.k_db)
        return LinkScheme(0, 0), math.floor(uses * capacity / 8)
    if p.scheme == "adapted":
        chosen = choose_scheme(p.esn0_db, uses, p.failure_rate)
        if chosen is None:
            robust = sorted(LINK_SCHEMES, key=lambda scheme: scheme.bits_per_use)
            chosen = next((scheme for scheme in robust if payload_bits_for(scheme, uses)), robust[-1])
    else:
        chosen = parse_scheme(p.scheme)
    return LinkScheme(chosen.bits_per_symbol, chosen.code_rate_x1024), payload_bits_for(chosen, uses) // 8


def link_fields(p: LinkParams, scheme: LinkScheme, uses: int) -> tuple[LinkScheme, Unsent]:
    """Return the header of a frame by this scheme, and what both ends know: a scheme that is fixed, too.

    Args:
        p: Of the block.
        scheme: By `budget_of`.
        uses: Complex channel uses of the payload.
    """
    fixed = LinkScheme(0, 0) if p.scheme == "adapted" else scheme
    return scheme, Unsent(LinkAgreement(uses, fixed.bits_per_symbol, fixed.code_rate_x1024))
