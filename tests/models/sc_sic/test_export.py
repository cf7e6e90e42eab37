from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from semcom.blocks.encoders.onnx import Onnx
from semcom.blocks.encoders.sc_sic import ScSic
from semcom.blocks.envelope import Header
from semcom.cli import main
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.onnx.metadata import OnnxMetadata
from semcom.models.sc_sic.codec import Codec
from semcom.models.sc_sic.export import export_sc_sic
from semcom.models.weights.file import sha256_of
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.sc_sic_mode import ScSicMode


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory, keep_traces: Callable[[], AbstractContextManager[None]]) -> Path:
    folder = tmp_path_factory.mktemp("mini")
    with keep_traces():
        done = CliRunner().invoke(main, ["export", "sc-sic", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    path = folder / "sc-sic-mini-48-encoder.onnx"
    assert f"{path}: " in done.output
    assert done.output.count("  beside torch at ") == 3
    return path


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng([height, width]).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoder(**params: object) -> Onnx:
    made = Onnx(Onnx.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def test_the_block_sends_what_the_networks_own_block_sends(mini: Path) -> None:
    own = ScSic(name="encoder", seed=7)
    own.start()
    exported = encoder(path=str(mini))
    for size in ((32, 32), (96, 64)):  # none of them exported or compared
        one, other = own.work(photo(*size)), exported.work(photo(*size))
        np.testing.assert_allclose(other.value, one.value, atol=1e-4)
        assert dict(Header().with_fields(*other.header)) == dict(Header().with_fields(*one.header))


def test_full_scale_with_its_downscale(tiny_cascade: Path, tmp_path: Path) -> None:
    """Sides that 0.75 and the stride cut: 160 x 224 pixels are encoded as 96 x 160."""
    (made,) = export_sc_sic(tmp_path, variant="tiny", weights=str(tiny_cascade), sizes=[(160, 224)])
    assert made.metadata.about(Codec.knows, made.path).weights_sha256 == sha256_of(
        tiny_cascade / "effnet_encoder.safetensors"
    )
    assert made.parity[0].relative < 1e-4
    out = encoder(path=str(made.path)).work(photo(160, 224))
    assert out.value.shape == (16 * 3 * 5,)
    header = Header().with_fields(*out.header)
    assert header.read(ImageShape) == ImageShape(160, 224)
    assert header.read(ScSicMode).downscale is None


def test_the_file_says_what_it_is(mini: Path) -> None:
    props = onnxruntime.InferenceSession(mini.read_bytes()).get_modelmeta().custom_metadata_map
    metadata = OnnxMetadata.from_props(props, mini)
    about = metadata.about(Codec.knows, mini)
    assert (metadata.system, metadata.role, about.variant, about.patch) == ("sc-sic", "encoder", "mini-48", 32)
    assert not about.any_downscale


def test_sides_that_do_not_fit(mini: Path) -> None:
    with pytest.raises(SignalError) as caught:
        encoder(path=str(mini)).work(photo(64, 70))
    assert str(caught.value) == (
        "sc-sic: expected sides that are multiples of 32 pixels, got 64 x 70; scale or crop the picture, to 64 x 64 "
        "for example"
    )


def test_what_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="semcom fetch sc-sic"):
        list(export_sc_sic(tmp_path, variant="lite", weights=str(tmp_path)))
    with pytest.raises(UsageError, match="no weights 'mini-7' are shipped"):
        list(export_sc_sic(tmp_path, variant="mini-7"))
