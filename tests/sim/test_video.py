import logging
import re
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from semcom.errors import InputError, MissingExtra
from semcom.sim.notes import note
from semcom.sim.video import read_frames
from semcom.sim.video_extent import video_extent

FRAMES = 12


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


def test_the_built_in_overlay_moves_over_a_photograph_that_stands_still() -> None:
    frames = list(read_frames("builtin:overlay", max_frames=30))
    assert {frame.shape for frame in frames} == {(512, 512, 3)}
    moved = np.any(frames[0] != frames[1], axis=2)
    assert moved.any()
    assert moved.mean() < 0.15  # the cat takes 128 x 192 of 512 x 512 pixels: 9 %, and where it was
    np.testing.assert_array_equal(frames[0][300:], frames[1][300:])


def write_clip(path: Path, codec: str, **options: str) -> Path:
    import av

    rng = np.random.default_rng(4)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = 48, 32, "yuv420p", 4
        for _ in range(FRAMES):
            picture = np.kron(rng.integers(0, 256, (4, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


CONTAINERS = {
    "index last.mp4": {},
    "index first.mp4": {"movflags": "faststart"},
    "fragments.mp4": {"movflags": "frag_keyframe+empty_moov"},
    "sized.mkv": {},
    "live.mkv": {"live": "1"},
    "stream.ts": {},
    "riff.avi": {},
}


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_cut_anywhere_never_passes_in_silence(
    tmp_path: Path, name: str, codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_clip(tmp_path / name, codec, **CONTAINERS[name])
    assert len(list(read_frames(whole))) == FRAMES
    data, cut, ends = whole.read_bytes(), tmp_path / f"cut-{name}", Counter()
    for part in range(1, 61):
        cut.write_bytes(data[: len(data) * part // 61])
        caplog.clear()
        note.cache_clear()
        frames, error = [], None
        try:
            with caplog.at_level(logging.WARNING, "semcom"):
                frames.extend(read_frames(cut))
        except InputError as caught:
            error = str(caught)
        ends["note" if error is None else "error"] += 1
        assert f", and {len(frames)} came" in caplog.text if error is None else error.startswith(f"{cut}: ")
        assert len(frames) <= FRAMES
    assert ends["error"] if name != "live.mkv" else ends
    assert name not in ("index last.mp4", "index first.mp4", "sized.mkv") or ends["error"] > 50


@pytest.mark.parametrize("name", ["index first.mp4", "sized.mkv"])
def test_a_cut_file_says_what_it_states_and_what_came(tmp_path: Path, name: str) -> None:
    whole = write_clip(tmp_path / name, "ffv1" if name.endswith("mkv") else "mpeg4", **CONTAINERS[name])
    cut, frames = tmp_path / f"cut-{name}", list[object]()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=rf"cut: it states {FRAMES} frames, and (\d+) came") as caught:
        frames.extend(read_frames(cut))
    assert 0 < len(frames) < FRAMES
    assert str(caught.value).endswith(f" {len(frames)} came")


@pytest.mark.parametrize("name", ["index last.mp4", "index first.mp4", "fragments.mp4", "sized.mkv", "riff.avi"])
def test_a_whole_file_is_whole(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = write_clip(tmp_path / name, "mpeg4", **CONTAINERS[name])
    with caplog.at_level(logging.WARNING, "semcom"):
        assert len(list(read_frames(whole))) == FRAMES
    assert caplog.text == ""
    assert video_extent(whole) == "whole"
    for missing in (1, 2, 7, 8, 9, 100):
        (tmp_path / "cut").write_bytes(whole.read_bytes()[:-missing])
        assert video_extent(tmp_path / "cut") == "cut"


@pytest.mark.parametrize("shared", [True, False], ids=["one palette", "a palette each"])
def test_an_animated_gif_that_is_cut(tmp_path: Path, shared: bool) -> None:
    from PIL import Image

    rng = np.random.default_rng(4)
    stills = [Image.fromarray(rng.integers(0, 256, (32, 48, 3), np.uint8)).quantize(32) for _ in range(FRAMES)]
    stills = [still.convert("RGB").quantize(palette=stills[0]) for still in stills] if shared else stills
    stills[0].save(tmp_path / "a.gif", save_all=True, append_images=stills[1:], loop=0, comment=b"by hand")
    assert len(list(read_frames(tmp_path / "a.gif"))) == FRAMES
    data, cut = (tmp_path / "a.gif").read_bytes(), tmp_path / "cut.gif"
    cut.write_bytes(data + b"more")
    assert video_extent(cut) == "whole"
    for length in (*range(14, len(data) - 1, 97), len(data) - 1):
        cut.write_bytes(data[:length])
        assert video_extent(cut) == "cut"
        frames = list[object]()
        with pytest.raises(InputError, match=r"the file is cut|expected a video|is damaged after frame") as caught:
            frames.extend(read_frames(cut))
        assert re.search(rf"and {len(frames)} came|after frame {len(frames) - 1}:|expected", str(caught.value))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_sound_may_be_longer_than_the_picture(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    import av

    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        sound = container.add_stream("aac" if name.endswith("mp4") else "pcm_s16le", rate=8000)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for _ in range(FRAMES):
            for packet in stream.encode(av.VideoFrame(48, 32, "yuv420p")):
                container.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        for packet in [*stream.encode(None), *sound.encode(silence), *sound.encode(None)]:
            container.mux(packet)
    with caplog.at_level(logging.WARNING, "semcom"):
        assert len(list(read_frames(tmp_path / name))) == FRAMES
    assert caplog.text == ""


def test_what_states_no_length(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("stream.ts", "live.mkv"):
        whole = write_clip(tmp_path / name, "mpeg4", **CONTAINERS[name])
        assert video_extent(whole) == "unstated"
        with caplog.at_level(logging.WARNING, "semcom"):
            assert len(list(read_frames(whole))) == FRAMES
        assert f"{name}: it does not state how many frames it has, and {FRAMES} came" in caplog.text


def test_boxes_of_large_and_of_open_length(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    first = b"\0\0\0\x0cftyp1234"
    path.write_bytes(first + b"\0\0\0\1mdat" + (20).to_bytes(8, "big") + b"data")
    assert video_extent(path) == "whole"
    path.write_bytes(first + b"\0\0\0\1mdat" + (21).to_bytes(8, "big") + b"data")
    assert video_extent(path) == "cut"
    path.write_bytes(first + b"\0\0\0\0mdat and so on")
    assert video_extent(path) == "whole"
    path.write_bytes(first + b"\0\0\0\3mdat")
    assert video_extent(path) == "cut"
