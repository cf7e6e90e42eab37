from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from semcom.errors import MissingExtra, SignalError
from semcom.sim.codecs.codec import CODECS, codec_named
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.hevc_syntax import NAL_SPS, luma_size, nal_units
from semcom.sim.codecs.jpeg2000 import Jpeg2000
from semcom.sim.codecs.rate_search import fill_budget
from semcom.sim.codecs.scaled import decode_scaled, encode_at_budget, scaled_sides
from semcom.sim.metrics.psnr import psnr_db
from skimage import data

HERE = [name for name in CODECS if name != "bpg"]  # bpg needs programs of its own: test_bpg.py
PHOTOS = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea}


def photo(name: str = "astronaut", height: int = 128, width: int = 192) -> np.ndarray:
    picture = Image.fromarray(PHOTOS[name]()).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def middle(name: str, height: int = 128, width: int = 192) -> int:
    return codec_named(name).knob(height, width).at_one_bpp


@pytest.mark.parametrize("name", ["hevc", "jpeg2000"])
@pytest.mark.parametrize(("picture", "bits_per_pixel"), [("astronaut", 0.5), ("coffee", 0.9), ("chelsea", 1.3)])
def test_photographs_fill_at_least_97_percent_of_the_budget(name, picture, bits_per_pixel):
    image = photo(picture, 256, 384)
    budget = int(bits_per_pixel * image.size / 3 / 8)
    coded = encode_at_budget(codec_named(name), image, budget)
    assert coded.data is not None
    assert 0.97 * budget <= len(coded.data) <= budget
    assert psnr_db(image, codec_named(name).decode(coded.data, 256, 384)) > 26


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_no_budget_is_exceeded_by_any_picture_of_any_size(draw):
    name = draw.draw(st.sampled_from(HERE))
    height, width = draw.draw(st.integers(1, 40)), draw.draw(st.integers(1, 40))
    seed, budget = draw.draw(st.integers(0, 99)), draw.draw(st.integers(0, 3000))
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8) // rng.choice([1, 16, 128]).astype(np.uint8)
    codec = codec_named(name)
    found = fill_budget(lambda k: codec.encode(image, k), codec.knob(height, width), budget, height * width)
    if found.data is None:
        assert found.smallest > budget
        return
    assert len(found.data) <= budget
    padded = found.data + bytes(budget - len(found.data))
    assert codec.decode(padded, height, width).shape == image.shape
    assert 0 <= codec.container_bytes(found.data) < len(found.data)


@pytest.mark.parametrize("name", HERE)
def test_more_of_the_knob_is_a_larger_file_and_a_better_picture(name):
    codec, image = codec_named(name), photo()
    knob = codec.knob(128, 192)
    settings = [knob.at_one_bpp + step for step in np.int64(np.array([-1, 0, 1]) * 0.7 * knob.per_octave)]
    files = [codec.encode(image, min(int(k), knob.highest)) for k in settings]
    assert len(files[0]) < len(files[1]) < len(files[2])
    qualities = [psnr_db(image, codec.decode(file, 128, 192)) for file in files]
    assert qualities[0] < qualities[1] < qualities[2]


@pytest.mark.parametrize("name", HERE)
def test_the_same_picture_gives_the_same_file(name):
    codec, image = codec_named(name), photo()
    assert codec.encode(image, middle(name)) == codec.encode(image.copy(), middle(name))


@pytest.mark.parametrize("name", HERE)
def test_a_version_has_a_number(name):
    assert re.search(r"\d+\.\d+", codec_named(name).version())


# Against other decoders


def test_jpeg2000_is_read_alike_by_another_decoder():
    import av

    image = photo("coffee")
    file = Jpeg2000().encode(image, middle("jpeg2000"))
    context = av.CodecContext.create("jpeg2000", "r")
    (frame,) = [*context.decode(av.Packet(file)), *context.decode(None)]
    ffmpegs = frame.to_ndarray(format="rgb24")
    assert np.abs(ffmpegs.astype(int) - Jpeg2000().decode(file, 128, 192)).max() <= 2
    assert abs(psnr_db(image, ffmpegs) - psnr_db(image, Jpeg2000().decode(file, 128, 192))) < 0.05
    assert b"OpenJPEG" not in file


def test_the_reversible_wavelet_is_lossless_where_the_budget_allows():
    image, codec = photo(), codec_named("jpeg2000", wavelet="5-3")
    coded = encode_at_budget(codec, image, image.size)
    assert coded.data is not None
    np.testing.assert_array_equal(codec.decode(coded.data, 128, 192), image)


def test_hevc_is_an_annex_b_stream_that_another_reader_opens():
    import io

    import av

    image = photo("coffee")
    file = Hevc().encode(image, middle("hevc"))
    with av.open(io.BytesIO(file), format="hevc") as container:
        (frame,) = container.decode(video=0)
    frame.color_range, frame.colorspace = 2, 5  # full range, BT.601: what both ends have agreed
    swscales = frame.reformat(format="rgb24").to_ndarray()
    ours = psnr_db(image, Hevc().decode(file, 128, 192))
    assert ours == pytest.approx(psnr_db(image, swscales), abs=0.3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 24), (33, 65), (130, 70), (8, 300)])
def test_hevc_pads_to_multiples_of_eight_and_says_so(height, width):
    image = photo("chelsea", height, width)
    file = Hevc(preset="ultrafast").encode(image, 500)
    assert Hevc().decode(file, height, width).shape == image.shape
    (sps,) = [unit.payload for unit in nal_units(file) if unit.kind == NAL_SPS]
    assert luma_size(sps) == tuple(max(-(-side // 8) * 8, 16) for side in (height, width))


@pytest.mark.parametrize(("height", "width"), [(1200, 72), (2000, 9), (4217, 16), (16, 8192), (65535, 1)])
@pytest.mark.parametrize("parameter_sets", ["sent", "agreed"])
def test_hevc_takes_long_and_narrow_pictures(height, width, parameter_sets):
    """FFmpeg's limit counts padded rows; and beyond 4222 pixels HEVC has no coding tree blocks of 16."""
    codec = Hevc(preset="ultrafast", parameter_sets=parameter_sets)
    image = np.full((height, width, 3), 100, np.uint8)
    np.testing.assert_array_equal(codec.decode(codec.encode(image, 80), height, width), image)


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slow", "slower"])
def test_agreed_parameter_sets_are_those_of_every_preset_and_rate(preset):
    for setting in (100, 700):
        sent = Hevc(preset=preset).encode(photo(), setting)
        agreed = Hevc(preset=preset, parameter_sets="agreed").encode(photo(), setting)
        assert sent.endswith(agreed)
        assert len(sent) - len(agreed) == Hevc().container_bytes(sent) > 70
        one = Hevc(parameter_sets="agreed").decode(agreed + bytes(3), 128, 192)
        np.testing.assert_array_equal(one, Hevc().decode(sent, 128, 192))


# What belongs to the container


def test_container_bytes_by_the_markers_of_the_formats():
    image = photo()
    j2k = codec_named("jpeg2000").encode(image, middle("jpeg2000"))
    assert codec_named("jpeg2000").container_bytes(j2k) == j2k.index(b"\xff\x93") + 2 + 2  # up to SOD, and EOC
    webp = codec_named("webp").encode(image, middle("webp"))
    frame_bytes = int.from_bytes(webp[16:20], "little")
    assert codec_named("webp").container_bytes(webp) == 20
    assert len(webp) - 20 - frame_bytes in (0, 1)  # a chunk of odd length is padded
    avif = codec_named("avif").encode(image, middle("avif"))
    at = avif.index(b"mdat")
    assert codec_named("avif").container_bytes(avif) == len(avif) - (int.from_bytes(avif[at - 4 : at], "big") - 8)


# Scales


def test_scales_are_rounded_up_and_undone():
    assert [scaled_sides(5, 8, eighths) for eighths in (8, 4, 1)] == [(5, 8), (3, 4), (1, 1)]
    image = photo()
    coded = encode_at_budget(codec_named("webp"), image, 600, scales_eighths=(8, 4))
    assert coded.scale_eighths == 4
    assert decode_scaled(codec_named("webp"), coded.data, 128, 192, 4).shape == image.shape


def test_a_scale_that_loses_more_than_the_best_has_lost_is_not_coded():
    class Counted:
        """JPEG 2000, and the sizes that it coded."""

        def __init__(self) -> None:
            self.coded, self._jpeg2000 = [], codec_named("jpeg2000")

        def encode(self, picture: np.ndarray, setting: int) -> bytes:
            self.coded.append(picture.shape[:2])
            return self._jpeg2000.encode(picture, setting)

        def __getattr__(self, name: str) -> object:
            return getattr(self._jpeg2000, name)

    image = photo(height=128, width=192)
    for budget, sides in ((9000, {(128, 192)}), (400, {(128, 192), (64, 96)})):
        codec = Counted()
        found = encode_at_budget(codec, image, budget, scales_eighths=(8, 4))
        assert set(codec.coded) == sides
        both = [encode_at_budget(codec_named("jpeg2000"), image, budget, scales_eighths=[scale]) for scale in (8, 4)]
        quality_db = [
            psnr_db(image, decode_scaled(codec_named("jpeg2000"), one.data, 128, 192, one.scale_eighths))
            for one in both
        ]
        assert found.data == both[int(np.argmax(quality_db))].data


def test_nothing_fits_at_any_scale():
    coded = encode_at_budget(codec_named("hevc"), photo(), 50, scales_eighths=(8, 4))
    assert coded.data is None
    assert coded.smallest > 50


# Damage


@pytest.mark.parametrize("name", HERE)
def test_a_declared_size_is_refused_before_anything_is_decoded(name):
    file = codec_named(name).encode(photo(), middle(name))
    for height, width in ((128, 200), (136, 192), (60000, 60000)):
        with pytest.raises(SignalError, match=f"codec {name}: expected"):
            codec_named(name).decode(file, height, width)


FUZZ = """
import resource, sys
import numpy as np
from semcom.errors import SignalError
from semcom.sim.codecs.codec import codec_named
from skimage import data
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
image = np.ascontiguousarray(data.astronaut()[:64, 100:180])
rng = np.random.default_rng(int(sys.argv[2]))
codec = codec_named(sys.argv[1])
file = np.frombuffer(codec.encode(image, codec.knob(64, 80).at_one_bpp), np.uint8)
refused = 0
for trial in range(200):
    damaged = file.copy()
    if trial % 4 == 0:
        damaged[rng.integers(0, min(file.size, 200), 3)] = rng.integers(0, 256, 3)
    elif trial % 4 == 1:
        damaged[rng.integers(0, file.size, 30)] = rng.integers(0, 256, 30)
    elif trial % 4 == 2:
        damaged = damaged[: rng.integers(0, file.size)]
    else:
        low, high = np.sort(rng.integers(0, file.size, 2))
        damaged = np.concatenate([damaged[:low], damaged[high:], damaged[low:high]])
    try:
        assert codec.decode(damaged.tobytes(), 64, 80).shape == (64, 80, 3)
    except SignalError:
        refused += 1
assert refused > 20
(peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]  # ru_maxrss counts the parent, too
assert int(peak.split()[1]) < 400_000
assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 400_000
"""


@pytest.mark.parametrize("name", HERE)
def test_damaged_files_end_neither_the_process_nor_its_patience(name):
    done = subprocess.run([sys.executable, "-c", FUZZ, name, "3"], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r'codec hevc needs av: pip install "gr-semcom\[links\]"'):
        codec_named("hevc").check()


def test_pictures_beyond_the_format_are_refused():
    with pytest.raises(SignalError, match="codec webp: expected sides of at most 16383, got 1 x 16384"):
        codec_named("webp").encode(np.zeros((1, 16384, 3), np.uint8), 10)
    with pytest.raises(SignalError, match="codec avif: expected sides of at most 16384, got 1 x 16385"):
        codec_named("avif").encode(np.zeros((1, 16385, 3), np.uint8), 10)
