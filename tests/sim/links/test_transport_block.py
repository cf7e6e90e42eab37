"""Whole transport blocks: bit for bit against Sionna, there and back for any lengths, and what does not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.sim.links.transport_block import (
    coded_bits_for,
    decode_transport_block,
    encode_transport_block,
    plan_transport_block,
)


def random_bits(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 2, shape, dtype=np.uint8)


def certain(bits: np.ndarray) -> np.ndarray:
    return np.float32(bits) * 16 - 8


@pytest.mark.parametrize(
    ("target", "coded_bits", "bits_per_symbol", "code_rate"),
    [
        (200, 600, 2, 0.4),  # one block, CRC16
        (5000, 10008, 4, 0.5),  # one block, CRC24A
        (20000, 30000, 6, 0.66),  # three blocks, equally long
        (30000, 150010, 2, 0.2),  # eight of base graph 2, of two lengths
    ],
)
def test_equals_sionna(target: int, coded_bits: int, bits_per_symbol: int, code_rate: float) -> None:
    torch = pytest.importorskip("torch")
    nr = pytest.importorskip("sionna.phy.nr")
    size = nr.utils.calculate_tb_size(
        target_tb_size=target, num_coded_bits=coded_bits, target_coderate=code_rate, modulation_order=bits_per_symbol
    )[0]
    peer = nr.TBEncoder(int(size), coded_bits, code_rate, bits_per_symbol, use_scrambler=False)
    plan = plan_transport_block(peer.k, coded_bits, bits_per_symbol, code_rate=code_rate)
    assert plan.blocks == peer.num_cbs
    assert plan.padding_bits == 0
    payload = random_bits(2, peer.k)
    coded = encode_transport_block(plan, payload)
    np.testing.assert_array_equal(coded, peer(torch.tensor(payload, dtype=torch.float32)).numpy())
    found = decode_transport_block(plan, certain(coded))
    np.testing.assert_array_equal(found.payload, payload)
    assert found.crc_ok.all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12_000), st.floats(0.05, 0.95), st.sampled_from([1, 2, 4, 6, 8, 10]), st.integers(0, 40))
def test_any_payload_comes_back_at_any_rate(payload_bits: int, rate: float, bits_per_symbol: int, more: int) -> None:
    coded_bits = coded_bits_for(payload_bits, rate, bits_per_symbol) + more * bits_per_symbol
    plan = plan_transport_block(payload_bits, coded_bits, bits_per_symbol)
    assert sum(plan.sent_bits) == coded_bits
    assert max(plan.sent_bits) - min(plan.sent_bits) in (0, bits_per_symbol)
    assert plan.blocks * plan.block_bits >= payload_bits + plan.padding_bits
    payload = random_bits(payload_bits)
    coded = encode_transport_block(plan, payload)
    found = decode_transport_block(plan, certain(coded))
    assert found.crc_ok
    assert found.block_ok.all()
    np.testing.assert_array_equal(found.payload, payload)


def test_the_code_rate_counts_check_sums() -> None:
    assert coded_bits_for(1000, 0.5, 4) == 2 * 1016
    plan = plan_transport_block(16_000, coded_bits_for(16_000, 0.5, 2), 2)
    assert (plan.blocks, plan.crc) == (2, "24A")
    assert plan.code_rate == pytest.approx((16_000 + 24 + 48) / plan.coded_bits)
    assert plan.code_rate <= 0.5


def test_every_order_of_frames_is_the_same() -> None:
    plan = plan_transport_block(500, 1000, 2)
    payload = random_bits(2, 3, 500)
    coded = encode_transport_block(plan, payload)
    assert coded.shape == (2, 3, 1000)
    np.testing.assert_array_equal(coded[1, 2], encode_transport_block(plan, payload[1, 2]))
    found = decode_transport_block(plan, certain(coded))
    assert found.payload.shape == (2, 3, 500)
    assert found.block_ok.shape == found.iterations.shape == (2, 3, 1)
    assert found.crc_ok.shape == (2, 3)


def test_a_broken_block_is_found_and_the_others_are_kept() -> None:
    plan = plan_transport_block(20_000, 40_000, 4)
    payload = random_bits(20_000)
    llrs = certain(encode_transport_block(plan, payload))
    llrs[plan.sent_bits[0] : plan.sent_bits[0] * 2] = np.random.default_rng(0).standard_normal(plan.sent_bits[1])
    found = decode_transport_block(plan, llrs)
    assert found.block_ok.tolist() == [True, False, True]
    assert not found.crc_ok
    own = plan.block_bits - 24
    np.testing.assert_array_equal(found.payload[:own], payload[:own])
    np.testing.assert_array_equal(found.payload[2 * own :], payload[2 * own :])


@pytest.mark.parametrize("value", [0.0, 1e-30])
def test_a_frame_of_erasures_fails(value: float) -> None:
    """All zeros are a codeword with right check sums; nothing received is no evidence for it."""
    plan = plan_transport_block(20_000, 40_000, 4)
    found = decode_transport_block(plan, np.full(40_000, value, np.float32))
    assert not found.crc_ok
    assert not found.block_ok.any()


def test_random_values_do_not_pass() -> None:
    plan = plan_transport_block(500, 1000, 2)
    found = decode_transport_block(plan, np.random.default_rng(5).standard_normal((50, 1000)).astype(np.float32))
    assert not found.crc_ok.any()


def test_threads_change_nothing() -> None:
    plan = plan_transport_block(30_000, 60_000, 4)
    bits = encode_transport_block(plan, random_bits(2, 30_000))
    llrs = 2 * certain(bits) / 8 + np.random.default_rng(0).standard_normal(bits.shape).astype(np.float32) * 2.1
    one, other = (decode_transport_block(plan, llrs, threads=threads) for threads in (1, 4))
    assert one.block_ok.size > one.block_ok.sum() or one.iterations.max() > 3  # not an easy frame
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1000, 999, 2), "expected coded bits in whole symbols of 2 bits, got 999"),
        ((1000, 0, 2), "expected coded bits in whole symbols of 2 bits, got 0"),
        ((1000, 1000, 0), "expected coded bits in whole symbols of 0 bits, got 1000"),
        ((1000, 1066, 2), "expected a code rate of at most 0.95, got 1000 payload bits in 1066 coded bits, 1016 of 10"),
        ((100, 128, 2), "expected a code rate of at most 0.9, got 100 payload bits in 128 coded bits, 116 of 128 in a"),
        ((10**12, 1000, 2), "expected a code rate of at most 0.95, got 1000000000000 payload bits"),
        ((-1, 1000, 2), "expected a number of payload bits, got -1"),
    ],
)
def test_what_does_not_fit_is_said(numbers: tuple[int, int, int], message: str) -> None:
    with pytest.raises(SignalError, match=message):
        plan_transport_block(*numbers)


def test_wrong_counts_and_values_are_said() -> None:
    plan = plan_transport_block(500, 1000, 2)
    with pytest.raises(SignalError, match=r"expected 500 payload bits, got \[499\]"):
        encode_transport_block(plan, np.zeros(499, np.uint8))
    with pytest.raises(SignalError, match="expected bits of 0 and 1, got 2"):
        encode_transport_block(plan, np.full(500, 2, np.uint8))
    with pytest.raises(SignalError, match=r"expected 1000 LLRs, got \[1001\]"):
        decode_transport_block(plan, np.zeros(1001, np.float32))
    with pytest.raises(SignalError, match="expected LLRs, got values that are not a number"):
        decode_transport_block(plan, np.full(1000, np.nan, np.float32))
