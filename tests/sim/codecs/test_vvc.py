from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import MissingExtra, SignalError, UsageError
from semcom.sim.codecs import vvc
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.rate_search import fill_budget
from semcom.sim.codecs.vvc import QP_STEPS, Vvc
from semcom.sim.codecs.ycbcr import ycbcr_to_rgb
from semcom.sim.metrics.psnr import psnr_db
from skimage import data

PRESETS = ("faster", "fast", "medium", "slow", "slower")
QUICK = Vvc("faster")
AT_QP_22 = (60 - 22) * QP_STEPS


def photo(name: str = "astronaut", height: int = 32, width: int = 64) -> np.ndarray:
    picture = Image.fromarray(getattr(data, name)())
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {preset: Vvc(preset).encode(photo(), AT_QP_22) for preset in PRESETS}


# The stream


@pytest.mark.parametrize("preset", PRESETS)
def test_another_build_of_ffmpeg_decodes_the_same_samples(files, preset):
    import av

    context = av.CodecContext.create("vvc", "r")
    (frame,) = [*context.decode(av.Packet(files[preset])), *context.decode(None)]
    assert (frame.format.name, frame.height, frame.width) == ("yuv420p10le", 32, 64)
    luma, *chroma = (np.frombuffer(plane, "<u2").reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes)
    doubled = (
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((64, 32), Image.Resampling.BICUBIC)).round()
        for plane in chroma
    )
    theirs = ycbcr_to_rgb(np.stack([luma, *(plane.clip(0, 1023).astype(np.uint16) for plane in doubled)]), 10)
    np.testing.assert_array_equal(theirs, Vvc().decode(files[preset] + bytes(9), 32, 64))


def test_the_file_ends_with_the_slice_and_nothing_that_vvenc_says(files):
    for file in files.values():
        assert b"onfig" not in file
    flat = np.full((32, 64, 3), 100, np.uint8)
    assert len(QUICK.encode(flat, 0)) - QUICK.container_bytes(QUICK.encode(flat, 0)) < 40
    np.testing.assert_allclose(QUICK.decode(QUICK.encode(flat, AT_QP_22), 32, 64), flat, atol=1)


def test_a_file_has_at_most_a_byte_a_pixel():
    """FFmpeg leaves vvenc so much room: 8 bits a pixel of uniform noise, 4:2:0, are those of a QP near 20."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    file = QUICK.encode(noise, 60 * QP_STEPS)
    assert 0.8 * 32 * 64 < len(file) <= 32 * 64
    assert QUICK.qp(file, 32, 64) in range(16, 27, 2)
    assert file == QUICK.encode(noise, 60 * QP_STEPS - 7)


@pytest.mark.parametrize("qp", [16, 22, 37, 60])
def test_qp_is_that_asked_for(qp):
    """By FFmpeg's reader of headers."""
    file = QUICK.encode(photo(), (60 - qp) * QP_STEPS)
    assert QUICK.qp(file + bytes(5), 32, 64) == qp
    assert QUICK.decode(file, 32, 64).shape == (32, 64, 3)


def test_qp_by_the_agreed_sets_is_the_same():
    agreed = Vvc("faster", "agreed")
    assert agreed.qp(agreed.encode(photo(), AT_QP_22), 32, 64) == 22


def test_eighths_of_a_qp_are_steps_of_a_few_percent():
    """A whole QP is a factor of 2 ** (1 / 6) in the quantiser, some 10 % of a file."""
    image = photo("coffee", 64, 96)
    sizes = np.array([len(QUICK.encode(image, AT_QP_22 + step)) for step in range(2 * QP_STEPS + 1)])
    steps = np.diff(np.log(sizes))
    assert steps.min() > -0.02
    assert steps.max() < 0.06
    assert 0.1 < steps.sum() < 0.35


@pytest.mark.parametrize(("preset", "qp"), [*((preset, 22) for preset in PRESETS), ("faster", 0), ("faster", 60)])
def test_agreed_is_what_was_sent_less_its_head_and_a_byte_more(files, preset, qp):
    setting = (60 - qp) * QP_STEPS
    sent = files[preset] if qp == 22 else Vvc(preset).encode(photo(), setting)
    codec = Vvc(preset, "agreed")
    file = codec.encode(photo(), setting)
    assert (file[0], codec.container_bytes(file)) == (PRESETS.index(preset), 1)
    assert sent.endswith(file[1:])
    assert len(sent) - len(file) + 1 == Vvc(preset).container_bytes(sent) > 55
    another = Vvc(parameter_sets="agreed")  # the file says the preset
    np.testing.assert_array_equal(another.decode(file + bytes(3), 32, 64), Vvc().decode(sent, 32, 64))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 24), (33, 65), (8, 300), (1200, 9), (2, 17000)])
@pytest.mark.parametrize("parameter_sets", ["sent", "agreed"])
def test_sizes_of_all_sorts(height, width, parameter_sets):
    codec = Vvc("faster", parameter_sets)
    flat = np.full((height, width, 3), (90, 120, 140), np.uint8)
    np.testing.assert_allclose(codec.decode(codec.encode(flat, AT_QP_22), height, width), flat, atol=3)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_it_beats_hevc_at_the_same_bytes(name):
    image = photo(name, 256, 384)
    budget = int(0.4 * 256 * 384 / 8)
    quality_db = {}
    for codec in (Hevc("medium"), Vvc("fast")):
        found = fill_budget(
            lambda setting, codec=codec: codec.encode(image, setting), codec.knob(256, 384), budget, 256 * 384
        )
        assert found.data is not None
        assert 0.97 * budget < len(found.data) <= budget
        quality_db[type(codec)] = psnr_db(image, codec.decode(found.data, 256, 384))
    assert quality_db[Vvc] > quality_db[Hevc] + 0.4


# Damage


@pytest.mark.parametrize("parameter_sets", ["sent", "agreed"])
@pytest.mark.parametrize("seed", range(3))
def test_damage_is_refused_or_gives_a_picture_of_the_size(parameter_sets, seed):
    codec, rng = Vvc("faster", parameter_sets), np.random.default_rng(seed)
    file = np.frombuffer(codec.encode(photo(), AT_QP_22), np.uint8)
    for kind in range(8):
        damaged = file.copy()
        if kind < 4:
            at = rng.integers(0, min(file.size, 80))
            damaged[at] ^= 1 << rng.integers(0, 8)
        elif kind < 6:
            damaged[rng.integers(0, file.size, 20)] = rng.integers(0, 256, 20)
        elif kind == 6:
            damaged = damaged[: rng.integers(0, file.size)]
        else:
            damaged = np.concatenate([file[:70], rng.integers(0, 256, 2000).astype(np.uint8)])
        for read in (codec.decode, codec.qp):
            try:
                found = read(damaged.tobytes(), 32, 64)
            except SignalError:
                continue
            assert np.shape(found) in ((32, 64, 3), ())


def test_a_picture_on_its_side_is_another_size(files):
    with pytest.raises(SignalError, match="expected one picture of 64 x 32, got another or none; ffmpeg said: nothing"):
        QUICK.decode(files["faster"], 64, 32)


@pytest.mark.parametrize(
    ("parameter_sets", "file", "message"),
    [
        ("sent", b"", r"expected parameter sets and one intra slice, got NAL units \[\]"),
        ("sent", bytes(99), r"expected parameter sets and one intra slice, got NAL units \[\]"),
        ("agreed", b"", "the file is damaged: its first byte names no preset"),
        ("agreed", b"\x05", "the file is damaged: its first byte names no preset"),
        ("agreed", bytes(99), r"expected parameter sets and one intra slice, got NAL units \[20, 15, 16\]"),
        ("agreed", b"\x01" + b"\0\0\1\0\x41" * 2, r".* one intra slice, got NAL units \[20, 15, 16, 8, 8\]"),
    ],
)
def test_what_is_no_file_is_said(parameter_sets, file, message):
    for read in (Vvc(parameter_sets=parameter_sets).decode, Vvc(parameter_sets=parameter_sets).qp):
        with pytest.raises(SignalError, match=f"codec vvc: {message}"):
            read(file, 32, 64)


def test_what_ffmpeg_says_of_damage_is_said(files):
    cut = files["faster"][:-100]
    with pytest.raises(SignalError, match=r"codec vvc: ffmpeg ended with code \d+ and said: \w+"):
        QUICK.decode(cut, 32, 64)


@pytest.mark.parametrize("shape", [(1, 25329), (10000, 10000)])
@pytest.mark.parametrize("parameter_sets", ["sent", "agreed"])
def test_what_is_beyond_the_highest_level_is_refused_at_once(shape, parameter_sets):
    """Level 6.3 of ITU-T H.266, table A.1: 80216064 samples, and no side above the root of eight times that."""
    codec = Vvc(parameter_sets=parameter_sets)
    message = f"expected sides of at most 25328, and at most 80216064 pixels, got {shape[0]} x {shape[1]}"
    with pytest.raises(SignalError, match=message):
        codec.encode(np.broadcast_to(np.uint8(9), (*shape, 3)), 80)
    with pytest.raises(SignalError, match=message):
        codec.decode(b"\0\0\0\1\0\x41", *shape)


# The program


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Put a stand-in in ffmpeg's place; what the module remembers of it is forgotten."""

    def put(text: str) -> Path:
        file = tmp_path / "ffmpeg"
        file.write_text(f"#!{sys.executable}\nimport sys, time\n{text}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(file))
        return file

    def forget() -> None:
        vvc._program.cache_clear()
        vvc._agreed.cache_clear()

    forget()
    yield put
    forget()


HAS_VVENC = 'if "-h" in sys.argv: sys.exit(print("Encoder libvvenc"))\n'


def test_a_missing_package_is_one_sentence(monkeypatch, program):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r'codec vvc needs imageio-ffmpeg: pip install "gr-semcom\[links\]"'):
        QUICK.check()


def test_an_ffmpeg_without_vvenc_is_said(program):
    file = program("print('FFmpeg')")
    with pytest.raises(UsageError, match=f"an ffmpeg with libvvenc, got {file}; unset IMAGEIO_FFMPEG_EXE, or install"):
        QUICK.check()


def test_an_ffmpeg_that_does_not_start_is_said(program, monkeypatch):
    file = program(HAS_VVENC)
    QUICK.check()
    file.unlink()
    message = r"expected imageio-ffmpeg to have an ffmpeg that runs: .*No such file"
    with pytest.raises(UsageError, match=message):
        QUICK.encode(photo(), 80)
    vvc._program.cache_clear()
    with pytest.raises(UsageError, match=message):
        QUICK.check()
    program("time.sleep(60)")
    monkeypatch.setattr(vvc, "_SECONDS_TO_START", 0.2)
    with pytest.raises(UsageError, match=r"expected imageio-ffmpeg to have an ffmpeg that runs: .*timed out"):
        QUICK.check()


@pytest.mark.parametrize("parameter_sets", ["sent", "agreed"])
def test_an_ffmpeg_that_hangs_is_given_up(program, parameter_sets):
    program(f"{HAS_VVENC}time.sleep(60)")
    codec = Vvc("faster", parameter_sets, timeout_s=0.2)
    for call in (lambda: codec.encode(photo(), 80), lambda: codec.decode(b"\0\0\0\1\0\x41", 32, 64)):
        with pytest.raises(SignalError, match=r"codec vvc: ffmpeg took more than 0\.2 s"):
            call()


def test_what_goes_wrong_in_the_child_is_said(program):
    program(f"{HAS_VVENC}sys.exit('[libvvenc @ 0x5] [error] no memory')")
    with pytest.raises(SignalError, match="codec vvc: ffmpeg ended with code 1 and said: no memory"):
        QUICK.encode(photo(), 80)
    program(f"{HAS_VVENC}sys.exit(3)")
    with pytest.raises(SignalError, match="codec vvc: ffmpeg ended with code 3 and said: nothing"):
        QUICK.encode(photo(), 80)
    program(f"{HAS_VVENC}print('[a @ 0x5] [error] too small', file=sys.stderr)")
    with pytest.raises(SignalError, match="codec vvc: vvenc refuses a picture of 32 x 64: too small"):
        QUICK.encode(photo(), 80)
    with pytest.raises(SignalError, match="codec vvc: the stream is damaged: its head tells no QP"):
        QUICK.qp(b"\0\0\0\1\0\x41", 32, 64)


def test_a_vvenc_of_other_parameter_sets_is_said(monkeypatch):
    monkeypatch.setattr(vvc, "_agreed", lambda *_: b"others'")
    with pytest.raises(SignalError, match="expected the agreed parameter sets from vvenc, got others; use sent"):
        Vvc("faster", "agreed").encode(photo(), AT_QP_22)
