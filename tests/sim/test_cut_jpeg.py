import io
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import InputError
from semcom.sim.cut_jpeg import read_cut_jpeg
from semcom.sim.images import image_files, read_image


def jpeg(side: int, mode: str = "RGB", **options: object) -> bytes:
    photograph = Image.open(image_files("builtin:coffee")[0]).resize((side, side)).convert(mode)
    stream = io.BytesIO()
    photograph.save(stream, "JPEG", quality=85, **options)  # type: ignore[arg-type]
    return stream.getvalue()


KINDS = [
    {"side": side, "progressive": progressive, "subsampling": subsampling, "mode": mode}
    for side in (64, 160)
    for progressive in (False, True)
    for subsampling, mode in ((0, "RGB"), (2, "RGB"), (0, "L"), (0, "CMYK"))
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_without_its_end_mark_every_pixel_is_there(
    tmp_path: Path, kind: dict[str, object], cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    data = jpeg(**kind)  # type: ignore[arg-type]
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-cut])
    with caplog.at_level(logging.WARNING, "semcom"):
        picture = read_image(tmp_path / "cut.jpg")
    np.testing.assert_array_equal(picture, read_image(tmp_path / "whole.jpg"))
    said = [record.getMessage() for record in caplog.records]
    expected = [f"{tmp_path / 'cut.jpg'}: the file is cut: no pixel is missing"]
    assert said == expected or (said, kind["side"], kind["mode"]) == ([], 64, "L")  # which Pillow takes for whole


@pytest.mark.parametrize("kind", KINDS)
def test_the_pixels_lost_are_counted(kind: dict[str, object]) -> None:
    data = jpeg(**kind)  # type: ignore[arg-type]
    whole = np.asarray(Image.open(io.BytesIO(data)))
    for cut in (4, 8, 20):
        if (mended := read_cut_jpeg(data[:-cut])) is None:
            continue
        shown = np.asarray(Image.open(io.BytesIO(mended[0])))
        wrong = (shown != whole).reshape(*whole.shape[:2], -1).any(axis=2)
        assert wrong.sum() <= 1.05 * mended[1] <= 1.05 * max(320, whole[..., 0].size // 64)
    assert read_cut_jpeg(data[:-8]) is not None or kind["mode"] == "CMYK"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85])
def test_truncated_pictures_are_refused(tmp_path: Path, kind: dict[str, object], share: float) -> None:
    data = jpeg(**kind)  # type: ignore[arg-type]
    (tmp_path / "cut.jpg").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"cut\.jpg: (the picture is truncated or damaged|expected a picture)"):
        read_image(tmp_path / "cut.jpg")


def test_a_progressive_picture_cut_between_its_scans_is_refused() -> None:
    data = jpeg(160, progressive=True, subsampling=0)
    scans = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for scan in scans[1:]:
        assert read_cut_jpeg(data[:scan]) is None


def test_what_is_no_jpeg() -> None:
    assert read_cut_jpeg(b"") is None
    assert read_cut_jpeg(b"\xff\xd8\xff\xda\xff") is None
