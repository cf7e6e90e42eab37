"""Which field of a frame's header tells its modulation and code rate."""

from __future__ import annotations

from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ..envelope import Header

__all__ = ["told_scheme"]


def told_scheme(header: Header) -> LinkScheme | MatchedScheme | None:
    """Return the field that tells the scheme: LinkScheme, or MatchedScheme in its place; None where there is neither.

    Raises:
        SignalError: what came is no such field, or not all is known that it is read by.
    """
    if "MatchedScheme" in header:
        return header.read(MatchedScheme)
    return header.read(LinkScheme) if "LinkScheme" in header else None
