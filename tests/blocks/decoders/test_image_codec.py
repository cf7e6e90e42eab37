from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.image_codec import ImageCodec
from semcom.blocks.encoders.image_codec import ImageCodec as Encoder
from semcom.blocks.envelope import Header, State
from semcom.sim.mean_colour import MEAN_COLOUR
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.coded_image import CodedImage
from semcom.sim.side_information.image_shape import ImageShape
from skimage import data


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:96, 128:256])


def coded(photo: np.ndarray, **params: object) -> tuple[np.ndarray, Header]:
    encoder = Encoder(Encoder.Params.model_validate({"scheme": "16qam-1/2", "cbr": "1/3", **params}))
    encoder.start()
    out = encoder.work(photo)
    return out.value, Header().with_fields(*out.header)


def decoder(**params: object) -> ImageCodec:
    made = ImageCodec(ImageCodec.Params.model_validate(params))
    made.start()
    return made


@pytest.mark.parametrize("codec", ["jpeg2000", "hevc", "avif", "webp", "vvc"])
@pytest.mark.parametrize("crc_ok", [True, None])
def test_what_was_sent_is_decoded(photo, codec, crc_ok):
    value, header = coded(photo, codec=codec)
    out = decoder().work(value, header, State(crc_ok=crc_ok))
    assert out.trace == {"failed": 0.0, "counts_as_zero": 0.0}
    assert psnr_db(photo, out.value) > 28


def test_agreed_parameter_sets_leave_their_bytes_to_the_picture(photo):
    value, header = coded(photo, parameter_sets="agreed", cbr="1/8")
    agreed = psnr_db(photo, decoder().work(value, header, State()).value)
    value, header = coded(photo, cbr="1/8")
    assert agreed > psnr_db(photo, decoder().work(value, header, State()).value)


@pytest.mark.parametrize("codec", ["jpeg2000", "hevc"])
def test_a_frame_whose_check_sum_failed_is_a_failure_even_if_it_decodes(photo, codec):
    value, header = coded(photo, codec=codec)
    out = decoder().work(value, header, State(crc_ok=False))
    assert out.trace == {"failed": 1.0, "counts_as_zero": 0.0}
    np.testing.assert_array_equal(out.value, np.broadcast_to(np.uint8(MEAN_COLOUR), photo.shape))
    out = decoder(on_failure="zero").work(value, header, State(crc_ok=False))
    assert out.trace == {"failed": 1.0, "counts_as_zero": 1.0}
    assert not out.value.any()


@pytest.mark.parametrize("codec", ["jpeg2000", "hevc", "avif", "webp", "vvc"])
def test_a_file_that_does_not_decode_is_a_failure(photo, codec):
    value, header = coded(photo, codec=codec)
    for damaged in (value[:40], value[:0], np.zeros_like(value), value[::-1].copy()):
        assert decoder().work(damaged, header, State()).trace["failed"] == 1


@pytest.mark.parametrize("codec", ["jpeg2000", "hevc", "avif", "webp", "vvc"])
def test_a_file_of_another_size_than_the_header_says_is_a_failure(photo, codec):
    value, header = coded(photo, codec=codec)
    for shape in (ImageShape(96, 120), ImageShape(65535, 65535)):
        if shape.height < 1000:
            assert decoder().work(value, header.with_fields(shape), State()).trace["failed"] == 1


def test_the_file_of_one_coder_is_none_of_another(photo):
    value, header = coded(photo, codec="webp")
    for codec in ("jpeg2000", "hevc", "avif", "vvc"):
        said = header.with_fields(CodedImage(codec, 8, "sent", "picture"))
        assert decoder().work(value, said, State()).trace["failed"] == 1
