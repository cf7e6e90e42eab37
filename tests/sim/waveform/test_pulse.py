"""The pulse, against another package and the theorem of Nyquist."""

from __future__ import annotations

import numpy as np
import pytest
from commpy.filters import rrcosfilter
from semcom.errors import SignalError
from semcom.sim.waveform.pulse import root_raised_cosine


@pytest.mark.parametrize(("rate", "rolloff"), [(4, 0.25), (4, 0.35), (2, 0.5), (8, 1.0), (3, 0.22)])
def test_the_taps_are_those_of_commpy(rate: int, rolloff: float) -> None:
    theirs = rrcosfilter(2 * 10 * rate, rolloff, 1.0, rate)[1]  # an odd number would shift it by half a sample
    ours = root_raised_cosine(rate, rolloff, 10)
    np.testing.assert_allclose(ours[:-1] / ours[10 * rate], theirs / theirs[10 * rate], atol=1e-9)
    assert np.sum(ours**2) == pytest.approx(1)


def test_behind_its_matched_filter_other_symbols_are_zeros() -> None:
    """What is left is what lies beyond the cut: 4 beta / (pi (4 beta t)^2) at the most, of a peak of some 1."""
    pulse = root_raised_cosine(4, 0.25, 12)
    through = np.convolve(pulse, pulse)[::4]
    through[through.size // 2] -= 1
    assert np.abs(through).max() < 4 * 0.25 / (np.pi * (4 * 0.25 * 12) ** 2)


@pytest.mark.parametrize("wrong", [(0, 0.25, 8), (4, 0.0, 8), (4, 1.5, 8), (4, 0.25, 0)])
def test_what_is_no_pulse(wrong: tuple[int, float, int]) -> None:
    with pytest.raises(SignalError, match="root raised cosine: expected at least 1 sample a symbol"):
        root_raised_cosine(*wrong)
