"""The thresholds: the table is whole, obeys information theory, and holds where it is simulated."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm
from semcom.errors import UsageError
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import modulate
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import LINK_SCHEMES, MCS_TABLE_256QAM, Scheme, payload_bits_for
from semcom.sim.links.shaped_block import decode_shaped_block, encode_shaped_block, plan_shaped_block
from semcom.sim.links.shaped_qam import SHAPED_SCHEMES, ShapedQam
from semcom.sim.links.thresholds import Waterfall, load_waterfalls, required_esn0_db
from semcom.sim.links.transport_block import decode_transport_block, encode_transport_block, plan_transport_block


def test_every_scheme_of_a_link_is_measured_at_four_sizes() -> None:
    table = load_waterfalls()
    assert set(LINK_SCHEMES) < set(table)
    assert {len(falls) for scheme, falls in table.items() if isinstance(scheme, Scheme)} == {4}
    assert {len(falls) for scheme, falls in table.items() if isinstance(scheme, ShapedQam)} == {2, 3}
    for falls in table.values():
        assert [fall.block_bits for fall in falls] == sorted(fall.block_bits for fall in falls)
        assert all(fall.sigma_db > 0 and fall.mu_sd_db < 0.1 for fall in falls)


def test_a_waterfall_is_a_normal_distribution_with_a_margin() -> None:
    sharp = Waterfall(1000, 5.0, 0.2, 0.0, 0.0, 0.0)
    for rate in (0.5, 0.01, 1e-4):
        assert sharp.esn0_db(rate) == pytest.approx(norm.isf(rate, 5.0, 0.2))
    unsure = sharp._replace(mu_sd_db=0.03, sigma_sd_db=0.02, correlation=0.4)
    q = norm.isf(0.01)
    sd = math.sqrt(np.array([1, q]) @ [[0.0009, 0.00024], [0.00024, 0.0004]] @ np.array([1, q]))
    assert unsure.esn0_db(0.01) == pytest.approx(5 + 0.2 * q + norm.ppf(0.95) * sd, abs=1e-4)


@pytest.mark.parametrize("uses", [1000, 16384])
def test_no_scheme_needs_less_than_shannon_asks_nor_much_more(uses: int) -> None:
    for scheme in (*LINK_SCHEMES, *SHAPED_SCHEMES[::7]):
        plan = plan_frame(scheme, uses)
        payload = plan.payload_bits if plan else 0
        if payload >= 300 and required_esn0_db(scheme, uses) < math.inf:  # shorter ones pay for their length
            shannon_db = 10 * math.log10(2 ** (payload / uses) - 1)
            assert shannon_db < required_esn0_db(scheme, uses) < shannon_db + 3.5, scheme.name


def test_more_payload_a_symbol_needs_more() -> None:
    needed = [required_esn0_db(scheme, 16384) for scheme in MCS_TABLE_256QAM]
    assert needed == sorted(needed)


def test_fewer_failures_need_more() -> None:
    for scheme in LINK_SCHEMES[::5]:
        needed = [required_esn0_db(scheme, 16384, rate) for rate in (0.5, 0.1, 0.01, 1e-3)]
        assert needed == sorted(needed)
        assert needed[-1] - needed[0] < 1.5


@pytest.mark.parametrize(("low", "high"), [(Scheme(2, 30), Scheme(2, 50)), (Scheme(2, 157), Scheme(2, 193))])
def test_between_measured_rates_what_is_missing_to_capacity_is_interpolated(low: Scheme, high: Scheme) -> None:
    """A straight line between the thresholds themselves would be 0.14 and 0.02 dB too low here."""

    def missing_db(scheme: Scheme) -> float:
        uses = round(3000 / scheme.bits_per_use)  # code blocks of one size
        return required_esn0_db(scheme, uses, 0.5) - 10 * math.log10(2**scheme.bits_per_use - 1)

    middle = Scheme(low.bits_per_symbol, (low.code_rate_x1024 + high.code_rate_x1024) / 2)
    assert missing_db(middle) == pytest.approx((missing_db(low) + missing_db(high)) / 2, abs=0.002)


def test_the_larger_base_graph_needs_more_below_its_own_rate() -> None:
    """From 1/4 on code blocks are of base graph 1, whose rate is 1/3: at 1/4 a third of the bits are sent twice."""
    above, at = (required_esn0_db(Scheme(2, rate), 49_060) for rate in (257, 256))
    assert above > at + 0.2


@pytest.mark.parametrize(
    ("scheme", "uses", "frames", "asked"),
    [
        (LINK_SCHEMES[6], 300, 400, 0.1),
        (LINK_SCHEMES[9], 150, 400, 0.1),
        (LINK_SCHEMES[15], 200, 400, 0.1),
        (LINK_SCHEMES[24], 25, 2000, 0.01),  # sizes between the measured ones that need the most
        (LINK_SCHEMES[30], 40, 2000, 0.01),
        (LINK_SCHEMES[30], 64, 2000, 0.01),
        (Scheme(2, 175), 2500, 400, 0.1),  # rates between the measured ones
        (Scheme(2, 268), 15_000, 100, 0.1),
        (Scheme(2, 421), 2000, 400, 0.1),
        (Scheme(4, 581), 1000, 400, 0.1),
        (Scheme(6, 695), 600, 400, 0.1),
        (Scheme(8, 733), 400, 400, 0.1),
        (Scheme(6, 370), 900, 400, 0.1),
        (Scheme(8, 570), 700, 400, 0.1),
    ],
)
def test_at_its_threshold_a_scheme_fails_as_often_as_asked_or_less(
    scheme: Scheme, uses: int, frames: int, asked: float
) -> None:
    bits = scheme.bits_per_symbol
    plan = plan_transport_block(payload_bits_for(scheme, uses), uses * bits, bits, code_rate=scheme.code_rate)
    rng = np.random.default_rng([bits, uses])
    payload = rng.integers(0, 2, (frames, plan.payload_bits), dtype=np.uint8)
    x = modulate(encode_transport_block(plan, payload).reshape(-1), bits)
    noise = (rng.standard_normal((x.size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)

    def failures(esn0_db: float) -> int:
        n0 = 10 ** (-esn0_db / 10)
        llrs = demap(x + np.float32(np.sqrt(n0)) * noise, n0, bits, method="exact")
        return int((~decode_transport_block(plan, llrs.reshape(frames, -1)).crc_ok).sum())

    threshold_db = required_esn0_db(scheme, uses, asked)
    assert failures(threshold_db) <= binom.ppf(1 - 1e-5, frames, asked)
    assert failures(threshold_db - 1.0) > binom.ppf(1 - 1e-5, frames, asked)  # and it is no idle bound


@pytest.mark.parametrize(
    ("scheme", "uses", "frames", "asked"),
    [
        (ShapedQam(6, 1.3), 1500, 150, 0.1),  # bits a use and sizes between the measured ones
        (ShapedQam(6, 2.7), 700, 300, 0.1),
        (ShapedQam(6, 3.2), 6000, 60, 0.1),
        (ShapedQam(8, 4.8), 500, 300, 0.1),
        (ShapedQam(10, 6.4), 700, 200, 0.1),
    ],
    ids=str,
)
def test_at_its_threshold_a_shaped_frame_fails_as_often_as_asked_or_less(
    scheme: ShapedQam, uses: int, frames: int, asked: float
) -> None:
    plan, bits = plan_shaped_block(scheme, uses), scheme.bits_per_symbol
    assert plan
    rng = np.random.default_rng([bits, uses])
    sent = [encode_shaped_block(plan, rng.integers(0, 2, plan.payload_bits, dtype=np.uint8)) for _ in range(20)]
    x = modulate(np.tile(np.concatenate(sent), frames // 20), bits, scheme.law)
    noise = (rng.standard_normal((x.size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)

    def failures(esn0_db: float) -> int:
        n0 = 10 ** (-esn0_db / 10)
        llrs = demap(x + np.float32(np.sqrt(n0)) * noise, n0, bits, method="exact", law=scheme.law)
        return int((~decode_shaped_block(plan, llrs.reshape(-1, plan.coded_bits)).crc_ok).sum())

    threshold_db = required_esn0_db(scheme, uses, asked)
    frames = frames // 20 * 20
    assert failures(threshold_db) <= binom.ppf(1 - 1e-5, frames, asked)
    assert failures(threshold_db - 1.0) > binom.ppf(1 - 1e-5, frames, asked)  # and it is no idle bound


def test_short_shaped_code_blocks_were_not_measured() -> None:
    assert plan_shaped_block(ShapedQam(6, 3.0), 90)
    assert required_esn0_db(ShapedQam(6, 3.0), 90) == math.inf


def test_what_cannot_be_answered_is_said() -> None:
    assert required_esn0_db(Scheme(4, 512), 1) == math.inf
    with pytest.raises(UsageError, match="expected a failure rate above 0 and below 1, got 0"):
        required_esn0_db(Scheme(4, 512), 1000, 0)
    with pytest.raises(UsageError, match=r"measured with 8 bits per symbol \(0.450 to 0.926\), got 256qam-1/3"):
        required_esn0_db(Scheme(8, 341), 1000)
    with pytest.raises(UsageError, match=r"measured with 10 bits per symbol \(none\), got 1024qam-3/4"):
        required_esn0_db(Scheme(10, 768), 1000)
