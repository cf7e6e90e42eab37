"""Modulation and coding schemes: the standard's tables, names, and payloads that fit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from semcom.errors import UsageError
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import modulate
from semcom.sim.links.choose_scheme import choose_scheme, match_scheme, shape_scheme
from semcom.sim.links.fading_outage import FadingLaw
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import (
    LINK_SCHEMES,
    MATCHED_SCHEMES,
    MCS_TABLE_64QAM,
    MCS_TABLE_256QAM,
    MCS_TABLE_LOW,
    Scheme,
    parse_scheme,
    payload_bits_for,
)
from semcom.sim.links.shaped_block import decode_shaped_block, encode_shaped_block
from semcom.sim.links.shaped_qam import SHAPED_SCHEMES, ShapedQam
from semcom.sim.links.thresholds import required_esn0_db
from semcom.sim.links.transport_block import (
    decode_transport_block,
    encode_transport_block,
    plan_transport_block,
)


def test_the_tables_are_those_that_sionna_has() -> None:
    nr = pytest.importorskip("sionna.phy.nr.utils")
    for number, table in ((1, MCS_TABLE_64QAM), (2, MCS_TABLE_256QAM)):
        for index, scheme in enumerate(table):
            order, rate = nr.decode_mcs_index(index, table_index=number, is_pusch=False)
            assert (scheme.bits_per_symbol, scheme.code_rate) == (int(order), pytest.approx(float(rate)))
        assert len(table) == 30 - number
    third = {(int(o), round(1024 * float(r))) for o, r in (nr.decode_mcs_index(i, 3, False) for i in range(6))}
    assert {(scheme.bits_per_symbol, scheme.code_rate_x1024) for scheme in MCS_TABLE_LOW} < third


def test_spectral_efficiencies_are_those_of_the_standard() -> None:
    listed = [0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.6953, 1.9141, 2.1602, 2.4063, 2.5703, 2.7305, 3.0293]
    np.testing.assert_allclose([scheme.bits_per_use for scheme in MCS_TABLE_256QAM[:13]], listed, atol=6e-5)
    assert MCS_TABLE_256QAM[-1].bits_per_use == pytest.approx(7.4063, abs=6e-5)
    assert MCS_TABLE_64QAM[-1].bits_per_use == pytest.approx(5.5547, abs=6e-5)


def test_five_bits_name_every_scheme_of_a_link_and_an_ideal_code() -> None:
    assert len(set(LINK_SCHEMES)) == 31


def test_nine_bits_name_every_scheme_of_a_free_rate() -> None:
    """Which number is which is on the air."""
    assert len(set(MATCHED_SCHEMES)) == len(MATCHED_SCHEMES) == 480
    places = [MATCHED_SCHEMES[number] for number in (0, 100, 321, 322, 400, 401, 446, 447, 479)]
    named = "2:30 2:86 2:784 4:393 4:860 6:579 6:910 8:687.5 8:948"
    assert " ".join(f"{scheme.bits_per_symbol}:{scheme.code_rate_x1024:g}" for scheme in places) == named
    efficiency = np.array([scheme.bits_per_use for scheme in MATCHED_SCHEMES])
    ratio = efficiency[1:] / efficiency[:-1]
    assert 1 < ratio.min() < ratio.max() <= 1 + 1 / 60  # 30.5 of 30
    assert ratio[efficiency[1:] > 0.1].max() < 1.0136  # 37.5 of 37


@pytest.mark.parametrize("scheme", sorted({*LINK_SCHEMES, *MCS_TABLE_64QAM, *MATCHED_SCHEMES[::40]}), ids=str)
def test_a_name_is_read_back(scheme: Scheme) -> None:
    assert parse_scheme(scheme.name) == scheme


@given(st.sampled_from([2, 4, 6, 8, 10]), st.integers(1, 972))
def test_so_is_any_other(bits_per_symbol: int, rate: int) -> None:
    scheme = Scheme(bits_per_symbol, rate)
    assert parse_scheme(scheme.name) == scheme


@pytest.mark.parametrize(
    ("text", "bits_per_symbol", "rate", "name"),
    [
        ("16qam-1/2", 4, 512, "16qam-1/2"),
        ("64QAM-2/3", 6, 683, "64qam-2/3"),
        ("qpsk-0.33", 2, 338, "qpsk-0.33"),
        ("16qam-0.33", 4, 340, "16qam-0.33"),  # the row of Table 5.1.3.1-1
        ("256qam-0.67", 8, 682.5, "256qam-0.67"),
        ("1024qam-3/4", 10, 768, "1024qam-3/4"),
        ("qpsk-602/1024", 2, 602, "qpsk-0.59"),
    ],
)
def test_names(text: str, bits_per_symbol: int, rate: float, name: str) -> None:
    scheme = parse_scheme(text)
    assert scheme == Scheme(bits_per_symbol, rate)
    assert (scheme.name, str(scheme)) == (name, name)


@pytest.mark.parametrize("text", ["16qam", "8psk-1/2", "16qam-", "16qam-1/0", "16qam-half", "qpsk-1e-1", "-0.5", ""])
def test_what_is_no_name_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="expected MODULATION-RATE such as 16qam-1/2"):
        parse_scheme(text)


def test_what_is_no_scheme_is_said() -> None:
    with pytest.raises(UsageError, match=r"expected a code rate above 0 and up to 0.95, got 0.98"):
        parse_scheme("16qam-0.98")
    with pytest.raises(UsageError, match="expected 2, 4, 6, 8 or 10 bits per symbol, got 3"):
        Scheme(3, 512)


@given(st.sampled_from(LINK_SCHEMES), st.integers(-3, 40_000))
def test_a_payload_fits_and_one_byte_more_would_not(scheme: Scheme, uses: int) -> None:
    payload = payload_bits_for(scheme, uses)
    information = scheme.code_rate * scheme.bits_per_symbol * max(uses, 0)
    assert payload % 8 == 0
    if not payload:
        assert information < 16 + 8 + 8 or information / scheme.code_rate < 200  # very short frames of high rates
        return
    coded_bits = uses * scheme.bits_per_symbol
    plan = plan_transport_block(payload, coded_bits, scheme.bits_per_symbol, code_rate=scheme.code_rate)
    assert plan.padding_bits == 0
    assert plan.blocks * plan.block_bits <= information + 1e-9
    lost = information - plan.blocks * plan.block_bits
    assert lost < 8 * (plan.blocks + 1) + 24 * 2 or plan.block_bits <= 192  # to whole bytes and equal blocks


def test_payloads_by_hand() -> None:
    half = Scheme(4, 512)
    assert payload_bits_for(half, 1000) == 2000 - 16
    assert payload_bits_for(half, 2500) == 5000 - 24
    # 16384 uses: 32768 bits of information, 4 blocks: 24 + 4 * 24 of check sums; 32648 + 24 = 4 * 8168
    assert payload_bits_for(half, 16384) == 32648
    assert payload_bits_for(half, 0) == payload_bits_for(half, -5) == 0


def test_the_choice_is_the_largest_payload_whose_threshold_is_met() -> None:
    uses = 16384
    for esn0_db in (-20.0, -4.0, 5.0, 12.3, 30.0):
        fit = [scheme for scheme in LINK_SCHEMES if required_esn0_db(scheme, uses) <= esn0_db]
        chosen = choose_scheme(esn0_db, uses)
        if not fit:
            assert chosen is None
            continue
        assert chosen in fit
        assert payload_bits_for(chosen, uses) == max(payload_bits_for(scheme, uses) for scheme in fit)
    assert choose_scheme(30.0, uses) == MCS_TABLE_256QAM[-1]
    assert choose_scheme(30.0, 0) is None


@pytest.mark.parametrize("uses", [700, 49_060])
def test_a_free_rate_is_the_highest_whose_threshold_is_met(uses: int) -> None:
    for esn0_db in (-13.0, -10.2, -5.0, -2.5, 0.0, 3.1, 10.0, 18.4, 40.0):
        fit = [scheme for scheme in MATCHED_SCHEMES if required_esn0_db(scheme, uses) <= esn0_db]
        assert match_scheme(esn0_db, uses) == (fit[-1] if fit else None)
    assert match_scheme(30.0, 0) is None


@pytest.mark.parametrize(("esn0_db", "more"), [(-5.0, 1.2), (0.0, 1.35), (5.0, 1.1), (10.0, 1.06), (15.0, 1.02)])
def test_a_free_rate_carries_more_than_the_best_of_the_tables_and_less_than_an_ideal_code(
    esn0_db: float, more: float
) -> None:
    uses = 49_060
    adapted, matched = choose_scheme(esn0_db, uses), match_scheme(esn0_db, uses)
    assert adapted
    assert matched
    assert payload_bits_for(matched, uses) > more * payload_bits_for(adapted, uses)
    assert payload_bits_for(matched, uses) < uses * np.log2(1 + 10 ** (esn0_db / 10))


@pytest.mark.parametrize(("esn0_db", "more"), [(5.0, 1.04), (10.0, 1.06), (15.0, 1.06), (20.0, 1.05)])
def test_shaped_points_carry_more_than_those_equally_likely_and_less_than_an_ideal_code(
    esn0_db: float, more: float
) -> None:
    uses = 49_060
    shaped, matched = shape_scheme(esn0_db, uses), match_scheme(esn0_db, uses)
    assert isinstance(shaped, ShapedQam)
    assert matched
    payload_bits = plan_frame(shaped, uses).payload_bits
    assert payload_bits > more * payload_bits_for(matched, uses)
    assert payload_bits < uses * np.log2(1 + 10 ** (esn0_db / 10))


@pytest.mark.parametrize("uses", [90, 700, 3000, 49_060])
def test_of_all_schemes_whose_thresholds_are_met_a_shaped_link_takes_one_of_the_most_payload(uses: int) -> None:
    """Where two constellations meet, more bits a use may be fewer of a payload: 2.5 dB, and 21 dB."""
    for esn0_db in (-5.0, 2.5, 3.1, 10.0, 13.7, 18.4, 21.0, 40.0):
        fit = [scheme for scheme in SHAPED_SCHEMES[::3] if required_esn0_db(scheme, uses) <= esn0_db]
        chosen, matched = shape_scheme(esn0_db, uses), match_scheme(esn0_db, uses)
        if not chosen:
            assert not fit
            continue
        assert required_esn0_db(chosen, uses) <= esn0_db
        most = max(plan_frame(scheme, uses).payload_bits for scheme in (*fit, matched))
        assert plan_frame(chosen, uses).payload_bits >= most
    assert shape_scheme(-30.0, uses) is None
    assert shape_scheme(30.0, 0) is None


RAYLEIGH = FadingLaw("rayleigh", coherence_symbols=64)


@pytest.mark.parametrize(
    ("choose", "esn0_db", "uses"),
    [(choose_scheme, 10.0, 3000), (match_scheme, 3.0, 2500), (match_scheme, 12.0, 900), (shape_scheme, 16.0, 3000)],
)
def test_over_fading_frames_fail_as_often_as_asked_or_less(choose: Any, esn0_db: float, uses: int) -> None:
    """Their symbols spread over all gains; a scheme of the same kind chosen for 4 dB more fails more often."""

    def failures(scheme: Scheme | ShapedQam, frames: int = 80) -> int:
        plan, bits = plan_frame(scheme, uses), scheme.bits_per_symbol
        law = scheme.law if isinstance(scheme, ShapedQam) else None
        rng = np.random.default_rng([uses, bits])
        order, n0, failed = rng.permutation(uses), 10 ** (-esn0_db / 10), 0
        for _ in range(frames):
            payload = rng.integers(0, 2, plan.payload_bits, dtype=np.uint8)
            coded = (encode_shaped_block if law else encode_transport_block)(plan, payload)
            h = np.repeat(rng.normal(size=(-(-uses // 64), 2)) @ [1, 1j], 64)[:uses][order] / np.sqrt(2)
            noise = rng.normal(size=(uses, 2)) @ [1, 1j] * np.sqrt(n0 / 2)
            y = (modulate(coded, bits, law) + noise / h).astype(np.complex64)
            llrs = demap(y, (n0 / abs(h) ** 2).astype(np.float32), bits, method="exact", law=law)
            failed += not (decode_shaped_block if law else decode_transport_block)(plan, llrs).crc_ok
        return failed

    chosen = choose(esn0_db, uses, 0.05, RAYLEIGH)
    assert chosen
    assert failures(chosen) <= binom.ppf(1 - 1e-5, 80, 0.05)
    assert failures(choose(esn0_db + 4, uses, 0.05, RAYLEIGH)) > binom.ppf(1 - 1e-5, 80, 0.05)


def test_over_fading_less_is_sent_the_fewer_gains_a_frame_meets() -> None:
    laws = [FadingLaw("rayleigh", coherence_symbols=length) for length in (0, 16, 256, 4096, 10**6)]
    found = [shape_scheme(10.0, 20_000, 0.01, law) for law in laws]
    sent = [scheme.bits_per_use if scheme else 0.0 for scheme in found]
    assert sent == sorted(sent, reverse=True)
    assert shape_scheme(10.0, 20_000).bits_per_use > sent[0] > 1.2 * sent[3]
