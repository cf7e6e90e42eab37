"""How each network samples where nothing else is said, and for which channels it was trained. Needs no torch."""

from __future__ import annotations

from typing import NamedTuple, get_args

from .names import Own

__all__ = ["TRAINED_ESN0_DB", "SamplingDefaults", "sampling_defaults"]

TRAINED_ESN0_DB = (1.0, 20.0)
"""Es/N0 in dB that stage B met in training, least and most: the range of Khalid et al., which all recipes keep."""


class SamplingDefaults(NamedTuple):
    """Of `sampler.sample`.

    Attributes:
        eta: 1 for DDPM, 0 for DDIM.
        temperature: Standard deviation of all noise.
        guidance: 1 for none.
    """

    eta: float
    temperature: float
    guidance: float


_FULL_SIZE = SamplingDefaults(eta=1.0, temperature=1.0, guidance=1.1)  # as D-SIC samples
_MINI = SamplingDefaults(eta=0.0, temperature=0.5, guidance=1.0)
_BY_VARIANT = dict.fromkeys(get_args(Own), _MINI)


def sampling_defaults(variant: str) -> SamplingDefaults:
    """Return how a variant samples; any that is not listed samples as the full-size ones do."""
    return _BY_VARIANT.get(variant, _FULL_SIZE)
