import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.sim.codes.crc import attach_crc, check_crc, crc, crc_length

KINDS = {  # the exponents of the generators as TS 38.212 section 5.1 lists them
    "24A": (24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0),
    "24B": (24, 23, 6, 5, 1, 0),
    "24C": (24, 23, 21, 20, 17, 15, 13, 12, 8, 4, 2, 1, 0),
    "16": (16, 12, 5, 0),
    "11": (11, 10, 9, 5, 0),
    "6": (6, 5, 0),
}


def number(bits: np.ndarray) -> int:
    return int("0" + "".join(map(str, bits)), 2)


def by_long_division(bits: np.ndarray, exponents: tuple[int, ...]) -> int:
    length, generator = exponents[0], sum(1 << e for e in exponents)
    dividend = number(bits) << length
    for shift in range(dividend.bit_length() - length - 1, -1, -1):
        if dividend >> (shift + length) & 1:
            dividend ^= generator << shift
    return dividend


@pytest.mark.parametrize(
    ("kind", "check"),
    [("24A", 0xCDE703), ("24B", 0x23EF52), ("16", 0x31C3)],  # CRC-24/LTE-A, CRC-24/LTE-B, CRC-16/XMODEM
)
def test_check_values_of_the_catalogue(kind: str, check: int) -> None:
    bits = np.unpackbits(np.frombuffer(b"123456789", np.uint8))
    assert number(crc(bits, kind)) == check


@pytest.mark.parametrize("kind", KINDS)
def test_remainders_are_those_of_long_division(kind: str) -> None:
    rng = np.random.default_rng(0)
    for size in (0, 1, 40, 4095, 4096, 4097, 9000):  # longer words than 4096 bits are taken in segments
        words = rng.integers(0, 2, (3, size), dtype=np.uint8)
        found = crc(words, kind)
        assert found.shape == (3, crc_length(kind))
        assert [number(one) for one in found] == [by_long_division(word, KINDS[kind]) for word in words]


@pytest.mark.parametrize("kind", KINDS)
def test_parity_bits_are_those_of_sionna(kind: str) -> None:
    from sionna.phy.fec.crc import CRCEncoder

    bits = np.random.default_rng(1).integers(0, 2, (2, 100), dtype=np.uint8)
    theirs = CRCEncoder(f"CRC{kind}")(torch.from_numpy(bits.astype(np.float32))).numpy()
    np.testing.assert_array_equal(attach_crc(bits, kind), theirs)


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=50), st.sampled_from(sorted(KINDS)), st.data())
def test_a_burst_no_longer_than_the_check_is_found(data: bytes, kind: str, draw: st.DataObject) -> None:
    word = attach_crc(np.unpackbits(np.frombuffer(data, np.uint8)), kind)
    assert check_crc(word, kind)
    length = draw.draw(st.integers(1, crc_length(kind)))
    start = draw.draw(st.integers(0, word.size - length))
    word[start] ^= 1  # a burst begins and ends with an error
    if length > 1:
        word[start + length - 1] ^= 1
    assert not check_crc(word, kind)


def test_many_words_at_once() -> None:
    words = attach_crc(np.random.default_rng(2).integers(0, 2, (2, 3, 20), dtype=np.uint8), "16")
    words[1, 2, 4] ^= 1
    np.testing.assert_array_equal(check_crc(words, "16"), [[True, True, True], [True, True, False]])
    assert not check_crc(np.zeros(15, np.uint8), "16")


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(SignalError, match="crc: expected one of 24A, 24B, 24C, 16, 11, 6, got '32'"):
        crc(np.zeros(8, np.uint8), "32")
    with pytest.raises(SignalError, match="crc: expected bits of 0 and 1, got 255"):
        crc(np.full(8, 255, np.uint8), "16")
    with pytest.raises(SignalError, match=r"crc: expected bits \[..., n\]"):
        crc(np.array(1, np.uint8), "16")
