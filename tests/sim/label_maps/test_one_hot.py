"""One-hot maps, and what Es/N0 the noise of GESCO's table is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.envelope import Identity
from semcom.models.gesco.codec import Codec, GescoAbout, Receiving
from semcom.sim.channels.awgn import n0_from_esn0_db
from semcom.sim.label_maps.one_hot import GESCO_STD, classes_in, decided, esn0_db_of_std, one_hot

MAPS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, [[[7, 2]]], (9, 11, 2)).astype(np.uint8)
)


@given(MAPS, st.booleans())
def test_what_is_decided_of_clean_maps_is_what_was_sent(labels: np.ndarray, edges: bool) -> None:
    maps = one_hot(labels, 7, edges=edges)
    assert maps.shape == (7 + edges, 9, 11)
    np.testing.assert_array_equal(maps[:7].sum(0), 1)
    found = decided(maps, classes_in(labels, 7), edges=edges)
    np.testing.assert_array_equal(found[..., 0], labels[..., 0])
    np.testing.assert_array_equal(found[..., 1], labels[..., 1] * edges)


def test_classes_that_were_not_sent_are_not_decided() -> None:
    labels = np.zeros((4, 4, 2), np.uint8)
    labels[2:, :, 0] = 3
    sent = classes_in(labels, 5)
    assert sent == (True, False, False, True, False)
    maps = one_hot(labels, 5, edges=False)
    maps[1] = 9
    np.testing.assert_array_equal(decided(maps, sent, edges=False), labels)


@pytest.mark.parametrize(
    ("called", "std", "ours"),  # 10 log10(1 / (36 std^2)): 36 maps, no edges
    [
        (30, 0.05, 10.46),
        (25, 0.08, 6.38),
        (20, 0.13, 2.16),
        (15, 0.22, -2.41),
        (10, 0.36, -6.69),
        (5, 0.6, -11.13),
        (1, 0.9, -14.65),
    ],
)
def test_the_papers_table_in_our_es_n0(called: int, std: float, ours: float) -> None:
    assert GESCO_STD[called] == std
    assert esn0_db_of_std(std, 36) == pytest.approx(ours, abs=0.005)


@pytest.mark.parametrize("std", [std for std in GESCO_STD.values() if std > 0])
def test_values_that_crossed_a_channel_of_that_es_n0_have_that_noise(std: float) -> None:
    """Through the blocks' own channel: symbols of unit energy, n0 per symbol, and the encoder's scale again."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, [[[7, 2]]], (64, 64, 2)).astype(np.uint8)
    features = (
        Codec(engine=None, about=GescoAbout(variant="mini", classes=7, edges=True, stride=1))
        .encode(  # type: ignore[arg-type]
            labels, Codec.sending()
        )
        .features
    )
    edge_share = float(labels[..., 1].mean())
    assert np.mean(features**2) == pytest.approx((1 + edge_share) / 8)
    esn0_db = esn0_db_of_std(std, 8, edge_share)
    scale = np.sqrt(2 * np.mean(features**2))
    symbols = (features[0::2] + 1j * features[1::2]).astype(np.complex64) / scale
    out = Awgn(Awgn.Params(esn0_db=esn0_db)).work(symbols, Identity(0))
    assert out.state is not None
    assert out.state.n0 == pytest.approx(n0_from_esn0_db(esn0_db))
    came = out.value.view(np.float32) * scale
    power = np.sum((came - features) ** 2) / std**2
    low, high = chi2.interval(1 - 1e-6, features.size)
    assert low < power < high


def test_the_settings_of_a_receiver_are_the_papers_denoising() -> None:
    assert Receiving().denoising == "pooled"
