import pytest
from semcom.errors import SignalError
from semcom.sim.bandwidth import Bandwidth, capacity_bits_per_use, dimension_ratio, robust_uses


def test_cbr_counts_payload_side_information_and_pilots() -> None:
    band = Bandwidth(512, 768, payload_uses=98304, side_bits=17, pilot_uses=100)
    assert band.source_values == 3 * 512 * 768
    assert band.side_uses == 34
    assert band.uses == 98304 + 34 + 100
    assert band.cbr == band.uses / band.source_values
    assert str(band).startswith("CBR 0.0834 = 98438 / 1179648 (98304 payload + 34 for 17 bits")


def test_side_information_takes_two_uses_a_bit() -> None:
    assert robust_uses(45) == 90
    assert Bandwidth(8, 8, payload_uses=1, side_bits=45).side_uses == 90
    assert Bandwidth(8, 8, payload_uses=1).side_uses == robust_uses(0) == 0


@pytest.mark.parametrize(
    ("esn0_db", "expected"), [(0, 0.00521), (5, 0.00253), (10, 0.00151), (15, 0.00104), (20, 0.00078)]
)
def test_side_information_at_capacity_as_published(esn0_db: float, expected: float) -> None:
    """A 16-level map of one value per 16 x 16 pixels, charged at capacity: what NTSCC adds to its CBR."""
    band = Bandwidth(256, 256, payload_uses=0, side_bits=4 * 256)
    assert band.cbr_at_capacity(esn0_db) == pytest.approx(expected, abs=6e-6)


def test_a_waveform_charges_what_it_sent() -> None:
    band = Bandwidth(256, 256, payload_uses=16384, side_bits=79, pilot_uses=540, header_uses=488)
    assert band.uses == 16384 + 540 + 488
    assert str(band) == (
        "CBR 0.0886 = 17412 / 196608 (16384 payload + 488 for 79 bits of side information as the waveform sent them + "
        "540 pilots)"
    )


def test_capacity() -> None:
    assert capacity_bits_per_use(0) == 1
    assert capacity_bits_per_use(10) == pytest.approx(3.459432)


def test_dimension_ratio_is_not_cbr() -> None:
    assert dimension_ratio(1024, 1024, 9216) == pytest.approx(341.33, abs=0.01)  # SC-SIC: CR 341 with 4608 symbols
    assert 1 / Bandwidth(1024, 1024, payload_uses=4608).cbr == pytest.approx(682.67, abs=0.01)


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(SignalError, match="expected a picture of at least 1 x 1, got 0 x 4"):
        Bandwidth(0, 4, payload_uses=1)
    with pytest.raises(SignalError, match="expected counts of at least 0, got -1 payload uses"):
        Bandwidth(4, 4, payload_uses=-1)
    with pytest.raises(SignalError, match="got 1 payload uses, -1 side bits, 0 pilots"):
        Bandwidth(4, 4, payload_uses=1, side_bits=-1)
    with pytest.raises(SignalError, match="0 side bits, 0 pilots, -2 header uses"):
        Bandwidth(4, 4, payload_uses=1, header_uses=-2)
    with pytest.raises(SignalError, match="expected at least 1 value sent, got 0"):
        dimension_ratio(4, 4, 0)
