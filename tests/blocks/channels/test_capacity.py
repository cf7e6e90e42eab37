from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, ncx2
from semcom.blocks.channels.capacity import Capacity
from semcom.blocks.envelope import Header, Identity
from semcom.sim.side_information.link_agreement import LinkAgreement


def block(**params: object) -> Capacity:
    return Capacity(Capacity.Params.model_validate(params), name="channel", seed=7)


def carried(bits: int, uses: int, seq: int = 0, **params: object) -> bool:
    data = np.arange(1, bits // 8 + 1, dtype=np.uint8)
    out = block(**params).work(data, Header().with_fields(LinkAgreement(uses)), Identity(seq))
    assert out.state.crc_ok == bool(out.value.any())
    if out.state.crc_ok:
        np.testing.assert_array_equal(out.value, data)
    return bool(out.state.crc_ok)


@pytest.mark.parametrize("esn0_db", [-3.0, 0.0, 10.0, 25.0])
def test_awgn_carries_log2_of_one_plus_snr_and_not_a_byte_more(esn0_db):
    uses = 997
    most = math.floor(uses * math.log2(1 + 10 ** (esn0_db / 10)) / 8)
    assert carried(8 * most, uses, esn0_db=esn0_db)
    assert not carried(8 * (most + 1), uses, esn0_db=esn0_db)


def test_fast_rayleigh_carries_its_ergodic_capacity():
    """2.9065 bit a use at 10 dB: e^0.1 E1(0.1) / ln 2, with E1(0.1) = 1.822924 (Abramowitz & Stegun, table 5.1)."""
    capacity = math.exp(0.1) * 1.8229239584 / math.log(2)
    most = math.floor(10_000 * capacity / 8)
    assert carried(8 * most, 10_000, esn0_db=10, fading="rayleigh")
    assert not carried(8 * most + 8, 10_000, esn0_db=10, fading="rayleigh")


@pytest.mark.parametrize(("fading", "esn0_db"), [("rayleigh", 10.0), ("rayleigh", 3.0), ("rician", 5.0)])
def test_block_fading_loses_frames_as_often_as_its_gain_is_too_small(fading, esn0_db):
    frames, rate = 2000, 1.0
    gain = (2**rate - 1) / 10 ** (esn0_db / 10)
    k = 10**0.6
    lost = 1 - math.exp(-gain) if fading == "rayleigh" else ncx2.cdf(2 * (k + 1) * gain, 2, 2 * k)
    channel = block(fading=fading, coherence="block", esn0_db=esn0_db, k_db=6)
    header, data = Header().with_fields(LinkAgreement(64)), np.ones(8, np.uint8)
    outs = [channel.work(data, header, Identity(seq)) for seq in range(frames)]
    low, high = binom.interval(1 - 1e-6, frames, lost)
    assert low <= sum(not out.state.crc_ok for out in outs) <= high
    # the gain has mean 1 and a variance of at most 1
    assert np.mean([out.trace["signal_energy"] for out in outs]) == pytest.approx(1, abs=5 / math.sqrt(frames))


def test_the_trace_has_the_uses_and_the_nominal_esn0():
    out = block(esn0_db=7).work(np.ones(4, np.uint8), Header().with_fields(LinkAgreement(100)), Identity())
    assert out.trace["channel_uses"] == 100
    assert 10 * math.log10(out.trace["signal_energy"] / out.trace["noise_energy"]) == pytest.approx(7)
    assert out.state.esn0_db == 7


def test_an_empty_frame_crosses_and_no_uses_carry_nothing():
    assert block().work(np.zeros(0, np.uint8), Header().with_fields(LinkAgreement(0)), Identity()).state.crc_ok
    assert not carried(8, 0)
