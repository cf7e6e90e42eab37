"""What coded links know of their channel, and the bytes that its uses carry."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ...errors import UsageError
from ...models.ratio import Ratio
from ...sim.links.capacity import Fading, ergodic_capacity, outage_capacity
from ...sim.links.choose_scheme import choose_scheme, match_scheme, shape_scheme
from ...sim.links.fading_outage import FadingLaw
from ...sim.links.frame import plan_frame
from ...sim.links.mcs import LINK_SCHEMES, MATCHED_SCHEMES, Scheme, parse_scheme, payload_bits_for
from ...sim.links.shaped_qam import SHAPED_SCHEMES
from ...sim.side_information.field import Unsent
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.shaped_scheme import ShapedScheme
from ..params import BlockParams, Live
from .told_scheme import ToldScheme

__all__ = ["LinkParams", "budget_of", "link_fields", "scheme_bits"]


ADAPTIVE = ("adapted", "matched", "shaped", "capacity")


def _scheme(name: str) -> str:
    if name not in ADAPTIVE:
        try:
            parse_scheme(name)
        except UsageError as error:
            raise ValueError(f"expected {', '.join(ADAPTIVE)} or a scheme; {error}") from None
    return name


class LinkParams(BlockParams):
    """Parameters of a budget of channel uses, and of the scheme that fills it."""

    cbr: Live[Ratio] = Field(
        "1/12", description="Complex channel uses, header included, over 3 H W: a number, or a fraction as a text."
    )
    scheme: Live[Annotated[str, AfterValidator(_scheme)]] = Field(
        "adapted",
        description="adapted (31 schemes of 5G), matched (code rates in steps of 1 %), shaped (points that are sent "
        "unequally often, too), capacity, or modulation and code rate such as 16qam-1/2.",
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
        description="Share of pictures that may be lost: by adapted, matched and shaped, and by capacity over block "
        "fading.",
    )
    fading: Fading = Field(
        "none", description="Law of the gain that a transmitter reckons with which chooses its scheme."
    )
    coherence: Literal["fast", "block"] | Annotated[int, Field(strict=True, ge=1, le=10**9)] = Field(
        "fast",
        description="Of that fading: fast, a gain a frame, or how many symbols have one gain; a frame's symbols are "
        "then to be spread over all of it (mappers/interleave_symbols).",
    )
    k_db: Live[float] = Field(6.0, ge=-40, le=60, description="Its K factor in dB, of rician.")

    @model_validator(mode="after")
    def _knows_enough(self) -> LinkParams:
        if self.csit == "none" and self.scheme in ADAPTIVE:
            raise ValueError(f"csit: none needs a fixed scheme such as qpsk-1/2, got {self.scheme}")
        if self.scheme == "capacity" and self.coherence not in ("fast", "block"):
            raise ValueError(f"coherence: expected fast or block with scheme: capacity, got {self.coherence}")
        return self

    def fading_law(self) -> FadingLaw:
        """What the transmitter knows of the fading."""
        if isinstance(self.coherence, int):
            return FadingLaw(self.fading, self.k_db, self.coherence)
        return FadingLaw(self.fading, self.k_db, 0 if self.coherence == "fast" else 2**62)


def scheme_bits(p: LinkParams) -> int:
    """Return the bits of the header that tell the scheme."""
    told: ToldScheme = LinkScheme(0, 0)
    if p.scheme in ("matched", "shaped"):
        told = MatchedScheme(0) if p.scheme == "matched" else ShapedScheme(0)
    return told.bits()


def budget_of(p: LinkParams, uses: int) -> tuple[ToldScheme, int]:
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
    law = p.fading_law()
    if p.scheme == "shaped":
        shaped = shape_scheme(p.esn0_db, uses, p.failure_rate, law) or _most_robust(MATCHED_SCHEMES, uses)
        plan = plan_frame(shaped, uses)
        return ShapedScheme(SHAPED_SCHEMES.index(shaped)), plan.payload_bits // 8 if plan else 0
    if p.scheme == "matched":
        matched = match_scheme(p.esn0_db, uses, p.failure_rate, law) or _most_robust(MATCHED_SCHEMES, uses)
        return MatchedScheme(MATCHED_SCHEMES.index(matched)), payload_bits_for(matched, uses) // 8
    if p.scheme == "adapted":
        chosen = choose_scheme(p.esn0_db, uses, p.failure_rate, law) or _most_robust(LINK_SCHEMES, uses)
    else:
        chosen = parse_scheme(p.scheme)
    return LinkScheme(chosen.bits_per_symbol, chosen.code_rate_x1024), payload_bits_for(chosen, uses) // 8


def _most_robust(schemes: tuple[Scheme, ...], uses: int) -> Scheme:
    """Return the scheme of fewest bits per use among those that carry a byte."""
    robust = sorted(schemes, key=lambda scheme: scheme.bits_per_use)
    return next((scheme for scheme in robust if payload_bits_for(scheme, uses)), robust[-1])


def link_fields(p: LinkParams, scheme: ToldScheme, uses: int) -> tuple[ToldScheme, Unsent]:
    """Return the header of a frame by this scheme, and what both ends know: a scheme that is fixed, too.

    Args:
        p: Of the block.
        scheme: By `budget_of`.
        uses: Complex channel uses of the payload.
    """
    if not isinstance(scheme, LinkScheme) or p.scheme == "adapted":
        return scheme, Unsent(LinkAgreement(uses))
    return scheme, Unsent(LinkAgreement(uses, scheme.bits_per_symbol, scheme.code_rate_x1024))
