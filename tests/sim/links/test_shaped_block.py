import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import half_distance, modulate
from semcom.sim.links.shaped_block import decode_shaped_block, encode_shaped_block, plan_shaped_block
from semcom.sim.links.shaped_qam import ShapedQam
from semcom.sim.links.transport_block import decode_transport_block

SCHEMES = pytest.mark.parametrize(
    "scheme", [ShapedQam(6, 1.2), ShapedQam(6, 3.0), ShapedQam(8, 5.2), ShapedQam(10, 7.0)], ids=str
)
RNG = np.random.default_rng(3)


def sent(scheme: ShapedQam, uses: int):
    plan = plan_shaped_block(scheme, uses)
    assert plan
    payload = RNG.integers(0, 2, plan.payload_bits, dtype=np.uint8)
    return plan, payload, encode_shaped_block(plan, payload)


@SCHEMES
@pytest.mark.parametrize("uses", [300, 1791, 5000, 20_011])
def test_a_frame_comes_back_and_its_symbols_have_the_composition(scheme: ShapedQam, uses: int) -> None:
    plan, payload, coded = sent(scheme, uses)
    symbols = modulate(coded, scheme.bits_per_symbol, scheme.law)
    assert symbols.size == uses
    parts = np.stack([symbols.real, symbols.imag], 1) / half_distance(scheme.bits_per_symbol, scheme.law)
    amplitudes, first = np.rint(abs(parts)).astype(int), 0
    for counts, sent_bits in zip(plan.counts, plan.coded.sent_bits, strict=True):
        behind = first + sent_bits // scheme.bits_per_symbol
        assert np.bincount(amplitudes[first:behind].reshape(-1), minlength=2 * len(counts))[1::2].tolist() == [*counts]
        first = behind
    assert np.mean(abs(symbols) ** 2) == pytest.approx(1, abs=0.03 if uses < 1000 else 0.006)
    assert abs(np.mean(np.sign(parts))) < 5 / np.sqrt(parts.size)  # no sign is the likelier one
    llrs = demap(symbols, 1e-3, scheme.bits_per_symbol, method="exact", law=scheme.law)
    found = decode_shaped_block(plan, llrs)
    assert found.crc_ok
    np.testing.assert_array_equal(found.payload, payload)


@SCHEMES
def test_a_long_frame_carries_what_its_scheme_says_but_for_check_sums_and_what_the_matcher_loses(
    scheme: ShapedQam,
) -> None:
    plan = plan_shaped_block(scheme, 24_000)
    assert plan
    assert plan.payload_bits % 8 == 0
    lost = scheme.bits_per_use * 24_000 - plan.payload_bits
    assert 24 * (plan.blocks + 1) < lost < (24 + 16 * len(scheme.law)) * (plan.blocks + 1)


def test_a_payload_of_zeros_has_signs_of_both_kinds() -> None:
    plan = plan_shaped_block(ShapedQam(6, 2.5), 3000)
    assert plan
    signs = encode_shaped_block(plan, np.zeros(plan.payload_bits, np.uint8)).reshape(-1, 6)[:, :2]
    assert 0.47 < signs.mean() < 0.53


def test_frames_of_a_batch_are_decoded_each() -> None:
    plan, payload, coded = sent(ShapedQam(6, 3.0), 700)
    llrs = (8.0 * coded - 4).astype(np.float32)
    found = decode_shaped_block(plan, np.stack([llrs, -llrs]))
    np.testing.assert_array_equal(found.payload[0], payload)
    assert found.crc_ok.tolist() == [True, False]
    assert found.payload.shape == (2, plan.payload_bits)


def test_noise_alone_fails_and_keeps_its_length() -> None:
    plan, *_ = sent(ShapedQam(8, 5.0), 900)
    found = decode_shaped_block(plan, RNG.standard_normal(plan.coded_bits).astype(np.float32))
    assert not found.crc_ok
    assert found.payload.shape == (plan.payload_bits,)


@pytest.mark.parametrize("uses", [700, 5000])
def test_a_constant_signal_is_no_frame_though_check_sums_of_zeros_hold(uses: int) -> None:
    plan, *_ = sent(ShapedQam(6, 3.0), uses)
    found = decode_shaped_block(plan, np.full((2, plan.coded_bits), -np.inf, np.float32))
    assert decode_transport_block(plan.coded, np.full(plan.coded_bits, -np.inf, np.float32)).crc_ok
    assert found.crc_ok.tolist() == [False, False]
    assert not found.block_ok.any()
    assert found.block_ok.shape == (2, plan.blocks)


@pytest.mark.parametrize("uses", [0, 1, 5, 20])
def test_what_is_too_short_has_no_plan(uses: int) -> None:
    assert plan_shaped_block(ShapedQam(6, 3.0), uses) is None


def test_payloads_and_llrs_of_another_length_are_refused() -> None:
    plan, payload, coded = sent(ShapedQam(6, 3.0), 700)
    with pytest.raises(SignalError, match=rf"shaped block: expected {payload.size} payload bits, got \[9\]"):
        encode_shaped_block(plan, np.zeros(9, np.uint8))
    with pytest.raises(SignalError, match="shaped block: expected bits"):
        encode_shaped_block(plan, payload + 7)
    with pytest.raises(SignalError, match=rf"shaped block: expected {coded.size} LLRs, got \[9\]"):
        decode_shaped_block(plan, np.zeros(9, np.float32))
