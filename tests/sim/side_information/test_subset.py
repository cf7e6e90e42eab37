"""Numbers of choices, against all of them written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.side_information.subset import rank, unrank
from semcom.sim.side_information.swin_mode import SwinMode


@pytest.mark.parametrize(("of", "count"), [(6, 3), (5, 5), (4, 0), (7, 1)])
def test_every_choice_has_a_number_of_its_own_in_the_order_of_their_last(of: int, count: int) -> None:
    choices = sorted(itertools.combinations(range(of), count), key=lambda chosen: chosen[::-1])
    assert [rank(chosen) for chosen in choices] == list(range(math.comb(of, count)))
    assert [unrank(number, count, of) for number in range(len(choices))] == choices


@pytest.mark.parametrize(("count", "bits"), [(32, 147), (64, 227), (96, 278), (128, 307), (192, 307)])
def test_what_the_published_networks_must_tell(count: int, bits: int) -> None:
    """Of 320 channels; less than a bit for each."""
    chosen = tuple(sorted(np.random.default_rng(count).choice(320, count, replace=False).tolist()))
    assert bits == math.ceil(
        math.lgamma(321) / math.log(2) - (math.lgamma(count + 1) + math.lgamma(321 - count)) / math.log(2)
    )
    assert SwinMode(0, 0, (320, chosen)).bits() == 9 + 18 + bits
    assert SwinMode(0, 0, None).bits() == 9


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ("1 000000000 000000000", "expected at most as many as there are, got 0 of 0"),
        ("1 000000010 000000011", "expected at most as many as there are, got 3 of 2"),
        ("1 000000011 000000001 11", "expected a choice of 1 of 3, got a number that stands for none"),
    ],
)
def test_bits_that_no_transmitter_writes(bits: str, message: str) -> None:
    array = np.array([int(bit) for bit in f"000 00000 {bits}".replace(" ", "")], np.uint8)
    with pytest.raises(SignalError, match=f"SwinMode.channels: {message}"):
        SwinMode.unpack(array)
