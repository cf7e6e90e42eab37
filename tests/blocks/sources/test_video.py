from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.sources.video import Video
from semcom.errors import InputError


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import av

    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 32, 32, "bgr0"
        for number in range(5):
            picture = np.full((32, 32, 3), number * 40, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_frames_in_order_and_again(clip: Path) -> None:
    items = list(Video(Video.Params(path=str(clip), size=[16, 16], max_frames=4, repeat=2)).work())
    assert [out.label for out in items] == [f"clip-{number:06d}" for number in (0, 1, 2, 3)] * 2
    assert [int(out.value[3, 3, 0]) for out in items] == [0, 40, 80, 120] * 2
    assert {out.value.shape for out in items} == {(16, 16, 3)}


def test_a_missing_file() -> None:
    with pytest.raises(InputError, match=r"gone\.mp4: no such file"):
        next(Video(Video.Params(path="gone.mp4")).work())


def test_a_file_that_is_cut_fails_the_run_or_is_noted(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    items = list[object]()
    with pytest.raises(InputError, match="the file is cut: it states 5 frames, and 2 came"):
        items.extend(Video(Video.Params(path=str(cut))).work())
    skipping = Video(Video.Params(path=str(cut), on_error="skip", repeat=2)).work()
    assert [int(out.value[3, 3, 0]) for out in skipping] == [0, 40] * 2
    assert len(items) == 2
    assert caplog.text.count("it states 5 frames, and 2 came") == 1
    cut.write_bytes(clip.read_bytes()[:300])
    with pytest.raises(InputError, match="expected a video"):
        next(Video(Video.Params(path=str(cut), on_error="skip")).work())
