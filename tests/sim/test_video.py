import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from semcom.errors import InputError, MissingExtra
from semcom.sim.video import read_frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import av

    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))  # lossless
        stream.width, stream.height, stream.pix_fmt = 48, 32, "bgr0"
        for number in range(7):
            picture = np.full((32, 48, 3), 0, np.uint8)
            picture[:, :24] = (number * 30, 255 - number * 30, 7)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_frames_come_back_in_order(clip: Path) -> None:
    frames = list(read_frames(clip))
    assert len(frames) == 7
    for number, frame in enumerate(frames):
        assert frame.dtype == np.uint8
        assert frame.shape == (32, 48, 3)
        np.testing.assert_array_equal(frame[5, 5], [number * 30, 255 - number * 30, 7])
        np.testing.assert_array_equal(frame[5, 40], [0, 0, 0])


def test_size_and_count(clip: Path) -> None:
    frames = list(read_frames(clip, size=(16, 16), max_frames=3))
    assert [frame.shape for frame in frames] == [(16, 16, 3)] * 3


def test_wrong_files(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all, only words\n" * 50)
    (tmp_path / "cut.mkv").write_bytes(clip.read_bytes()[:300])
    with pytest.raises(InputError, match=r"gone\.mp4: no such file"):
        next(read_frames(tmp_path / "gone.mp4"))
    with pytest.raises(InputError, match=r"empty\.mp4: expected a video, got an empty file"):
        next(read_frames(tmp_path / "empty.mp4"))
    with pytest.raises(InputError, match=r"text\.mp4: expected a video: "):
        next(read_frames(tmp_path / "text.mp4"))
    with pytest.raises(InputError, match=r"cut\.mkv: expected a video"):
        list(read_frames(tmp_path / "cut.mkv"))
    with pytest.raises(InputError, match="expected a video file, got a folder"):
        next(read_frames(tmp_path))


def test_without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r'sources/video needs av: pip install "gr-semcom\[video\]"'):
        next(read_frames("clip.mp4"))


def test_the_built_in_video_pans_over_a_photograph_without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    frames = list(read_frames("builtin:pan", size=(64, 64)))
    assert len(frames) == 100
    assert {frame.shape for frame in frames} == {(64, 64, 3)}
    steps = [np.abs(one.astype(int) - other).mean() for one, other in pairwise(frames)]
    assert min(steps) > 0
    assert len(list(read_frames("builtin:pan", max_frames=3))) == 3
