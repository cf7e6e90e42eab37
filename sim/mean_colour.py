"""The colour of a picture of which nothing is known."""

from __future__ import annotations

__all__ = ["MEAN_COLOUR"]

MEAN_COLOUR = (124, 117, 107)
"""Mean sRGB value of 806 photographs, each counting alike: 124.4, 116.9, 107.3 over the training pictures of CLIC 2025
(26), CID22 (180), BSDS500 (300) and a set of clothing photographs (300); none is a test picture."""
