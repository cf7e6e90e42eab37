import numpy as np
import pytest
from semcom.blocks.envelope import Header
from semcom.blocks.rate_map import CdmMode, RateMap
from semcom.errors import SignalError
from semcom.models.cdm_jscc.rate_map import BITS_PER_PATCH, ETAS, LEVELS, PATCH


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 1), (33, 70), (512, 768)])
def test_a_map_comes_back_from_the_header(height: int, width: int) -> None:
    shape = -(-height // PATCH), -(-width // PATCH)
    levels = np.random.default_rng(0).integers(0, len(LEVELS), shape).astype(np.uint8)
    sent = Header().with_fields(RateMap.of(levels))
    assert sent.bits == BITS_PER_PATCH * levels.size
    assert len(sent.read(RateMap).packed) == -(-levels.size // 2)
    np.testing.assert_array_equal(sent.read(RateMap).levels(height, width), levels)


@pytest.mark.parametrize(
    ("esn0_db", "expected"), [(0, 0.00521), (5, 0.00253), (10, 0.00151), (15, 0.00104), (20, 0.00078)]
)
def test_a_map_costs_what_papers_say(esn0_db: float, expected: float) -> None:
    """log2(16) / (16 * 16 * 3) / log2(1 + SNR)."""
    levels = np.zeros((32, 32), np.uint8)
    header = Header().with_fields(RateMap.of(levels, known_esn0_db=esn0_db))
    assert header.uses / (3 * 512 * 512) == pytest.approx(expected, abs=6e-6)


def test_where_nothing_is_known_or_capacity_is_low_the_map_is_charged_like_the_rest() -> None:
    levels = np.zeros((2, 2), np.uint8)
    assert Header().with_fields(RateMap.of(levels)).uses == 32
    assert Header().with_fields(RateMap.of(levels, known_esn0_db=-10)).uses == 32  # capacity: 0.14 bit a use
    assert Header().with_fields(RateMap.of(levels, told="given", known_esn0_db=10)).charges == (
        (0, pytest.approx(3.459432)),
    )


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (RateMap(4, b"ab"), "expected 6 patches of 20 x 40 pixels, got 4 in 2 bytes; the header is of another picture"),
        (RateMap(6, b"ab"), "expected 6 patches of 20 x 40 pixels, got 6 in 2 bytes"),
    ],
)
def test_a_map_of_another_picture(made: RateMap, expected: str) -> None:
    with pytest.raises(SignalError, match=expected):
        made.levels(20, 40)


def test_the_mode_has_room_for_what_it_says() -> None:
    assert CdmMode(0xFFFF, len(ETAS) - 1, 20).bits() == 16 + (len(ETAS) - 1).bit_length() + (20).bit_length()
