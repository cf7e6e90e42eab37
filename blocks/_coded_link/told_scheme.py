"""Which field of a frame's header tells its modulation and code rate."""

from __future__ import annotations

from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.shaped_scheme import ShapedScheme
from ..envelope import Header

__all__ = ["ToldScheme", "told_scheme"]

ToldScheme = LinkScheme | MatchedScheme | ShapedScheme


def told_scheme(header: Header) -> ToldScheme | None:
    """Return the field that tells the scheme: LinkScheme, or one in its place; None where there is none.

    Raises:
        SignalError: what came is no such field, or not all is known that it is read by.
    """
    if "ShapedScheme" in header:
        return header.read(ShapedScheme)
    if "MatchedScheme" in header:
        return header.read(MatchedScheme)
    return header.read(LinkScheme) if "LinkScheme" in header else None
