"""`decoders/codec_diffusion` behind `encoders/image_codec`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.decoders.codec_diffusion import CodecDiffusion
from semcom.blocks.decoders.image_codec import ImageCodec as Plain
from semcom.blocks.encoders.image_codec import ImageCodec as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.errors import SignalError, WeightsError
from semcom.models.codec_diffusion.engine import load
from semcom.models.codec_diffusion.names import SHIPPED
from semcom.models.codec_diffusion.receiver import Receiving
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.scaled import scaled_sides
from semcom.sim.codecs.vvc import Vvc
from semcom.sim.mean_colour import MEAN_COLOUR
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.coded_image import CodedImage
from skimage import data


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[100:228, 200:391])


def coded(photo: np.ndarray, **params: object) -> tuple[np.ndarray, Header]:
    encoder = Encoder(Encoder.Params.model_validate({"codec": "hevc", "scheme": "16qam-1/2", "cbr": "1/24", **params}))
    encoder.start()
    out = encoder.work(photo)
    return out.value, Header().with_fields(*out.header)


def decoder(**params: object) -> CodecDiffusion:
    made = CodecDiffusion(CodecDiffusion.Params.model_validate(params), name="decoder")
    made.start()
    return made


def plain(frame: np.ndarray, header: Header) -> np.ndarray:
    block = Plain()
    block.start()
    picture: np.ndarray = block.work(frame, header, State()).value
    return picture


@pytest.mark.parametrize("codec", ["hevc", "vvc"])
def test_d_is_nearer_than_the_coders_picture_and_p_adds_detail(photo: np.ndarray, codec: str) -> None:
    frame, header = coded(photo, codec=codec)
    alone = plain(frame, header)
    d, p = (decoder(variant=f"{codec}-{v}").work(frame, header, State(), Identity()).value for v in "dp")
    assert d.shape == p.shape == photo.shape
    assert psnr_db(photo, d) > psnr_db(photo, alone)
    assert psnr_db(photo, p) > psnr_db(photo, alone) - 0.6  # and no noise
    steep, steeper = (np.abs(np.diff(picture.astype(float), axis=1)).mean() for picture in (alone, p))
    assert steeper > steep


def test_without_guidance_it_is_the_picture_of_the_plain_decoder(photo: np.ndarray) -> None:
    for params in ({}, {"parameter_sets": "agreed", "scales": [0.5]}):
        frame, header = coded(photo, **params)
        out = decoder(guidance=0).work(frame, header, State(), Identity())
        assert np.array_equal(out.value, plain(frame, header))
        assert 16 < out.trace["qp"] < 51


@pytest.mark.parametrize("codec", ["hevc", "vvc"])
@pytest.mark.parametrize("params", [{}, {"parameter_sets": "agreed", "scales": [0.5]}])
def test_the_network_is_told_the_qp_and_the_scale_of_the_frame(
    photo: np.ndarray, params: dict[str, object], codec: str
) -> None:
    frame, header = coded(photo, codec=codec, **params)
    out = decoder(variant=f"{codec}-p").work(frame, header, State(), Identity())
    said, alone = header.read(CodedImage), plain(frame, header)
    sides = scaled_sides(*photo.shape[:2], said.scale_eighths)
    coder = {"hevc": Hevc, "vvc": Vvc}[codec](parameter_sets=said.parameter_sets)
    qp = coder.qp(frame.tobytes(), *sides)
    receiver, rng = load(f"{codec}-p"), np.random.default_rng(1)
    assert np.array_equal(out.value, receiver.denoised(alone, qp, said.scale_eighths, Receiving(), rng))
    assert not np.array_equal(out.value, receiver.denoised(alone, qp + 6, said.scale_eighths, Receiving(), rng))
    assert not np.array_equal(out.value, receiver.denoised(alone, qp, 12 - said.scale_eighths, Receiving(), rng))


@pytest.mark.parametrize("steps", [1, 3])
def test_half_the_guidance_is_half_way_from_hevcs_picture(photo: np.ndarray, steps: int) -> None:
    frame, header = coded(photo)
    half, whole = (
        decoder(variant="hevc-p", steps=steps, guidance=guidance)
        .work(frame, header, State(), Identity())
        .value.astype(float)
        for guidance in (0.5, 1)
    )
    middle = (plain(frame, header) + whole) / 2
    inside = (whole > 0) & (whole < 255)
    assert np.abs(whole - half).max() > 2
    assert np.abs(half - middle)[inside].max() <= 1  # of rounding


def test_items_draw_noise_of_their_own_and_a_seed_fixes_it(photo: np.ndarray) -> None:
    frame, header = coded(photo)
    free, fixed = decoder(variant="hevc-p", steps=2), decoder(variant="hevc-p", steps=2, seed=3)
    one, same, other = (free.work(frame, header, State(), Identity(seq)).value for seq in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(*(fixed.work(frame, header, State(), Identity(seq)).value for seq in (0, 1)))


@pytest.mark.parametrize("on_failure", ["mean_colour", "zero"])
def test_a_frame_that_failed_is_plain_and_counted(photo: np.ndarray, on_failure: str) -> None:
    frame, header = coded(photo)
    block = decoder(on_failure=on_failure)
    damaged = frame.copy()
    damaged[: len(damaged) // 2] ^= 0x55
    for data_in, state in ((frame, State(crc_ok=False)), (damaged, State())):
        out = block.work(data_in, header, state, Identity())
        assert (out.value == (MEAN_COLOUR if on_failure == "mean_colour" else 0)).all()
        assert out.trace["failed"] == 1.0


@pytest.mark.parametrize(
    ("codec", "instead"), [("webp", "or use decoders/image_codec"), ("vvc", "or variant: vvc-d here")]
)
def test_a_picture_of_another_coder_is_refused(photo: np.ndarray, codec: str, instead: str) -> None:
    frame, header = coded(photo, codec=codec)
    said = f"expected a picture coded by hevc, got one by {codec}; set codec: hevc in encoders/image_codec, {instead}"
    with pytest.raises(SignalError, match=said):
        decoder().work(frame, header, State(), Identity())


def test_of_weights_for_another_coder_no_variant_is_told(photo: np.ndarray) -> None:
    frame, header = coded(photo)
    with pytest.raises(SignalError, match=r"set codec: vvc in encoders/image_codec, or weights for hevc here$"):
        decoder(weights=str(SHIPPED.path("vvc-d"))).work(frame, header, State(), Identity())


def test_weights_of_another_system_are_refused() -> None:
    other = Path(__file__).parents[3] / "models" / "cdm_jscc" / "weights" / "d.safetensors"
    with pytest.raises(WeightsError, match=r"its card describes no network of codec-diffusion .* give weights of one"):
        decoder(weights=str(other))
