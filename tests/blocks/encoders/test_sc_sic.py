"""`encoders/sc_sic`."""

import functools
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.blocks.encoders.sc_sic import ScSic
from semcom.blocks.envelope import Header
from semcom.errors import MissingExtra, SignalError, UsageError, WeightsError
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.sc_sic_mode import ScSicMode


@functools.cache
def block(**params: Any) -> ScSic:
    torch.set_num_threads(1)
    made = ScSic(ScSic.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int = 64, width: int = 96) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


def test_the_embedding_and_its_header() -> None:
    out = block().work(photo())
    header = Header().with_fields(*out.header)
    assert out.value.shape == (16 * 4 * 6,)  # CR 48: one vector of 16 for 16 x 16 pixels of 3
    assert out.value.dtype == np.float32
    assert np.isfinite(out.value).all()
    assert header.read(ImageShape) == ImageShape(64, 96)
    assert header.read(ScSicMode).downscale is None
    assert header.bits == 32 + 24 + 2


@pytest.mark.parametrize(
    ("params", "downscale"),
    [
        ({"downscale": "auto", "esn0_db": 20}, 0.5),
        ({"downscale": "auto", "esn0_db": 10}, 0.75),
        ({"downscale": "auto", "esn0_db": 1}, 1.0),
        ({"downscale": "auto", "esn0_db": 1, "csit": "none"}, 0.75),
        ({"downscale": 0.5, "esn0_db": 1}, 0.5),
    ],
)
def test_the_size_follows_the_channel_and_is_told(params: dict[str, Any], downscale: float) -> None:
    out = block(**params).work(photo(128, 128))
    header = Header().with_fields(*out.header)
    assert header.read(ScSicMode).downscale == downscale
    assert out.value.size == 16 * int(8 * downscale) ** 2
    assert header.bits == 32 + 24 + 2


def test_full_scale_sends_what_its_network_gives(tiny_cascade: Path) -> None:
    """For stride 32 and a downscale of 0.75: 128 x 192 pixels are scaled to 96 x 144, and 144 is cut to 4 rows."""
    made = block(variant="tiny", weights=str(tiny_cascade))
    image = photo(128, 192)
    out = made.work(image)
    pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255
    with torch.no_grad():
        expected = made._codec.engine.network.encoder(pixels)[0]
    assert expected.shape == (16, 3, 4)
    np.testing.assert_allclose(out.value, expected.numpy().reshape(-1), rtol=1e-5, atol=1e-5)


def test_a_transmitter_needs_the_encoder_alone(tiny_cascade: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_cascade / "effnet_encoder.safetensors", tmp_path)
    made = block(variant="tiny", weights=str(tmp_path))
    assert made.work(photo()).value.shape == (16 * 1 * 2,)
    assert sum(p.numel() for p in made._codec.engine.network.parameters()) == sum(
        p.numel() for p in made._codec.engine.network.encoder.parameters()
    )


@pytest.mark.parametrize(
    ("variant", "height", "width", "words"),
    [
        ("mini-48", 50, 96, "multiples of 32 pixels, got 50 x 96; scale or crop the picture, to 64 x 96 for example"),
        ("tiny", 64, 100, "multiples of 32 pixels, got 64 x 100; scale or crop the picture, to 64 x 96 for example"),
        ("mini-48", 32, 65568, "sc-sic: expected sides of 1 to 65535 pixels, got 32 x 65568"),
    ],
)
def test_sides_that_do_not_fit(tiny_cascade: Path, variant: str, height: int, width: int, words: str) -> None:
    weights = str(tiny_cascade) if variant == "tiny" else None
    with pytest.raises(SignalError) as caught:
        block(variant=variant, weights=weights).work(np.zeros((height, width, 3), np.uint8))
    assert words in str(caught.value)


def test_a_picture_too_small_for_its_downscale(tiny_cascade: Path) -> None:
    with pytest.raises(SignalError, match=r"at least 43 pixels a side where it is scaled by 0\.75, got 32 x 96"):
        block(variant="tiny", weights=str(tiny_cascade)).work(np.zeros((32, 96, 3), np.uint8))


@pytest.mark.parametrize("value", [0.6, 0, 2])
def test_other_sizes_are_refused(value: float) -> None:
    with pytest.raises(ValidationError, match=f"expected auto or one of 0.5, 0.75, 1, got {value:g}"):
        ScSic.Params(downscale=value)


@pytest.mark.parametrize("variant", ["lite", "large"])
def test_weights_that_are_not_there_say_how_to_get_them(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was touched"))
    for weights, where in ((str(tmp_path), f"in {tmp_path}"), ("no-one/nothing", "of no-one/nothing in the hub's")):
        with pytest.raises(WeightsError) as caught:
            block(variant=variant, weights=weights)
        assert where in str(caught.value)
        assert "effnet_encoder.safetensors" in str(caught.value)
        assert f"semcom fetch sc-sic --variant {variant}" in str(caught.value)


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"^encoders/sc_sic: device: expected cpu, got cuda, and this torch finds"):
        block(device="cuda")


@pytest.mark.parametrize("module", ["torch", "diffusers"])
def test_a_missing_extra_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if module == "diffusers":
        monkeypatch.setitem(sys.modules, "diffusers.models.unets.unet_stable_cascade", None)
        monkeypatch.setitem(sys.modules, "diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model", None)
    else:
        for name in [name for name in sys.modules if name.startswith("semcom.models.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=f"encoders/sc_sic needs {module}"):
        ScSic(ScSic.Params()).start()
