"""`mappers/to_constellation` and `mappers/from_constellation`."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.envelope import Header, Identity, Out, State
from semcom.blocks.mappers.from_constellation import FromConstellation
from semcom.blocks.mappers.to_constellation import ToConstellation
from semcom.errors import SignalError
from semcom.sim.constellations.gaussian import effective_n0, gaussian_grid
from semcom.sim.constellations.qam import points
from semcom.sim.side_information.constellation_frame import ConstellationFrame

ORDERS = (2, 4, 6, 8, 10, 12)


def features(count: int = 8192, scale: float = 3.0) -> np.ndarray:
    """Of very different powers, as a network's are."""
    rng = np.random.default_rng(count)
    return (scale * rng.standard_normal(count) * np.exp(rng.normal(0, 1, count))).astype(np.float32)


def mapped(values: np.ndarray, **params: object) -> Out[np.ndarray]:
    return ToConstellation(ToConstellation.Params.model_validate(params), name="map").work(values)


def unmapped(symbols: np.ndarray, out: Out[np.ndarray], state: State, **params: object) -> Out[np.ndarray]:
    block = FromConstellation(FromConstellation.Params.model_validate(params), name="unmap")
    return block.work(symbols, Header().with_fields(*out.header), state)


@pytest.mark.parametrize("bits", ORDERS)
@pytest.mark.parametrize("spreading", ["frame", "none"])
def test_symbols_are_points_of_the_qam_times_its_constant_and_of_unit_energy(bits: int, spreading: str) -> None:
    out = mapped(features(), bits_per_symbol=bits, spreading=spreading)
    assert out.value.dtype == np.complex64
    alphabet = points(bits) * gaussian_grid(bits).qam_gain
    distance = np.abs(out.value[:500, None] - alphabet).min(1)
    assert distance.max() < 1e-6
    assert np.mean(np.abs(out.value) ** 2) == pytest.approx(1, abs=2e-3)


def test_the_constants_of_the_documentation() -> None:
    found = [round(gaussian_grid(bits).qam_gain, 3) for bits in (2, 4, 6, 8)]
    assert found == [1.0, 1.186, 1.369, 1.554]


@pytest.mark.parametrize(("bits", "esn0_db"), [(2, 0), (2, 20), (4, 7), (4, 20), (8, 0), (8, 13)])
@pytest.mark.parametrize("estimate", ["posterior_mean", "linear"])
def test_estimates_are_unbiased_and_as_noisy_as_the_state_says(bits: int, esn0_db: float, estimate: str) -> None:
    values = features(65536)
    out = mapped(values, bits_per_symbol=bits)
    channel = Awgn(Awgn.Params(esn0_db=esn0_db), name="channel", seed=1).work(out.value, Identity())
    found = unmapped(channel.value, out, channel.state, estimate=estimate)
    assert found.value.shape == values.shape
    power = np.mean(values.astype(float) ** 2)
    gain = np.mean(found.value.astype(float) * values) / power
    half = 5 * np.sqrt((1 + found.state.n0) / values.size)
    assert gain == pytest.approx(1, abs=2 * half)
    measured = np.mean((found.value.astype(float) - values) ** 2) / power
    assert measured == pytest.approx(found.state.n0, rel=6 * np.sqrt(2 / values.size) + 0.02)
    if estimate == "posterior_mean":
        assert found.state.n0 == pytest.approx(effective_n0(bits, 10 ** (-esn0_db / 10)), rel=0.02)
    assert found.state.n0 >= 10 ** (-esn0_db / 10)


def test_knowing_the_points_helps() -> None:
    out = mapped(features(16384), bits_per_symbol=4)
    channel = Awgn(Awgn.Params(esn0_db=15), name="channel", seed=1).work(out.value, Identity())
    known, linear = (unmapped(channel.value, out, channel.state, estimate=e) for e in ("posterior_mean", "linear"))
    assert known.state.n0 < 0.9 * linear.state.n0


def test_without_spreading_each_symbol_has_its_own_noise() -> None:
    values = np.random.default_rng(3).standard_normal(4096).astype(np.float32)
    out = mapped(values, bits_per_symbol=6, spreading="none")
    n0 = np.where(np.arange(2048) % 2, 1.0, 1e-3).astype(np.float32)
    noise = np.random.default_rng(4).standard_normal((2048, 2)) @ [1, 1j] * np.sqrt(n0 / 2)
    found = unmapped((out.value + noise).astype(np.complex64), out, State(n0=n0))
    assert found.state.n0.shape == (2048,)
    assert found.state.n0.dtype == np.float32
    assert np.median(found.state.n0[1::2]) > 20 * np.median(found.state.n0[::2])


@pytest.mark.parametrize("count", [0, 1, 2, 7, 96])
@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("spreading", ["frame", "none"])
def test_small_and_odd_frames_come_back(count: int, bits: int, spreading: str) -> None:
    values = features(count)
    out = mapped(values.reshape(1, -1), bits_per_symbol=bits, spreading=spreading)
    assert out.value.size == -(-count // 2)
    found = unmapped(out.value, out, State(n0=0.0))
    assert found.value.shape == (count,)
    assert np.isfinite(found.value).all()


def test_a_frame_of_zeros_is_sent_on_inner_points_and_comes_back_as_zeros() -> None:
    out = mapped(np.zeros(64, np.float32), bits_per_symbol=8)
    inner = np.abs(points(8)).min() * gaussian_grid(8).qam_gain
    np.testing.assert_allclose(np.abs(out.value), inner, rtol=1e-5)
    np.testing.assert_array_equal(unmapped(out.value, out, State(n0=0.1)).value, 0)


def test_the_header_costs_twenty_bits_and_says_all() -> None:
    out = mapped(features(7), bits_per_symbol=6, spreading="none")
    header = Header().with_fields(*out.header)
    assert header.bits == 20
    frame = header.read(ConstellationFrame)
    assert (frame.bits_per_symbol, frame.spreading, frame.padded) == (6, "none", True)
    assert float(np.float16(frame.scale)) == frame.scale


def test_pure_noise_gives_a_finite_estimate() -> None:
    out = mapped(features(512), bits_per_symbol=4)
    found = unmapped(out.value, out, State(n0=1e12))
    assert np.isfinite(found.value).all()
    assert found.state.n0 <= 1000


def test_bad_features_are_one_sentence() -> None:
    with pytest.raises(SignalError, match=r"mappers/to_constellation: expected finite features, got NaN or infinity"):
        mapped(np.array([1, np.nan], np.float32))
    with pytest.raises(SignalError, match=r"expected features whose scale is at most 65504, got 1e\+30"):
        mapped(np.full(8, 1e30, np.float32), bits_per_symbol=2, spreading="none")


def test_bad_symbols_states_and_headers_are_one_sentence() -> None:
    out = mapped(features(8))
    with pytest.raises(SignalError, match="expected n0 in the receiver's state, got none; connect a channel"):
        unmapped(out.value, out, State())
    with pytest.raises(SignalError, match=r"expected n0 as one number or \[4\], got \[3\]"):
        unmapped(out.value, out, State(n0=np.ones(3, np.float32)))
    with pytest.raises(SignalError, match="expected n0 of at least 0, got others"):
        unmapped(out.value, out, State(n0=float("nan")))
    with pytest.raises(SignalError, match="expected finite symbols, got others"):
        unmapped(out.value * np.complex64(np.inf), out, State(n0=0.1))
    with pytest.raises(SignalError, match="expected ConstellationFrame, got nothing"):
        FromConstellation(name="unmap").work(out.value, Header(), State(n0=0.1))
