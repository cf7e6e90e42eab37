from pathlib import Path

import numpy as np
import pytest
from semcom.errors import InputError, SignalError
from semcom.sim.channels.recorded import read_recording, sample_recording


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_columns_of_each_kind(tmp_path) -> None:
    snr = read_recording(write(tmp_path, "# from a field trial\ntime_s, esn0_db\n0,1\n\n0.5,2.5\n1.0,-3\n"), "esn0_db")
    assert snr.values.tolist() == [1, 2.5, -3]
    assert snr.step_s == 0.5
    gain = read_recording(write(tmp_path, "re,im\n1,2\n3,-4\n"), "gain")
    assert gain.values.tolist() == [1 + 2j, 3 - 4j]
    assert gain.step_s is None
    taps = read_recording(write(tmp_path, "time_s,re0,im0,re1,im1\n0,1,0,0,2\n"), "impulse_response")
    assert taps.values.tolist() == [[1, 2j]]


@pytest.mark.parametrize("kind", ["esn0_db", "gain", "impulse_response"])
def test_npz_gives_back_what_numpy_saved(tmp_path, kind: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((7, 3)) if kind == "impulse_response" else rng.standard_normal(7)
    np.savez(tmp_path / "t.npz", **{kind: values, "time_s": np.arange(7) * 0.1})
    found = read_recording(tmp_path / "t.npz", kind)
    np.testing.assert_array_equal(found.values, values)
    assert found.step_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: expected a line of column names: \[time_s,\]esn0_db"),
        ("esn0_db\n", "expected at least one time step, got none"),
        ("snr\n1\n", r"t\.csv:1: expected the columns \[time_s,\]esn0_db, got snr"),
        ("esn0_db,time_s\n1,2\n", r"t\.csv:1: expected the columns"),
        ("esn0_db\n1\nhigh\n", r"t\.csv:3: esn0_db: expected a number, got 'high'"),
        ("esn0_db\n1\n1,2\n", r"t\.csv:3: expected 1 columns \(esn0_db\), got 2"),
        ("esn0_db\n1\nnan\n", r"t\.csv:3: expected finite numbers"),
        ("esn0_db\n1\ninf\n", r"t\.csv:3: expected finite numbers"),
        ("esn0_db\n1\n-999\n", r"t\.csv:3: expected finite numbers up to 200, got -999"),
        ("esn0_db\n1\n\n# a comment\n\n3\n\n", r"t\.csv:3: esn0_db: expected a number, got an empty line"),
        ("esn0_db\n1\n  \n3\n", r"t\.csv:3: esn0_db: expected a number, got an empty line: fill the gap"),
        ('esn0_db\n1\n""\n3\n', r"t\.csv:3: esn0_db: expected a number, got ''"),
        ("time_s,esn0_db\n0,1\n1,\n2,1\n", r"t\.csv:3: esn0_db: expected a number, got ''"),
        ("time_s,esn0_db\n0,1\n,\n2,1\n", r"t\.csv:3: time_s: expected a number, got ''"),
        ("time_s,esn0_db\n0,1\n1,1\n1,1\n", r"t\.csv:4: time_s: expected more than 1, got 1"),
        ("time_s,esn0_db\n0,1\n1,1\n2,1\n4,1\n5,1\n", r"t\.csv:5: time_s: expected 3 after steps of 1 s, got 4: fill"),
        ("time_s,esn0_db\n0,1\nnan,1\n", r"t\.csv:3: time_s: expected more than 0, got nan"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_recording(write(tmp_path, text), "esn0_db")


def test_files_that_are_no_traces(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        read_recording(tmp_path / "none.csv", "gain")
    with pytest.raises(InputError, match=r"ends in \.csv or \.npz"):
        read_recording(write(tmp_path, "x", "t.txt"), "gain")
    with pytest.raises(InputError, match="expected an NPZ file"):
        read_recording(write(tmp_path, "x", "t.npz"), "gain")
    (tmp_path / "b.csv").write_bytes(b"esn0_db\n\xff\xfe\n")
    with pytest.raises(InputError, match="expected a CSV file in UTF-8"):
        read_recording(tmp_path / "b.csv", "esn0_db")
    with pytest.raises(InputError, match="expected the columns"):
        read_recording(write(tmp_path, "re0,im0,re2,im2\n1,1,1,1\n"), "impulse_response")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"gain": np.ones(3)}, "expected an array impulse_response, got gain"),
        ({"impulse_response": np.ones(3)}, r"expected numbers \[T, taps\], got float64 \[3\]"),
        ({"impulse_response": np.array([["a"]])}, "expected numbers"),
        ({"impulse_response": np.array([[None]])}, "without pickles"),
        ({"impulse_response": np.ones((2, 0))}, "expected 1 to 4096 taps, got 0"),
        ({"impulse_response": np.ones((0, 2))}, "expected at least one time step"),
        ({"impulse_response": np.array([[1, np.nan]])}, "row 0: expected finite numbers"),
        ({"impulse_response": np.ones((2, 2)), "time_s": np.ones(3)}, "time_s: expected one a row, 2"),
        ({"impulse_response": np.ones((2, 2)), "time_s": np.ones(2)}, "row 1: time_s: expected more than 1, got 1"),
    ],
)
def test_arrays_that_are_no_traces(tmp_path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_recording(tmp_path / "t.npz", "impulse_response")


def test_hold_and_linear_against_numpy() -> None:
    values = np.array([1.0, 5.0, -2.0])
    steps = np.linspace(0, 8.9, 90)
    held = sample_recording(values, steps)
    np.testing.assert_array_equal(held, np.tile(values, 3)[np.floor(steps).astype(int)])
    linear = sample_recording(values, steps, interpolation="linear")
    np.testing.assert_allclose(linear, np.interp(steps, np.arange(10), np.append(np.tile(values, 3), 1.0)))
    last = sample_recording(values, steps, interpolation="linear", at_end="hold")
    np.testing.assert_allclose(last, np.interp(steps, [0, 1, 2], values))
    two = sample_recording(np.stack([values, 2j * values], axis=1), steps, interpolation="linear")
    np.testing.assert_allclose(two, np.stack([linear, 2j * linear], axis=1))
    assert sample_recording(values, steps[:0]).size == 0


def test_the_end() -> None:
    values = np.array([1.0, 5.0])
    assert sample_recording(values, np.array([1.9]), at_end="fail") == 5
    with pytest.raises(SignalError, match="step 2 is wanted, the trace has 2; at_end: repeat or hold"):
        sample_recording(values, np.array([2.0]), at_end="fail")
    with pytest.raises(SignalError, match="times of at least 0"):
        sample_recording(values, np.array([-1.0]))
