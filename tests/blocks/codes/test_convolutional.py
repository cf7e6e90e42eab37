"""`codes/convolutional_encode` and `codes/convolutional_decode`."""

import itertools

import numpy as np
import pytest
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.codes._convolutional import ConvolutionalParams
from semcom.blocks.codes.convolutional_decode import ConvolutionalDecode
from semcom.blocks.codes.convolutional_encode import ConvolutionalEncode
from semcom.blocks.envelope import Header, Identity
from semcom.blocks.mappers.qam_demap import QamDemap
from semcom.blocks.mappers.qam_map import QamMap
from semcom.errors import SignalError

BITS = np.random.default_rng(0).integers(0, 2, 40, dtype=np.uint8)


def over_the_air(params: ConvolutionalParams, esn0_db: float, seq: int = 0):
    coded = ConvolutionalEncode(params).work(BITS)
    mapped = QamMap(QamMap.Params(bits_per_symbol=2)).work(coded, Header())
    out = Awgn(Awgn.Params(esn0_db=esn0_db), name="channel", seed=1).work(mapped.value, Identity(seq))
    llrs = QamDemap().work(out.value, Header().with_fields(*mapped.header), out.state)
    return ConvolutionalDecode(params).work(llrs)


@pytest.mark.parametrize(
    ("code_rate", "termination", "crc"),
    [*itertools.product(["1/2", "1/3"], ["zeros", "tail_biting"], ["CRC16", "CRC24A", "CRC6", "none"])],
)
def test_a_header_crosses_a_noisy_channel(code_rate: str, termination: str, crc: str) -> None:
    params = ConvolutionalParams(code_rate=code_rate, termination=termination, crc=crc)
    size = (40 + {"CRC16": 16, "CRC24A": 24, "CRC6": 6, "none": 0}[crc] + 6 * (termination == "zeros")) * int(
        code_rate[-1]
    )
    assert ConvolutionalEncode(params).work(BITS).size == size
    out = over_the_air(params, 6.0)
    np.testing.assert_array_equal(out.value, BITS)
    if crc == "none":
        assert out.state is None
        assert out.trace == {}
    else:
        assert out.state.crc_ok is True
        assert out.trace == {"blocks": 1, "block_errors": 0}


def test_the_check_sum_tells_wrong_words() -> None:
    found = [over_the_air(ConvolutionalParams(), -2.0, seq) for seq in range(60)]
    right = [np.array_equal(out.value, BITS) for out in found]
    assert [out.state.crc_ok for out in found] == right  # a wrong word passes one time in 65536
    assert [out.trace["block_errors"] for out in found] == [0.0 if one else 1.0 for one in right]
    assert 5 < sum(right) < 55


def test_an_empty_word() -> None:
    coded = ConvolutionalEncode().work(BITS[:0])
    out = ConvolutionalDecode().work((2.0 * coded - 1).astype(np.float32))
    assert out.value.size == 0
    assert out.state.crc_ok


def test_bad_input_is_refused() -> None:
    with pytest.raises(SignalError, match="expected bits of 0 and 1, got 2"):
        ConvolutionalEncode().work(np.full(4, 2, np.uint8))
    with pytest.raises(SignalError, match="expected a multiple of 2 LLRs"):
        ConvolutionalDecode().work(np.zeros(41, np.float32))
    with pytest.raises(SignalError, match="expected a word of at least 16 bits, those of its CRC16, got 4"):
        ConvolutionalDecode().work(np.zeros(20, np.float32))
