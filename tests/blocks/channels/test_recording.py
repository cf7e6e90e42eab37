from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from semcom.blocks.channels.recording import Recording
from semcom.blocks.envelope import Identity, Out
from semcom.errors import InputError, SignalError

N = 40_000
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)


def block(folder: Path, values: np.ndarray, **params: Any) -> Recording:
    mode = params.setdefault("mode", "snr")
    np.savez(folder / "t.npz", **{"esn0_db" if mode == "snr" else mode: values})
    made = Recording(Recording.Params(path=str(folder / "t.npz"), **params), name="channel", seed=7)
    made.start()
    return made


def send(made: Recording, x: np.ndarray = X, seq: int = 0) -> Out[Any]:
    return made.work(x, Identity(seq))


def test_noise_follows_the_recorded_snr(tmp_path) -> None:
    levels = np.array([0.0, 10.0, -5.0, 20.0])
    out = send(block(tmp_path, levels, step_symbols=N // 4))
    n0 = 10 ** (-levels / 10)
    np.testing.assert_allclose(out.state.n0, np.repeat(n0, N // 4), rtol=1e-6)
    for part, level in zip(np.split(out.value - X, 4), n0, strict=True):
        assert abs(np.mean(np.abs(part) ** 2) - level) < 5 * level / (N // 4) ** 0.5
    assert out.state.esn0_db == pytest.approx(-10 * np.log10(n0.mean()))
    assert out.value.dtype == np.complex64
    assert out.state.n0.dtype == np.float32


def test_time_goes_on_from_item_to_item_and_one_row_an_item(tmp_path) -> None:
    levels = np.arange(10.0)
    made = block(tmp_path, levels, step_symbols=4, item_symbols=10)
    for seq in (0, 1, 7):
        expected = levels[(seq * 10 + np.arange(8)) // 4 % 10]
        np.testing.assert_allclose(-10 * np.log10(send(made, X[:8], seq).state.n0), expected, atol=1e-5)
    made = block(tmp_path, levels, position="item")
    assert {round(send(made, X[:8], seq).state.esn0_db) for seq in (3, 13)} == {3}
    far = send(block(tmp_path, levels, step_symbols=10), X[:10], 10**15 + 3)
    assert far.state.esn0_db == pytest.approx(3)


def test_the_end_of_the_recording(tmp_path) -> None:
    made = block(tmp_path, np.arange(3.0), position="item", at_end="hold")
    assert send(made, X[:5], 9).state.esn0_db == pytest.approx(2)
    made = block(tmp_path, np.arange(3.0), position="item", at_end="fail")
    with pytest.raises(SignalError, match="step 9 is wanted, the trace has 3"):
        send(made, X[:5], 9)


@pytest.mark.parametrize("esn0_db", [0, 12])
@pytest.mark.parametrize("equalizer", ["zf", "mmse"])
def test_gains_are_scaled_held_and_equalised(tmp_path, esn0_db: float, equalizer: str) -> None:
    rng = np.random.default_rng(2)
    gains = 3 * (rng.standard_normal(N) + 1j * rng.standard_normal(N))
    out = send(block(tmp_path, gains, mode="gain", step_symbols=2, esn0_db=esn0_db, equalizer=equalizer))
    scaled = gains / np.sqrt(np.mean(np.abs(gains) ** 2))
    np.testing.assert_allclose(out.state.h, np.repeat(scaled, 2)[:N], rtol=1e-5)
    whitened = np.abs(out.value - X) ** 2 / out.state.n0
    assert stats.kstest(whitened, stats.expon.cdf).pvalue > 1e-3
    loud = send(block(tmp_path, np.full(3, 2.0), mode="gain", scale="none"), X[:4])
    np.testing.assert_allclose(loud.state.h, 2)


def test_linear_interpolation_of_gains(tmp_path) -> None:
    gains = np.array([1, 1j, -1, 2])
    made = block(tmp_path, gains, mode="gain", step_symbols=10, interpolation="linear", scale="none")
    h = send(made, X[:40]).state.h
    expected = np.interp(np.arange(40) / 10, range(5), np.append(gains, gains[0]).real) + 1j * np.interp(
        np.arange(40) / 10, range(5), np.append(gains, gains[0]).imag
    )
    np.testing.assert_allclose(h, expected, atol=1e-6)


def test_an_impulse_response_is_what_a_prefixed_ofdm_link_measures(tmp_path) -> None:
    """Against the time domain: IFFT, prefix, scipy's convolution with the taps, FFT."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(3)
    carriers, taps, symbols = 32, 5, 6
    recorded = rng.standard_normal((symbols, taps)) + 1j * rng.standard_normal((symbols, taps))
    x = X[: carriers * symbols - 7]
    made = block(
        tmp_path,
        recorded,
        mode="impulse_response",
        subcarriers=carriers,
        step_symbols=carriers,
        equalizer="none",
        scale="none",
        esn0_db=60,
    )
    out = send(made, x)
    grid = np.append(x, np.zeros(7)).reshape(symbols, carriers)
    received = []
    for row, impulse in zip(grid, recorded, strict=True):
        sent = np.fft.ifft(row)
        sent = np.concatenate((sent[-taps:], sent))
        received.append(np.fft.fft(lfilter(impulse, [1], sent)[taps:]))
    expected = np.concatenate(received)[: x.size]
    assert np.abs(out.value - expected).max() < 6e-3  # 60 dB of noise
    np.testing.assert_allclose(out.state.h * x, expected, atol=1e-4)


def test_the_energy_of_an_impulse_response_is_one(tmp_path) -> None:
    rng = np.random.default_rng(4)
    recorded = 5 * rng.standard_normal((50, 4)) + 0j
    out = send(block(tmp_path, recorded, mode="impulse_response", step_symbols=64), X[: 64 * 50])
    assert np.mean(np.abs(out.state.h) ** 2) == pytest.approx(1, rel=1e-5)


def test_recordings_that_do_not_fit(tmp_path) -> None:
    with pytest.raises(InputError, match="at most 4 taps, as many as subcarriers, got 5: raise subcarriers"):
        block(tmp_path, np.ones((2, 5)), mode="impulse_response", subcarriers=4)
    with pytest.raises(InputError, match="got gains of zero alone"):
        block(tmp_path, np.zeros(4), mode="gain")
    with pytest.raises(InputError, match="No such file"):
        Recording(Recording.Params(path=str(tmp_path / "none.csv"))).start()


@pytest.mark.parametrize(
    ("mode", "values"), [("snr", np.ones(2)), ("gain", np.ones(2)), ("impulse_response", np.ones((2, 2)))]
)
def test_empty_frames_and_a_gain_of_zero(tmp_path, mode: str, values: np.ndarray) -> None:
    assert send(block(tmp_path, values, mode=mode), X[:0]).value.shape == (0,)
    values[0] = 0
    assert np.isfinite(send(block(tmp_path, values, mode=mode), X[:9]).value).all()
