from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.errors import UsageError
from semcom.sim.codecs.rate_search import FileMemo, Knob, fill_budget, picture_digest

KNOB = Knob(0, 800, 16, per_octave=100, at_one_bpp=400)


def coder(octave: float, *, wiggle: int = 0, floor: int = 60, seed: int = 0):
    """Sizes that double every `octave` steps, above a floor, up and down by some bytes."""
    jumps = np.random.default_rng(seed).integers(-wiggle, wiggle + 1, KNOB.highest + 1)
    calls = []

    def encode(setting: int) -> bytes:
        assert KNOB.lowest <= setting <= KNOB.highest
        calls.append(setting)
        return bytes(max(floor + round(20 * 2 ** (setting / octave)) + int(jumps[setting]), 1))

    return encode, calls


@given(st.floats(40, 400), st.integers(0, 50), st.integers(0, 200_000), st.integers(1, 10**6), st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_the_budget_is_kept_whatever_the_coder_does(octave, wiggle, budget, pixels, seed):
    encode, calls = coder(octave, wiggle=wiggle, seed=seed)
    found = fill_budget(encode, KNOB, budget, pixels)
    assert found.data is None or len(found.data) <= budget
    assert len(calls) == len(set(calls)) == found.encodes <= 11
    assert (found.data is None) == (found.smallest > budget)
    assert found.data is None or found.data == encode(found.setting)


@given(st.floats(60, 300), st.integers(300, 60_000), st.integers(100, 10**6))
@settings(max_examples=200, deadline=None)
def test_a_monotone_coder_fills_the_budget_or_the_search_ends_at_neighbours(octave, budget, pixels):
    encode, _ = coder(octave)
    found = fill_budget(encode, KNOB, budget, pixels, max_encodes=16)
    largest = max((len(encode(k)) for k in range(801) if len(encode(k)) <= budget), default=0)
    assert found.data is not None
    assert len(found.data) >= min(0.985 * budget, largest)


def test_a_usual_picture_takes_few_encodes():
    """283 bytes at setting 400 are the bit a pixel that the knob's first guess expects of 2264 pixels."""
    counts = [fill_budget(coder(115.0)[0], KNOB, budget, 2264).encodes for budget in range(150, 2300, 37)]
    assert np.mean(counts) < 4.5


def test_neighbouring_budgets_share_encodes_and_the_memo_changes_nothing():
    memo, made = FileMemo(), []
    encode, calls = coder(115.0)

    def remembered(setting: int) -> bytes:
        made.append(setting)
        return memo.get("picture", "coder", setting, lambda: encode(setting))

    for budget in (1000, 1010, 1030, 1000):
        assert fill_budget(remembered, KNOB, budget, 50_000) == fill_budget(coder(115.0)[0], KNOB, budget, 50_000)
    assert len(calls) < 0.7 * len(made)


@pytest.mark.parametrize("budget", [0, 1, 59])
def test_nothing_fits_and_the_smallest_file_is_named(budget):
    found = fill_budget(coder(100.0)[0], KNOB, budget, 4096)
    assert found.data is None
    assert found.smallest == 80


def test_a_coder_with_no_more_to_say_ends_the_search():
    calls = []

    def encode(setting: int) -> bytes:
        calls.append(setting)
        return bytes(min(setting, 300))

    assert len(fill_budget(encode, KNOB, 10_000, 10_000).data or b"") == 300
    assert len(calls) <= 4


def test_the_memo_is_bounded_and_drops_what_was_used_least_recently():
    memo, made = FileMemo(max_bytes=1000), []

    def get(setting: int, size: int) -> bytes:
        return memo.get("p", "c", setting, lambda: made.append(setting) or bytes(size))

    for setting in (1, 2, 1, 3):
        get(setting, 400)
    assert memo.held_bytes == 800
    assert made == [1, 2, 3]
    get(1, 400)
    get(2, 400)
    assert made == [1, 2, 3, 2]
    assert len(get(9, 5000)) == 5000
    assert memo.held_bytes == 800


def test_a_digest_names_pixels_and_shape():
    one = np.zeros((2, 3, 3), np.uint8)
    assert picture_digest(one) == picture_digest(one.copy())
    assert picture_digest(one) != picture_digest(one.reshape(3, 2, 3))
    assert picture_digest(one) != picture_digest(one + 1)


def test_a_folder_keeps_files_for_other_memos(tmp_path):
    made = []

    def get(memo: FileMemo, picture: str, coder: str, setting: int) -> bytes:
        return memo.get(picture, coder, setting, lambda: made.append(setting) or bytes([setting]) * 3)

    folder = tmp_path / "deep" / "files"
    assert get(FileMemo(folder=folder), "p", "c", 7) == b"\7\7\7"
    assert get(FileMemo(folder=folder), "p", "c", 7) == b"\7\7\7"
    assert made == [7]
    for other in (("q", "c", 7), ("p", "d", 7), ("p", "c", 8)):
        get(FileMemo(folder=folder), *other)
    assert made == [7, 7, 7, 8]
    assert len(list(folder.iterdir())) == 4
    get(FileMemo(folder=folder, version="2"), "p", "c", 7)  # of another version of the coder
    assert made == [7, 7, 7, 8, 7]


@pytest.mark.parametrize(
    "damage", [lambda file: b"", lambda file: file[:-1], lambda file: file[:5], lambda file: file[:-1] + b"\0"]
)
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    FileMemo(folder=tmp_path).get("p", "c", 7, lambda: b"\7\7\7")
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert FileMemo(folder=tmp_path).get("p", "c", 7, lambda: b"\7\7\7") == b"\7\7\7"
    assert kept.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(UsageError, match=f"^{folder}: expected a folder where coded files can be written and read"):
            FileMemo(folder=folder)


def test_a_folder_that_can_be_written_no_more_is_said_and_left_clean(tmp_path, monkeypatch):
    def full(part: Path, data: bytes) -> None:
        with part.open("wb") as file:
            file.write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    memo = FileMemo(folder=tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left on device; empty it, free space there, or choose another"):
        memo.get("p", "c", 7, lambda: b"\7\7\7")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    memo.get("p", "c", 7, lambda: b"\7\7\7")
    (kept,) = tmp_path.iterdir()
    kept.unlink()
    kept.mkdir()
    with pytest.raises(UsageError, match=r"can be written and read: Is a directory; empty it"):
        FileMemo(folder=tmp_path).get("p", "c", 7, lambda: b"\7\7\7")
