import pytest
from semcom.blocks.envelope import Header
from semcom.blocks.sc_sic_mode import DOWNSCALES, ScSicMode
from semcom.errors import SignalError


@pytest.mark.parametrize("downscale", [None, *DOWNSCALES])
def test_the_size_survives_the_header_in_two_bits(downscale: float | None) -> None:
    field = ScSicMode.of(0x3FFF, downscale)
    header = Header().with_fields(field)
    assert header.read(ScSicMode).downscale == downscale
    assert field.size < 4
    assert header.bits == 16


@pytest.mark.parametrize("size", [-1, 4])
def test_a_size_that_no_transmitter_writes_is_refused(size: int) -> None:
    with pytest.raises(SignalError) as caught:
        _ = ScSicMode(0, size).downscale
    assert str(caught.value) == (
        f"ScSicMode: expected a size of 0 to 3, got {size}; give the header that came with the frame"
    )
