"""Exported files beside the codec, at sizes, rates and SNRs other than those of the export's own comparison."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from semcom.errors import ExportError, UsageError, WeightsError
from semcom.models.deepjscc import export
from semcom.models.deepjscc.codec import Codec, Receiving, Sending
from semcom.models.deepjscc.engine import load
from semcom.models.deepjscc.export import export_deepjscc
from semcom.models.deepjscc.names import SHIPPED
from semcom.models.deepjscc.rates import RATES, Rate
from semcom.models.onnx import export as onnx_export
from semcom.models.onnx.metadata import OnnxMetadata
from semcom.models.weights.file import sha256_of


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.sqrt(np.mean(expected**2)))


@pytest.fixture(scope="module")
def codec() -> Codec:
    return load()


@pytest.mark.parametrize(("size", "esn0_db"), [((16, 16), 0.0), ((16, 240), 20.0), ((208, 112), 7.0)])
@pytest.mark.parametrize("rate", RATES)
def test_the_encoder_sends_what_the_codec_sends(
    deepjscc_onnx: dict[str, Path], codec: Codec, rate: Rate, size: tuple[int, int], esn0_db: float
) -> None:
    image = photo(*size)
    inputs = {"image": image, "rate": np.array([RATES.index(rate)]), "esn0_db": np.array([esn0_db], np.float32)}
    (every,) = session(deepjscc_onnx["encoder"]).run(None, inputs)
    expected = codec.encode(image, Sending(rate=rate, esn0_db=esn0_db)).features
    kept = expected.size // (size[0] * size[1] // 256)
    assert relative(every[:, :kept].reshape(-1), expected) < 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_the_decoder_gives_the_codecs_picture(deepjscc_onnx: dict[str, Path], codec: Codec, rate: Rate) -> None:
    image, rng = photo(48, 112), np.random.default_rng(1)
    frame = codec.encode(image, Sending(rate=rate, esn0_db=9))
    features = frame.features.copy()
    n0 = rng.uniform(0.01, 0.5, features.size).astype(np.float32)
    features += np.sqrt(n0 / 2) * rng.standard_normal(features.size).astype(np.float32)
    expected = codec.decode(frame.heard(n0, features), Receiving())
    kept = features.size // 21
    wide = [np.full((3, 7, 256), fill, np.float32) for fill in (0, 1)]
    for rows, values in zip(wide, (features, n0), strict=True):
        rows[..., :kept] = values.reshape(3, 7, kept)
    inputs = {"features": wide[0], "n0": wide[1], "rate": np.array([RATES.index(rate)]), "esn0_db": np.float32([9])}
    (picture,) = session(deepjscc_onnx["decoder"]).run(None, inputs)
    pixels = (picture.clip(0, 1) * 255).round()
    assert np.abs(pixels - expected).max() <= 1
    assert np.mean(pixels != expected) < 1e-3  # a value that lies on the edge of two pixels


def test_the_file_says_what_it_is(deepjscc_onnx: dict[str, Path]) -> None:
    for role, path in deepjscc_onnx.items():
        opened = session(path)
        metadata = OnnxMetadata.from_props(opened.get_modelmeta().custom_metadata_map, path)
        assert (metadata.system, metadata.role) == ("deepjscc", role)
        about = metadata.about(Codec.knows, path)
        assert about.rates == {"1/48": 32, "1/24": 64, "1/12": 128, "1/6": 256}
        assert (about.variant, about.patch, metadata.opset, metadata.format) == ("adaptive", 16, 18, 1)
        assert about.weights_sha256 == sha256_of(SHIPPED.path("adaptive"))


def test_nothing_of_this_machine_is_in_the_file(deepjscc_onnx: dict[str, Path]) -> None:
    for path in deepjscc_onnx.values():
        raw = path.read_bytes()
        assert str(Path(onnx_export.__file__).parent).encode() not in raw
        assert b"site-packages" not in raw
        assert b".py" not in raw


def test_half_precision_where_it_loses_nothing(deepjscc_onnx: dict[str, Path]) -> None:
    assert sum(path.stat().st_size for path in deepjscc_onnx.values()) < 1.1 * SHIPPED.path("adaptive").stat().st_size


def test_the_linear_code_too(tmp_path: Path) -> None:
    encoder, decoder = export_deepjscc(tmp_path / "new", variant="linear", sizes=[(32, 32), (64, 48)])
    assert [encoder.path.name, decoder.path.name] == ["deepjscc-linear-encoder.onnx", "deepjscc-linear-decoder.onnx"]
    assert len(encoder.parity) == len(decoder.parity) == 5
    assert max(parity.relative for parity in (*encoder.parity, *decoder.parity)) < 1e-5
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted([encoder.path.name, decoder.path.name])
    image = photo(32, 80)
    inputs = {"image": image, "rate": np.array([1]), "esn0_db": np.array([4], np.float32)}
    (every,) = session(encoder.path).run(None, inputs)
    expected = load("linear").encode(image, Sending(rate="1/24", esn0_db=4)).features
    assert relative(every[:, :64].reshape(-1), expected) < 1e-5


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "LARGEST_RELATIVE_ERROR", 1e-12)
    with pytest.raises(ExportError, match=r"encoder\.onnx: expected a relative error of at most 1e-12, got .* at 32 x"):
        list(export_deepjscc(tmp_path, variant="linear", sizes=[(32, 32)]))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"deepjscc-linear-encoder\.onnx: cannot be written: .*choose another folder"):
        list(export_deepjscc(tmp_path / "file", variant="linear", sizes=[(32, 32)]))


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file of weights"):
        list(export_deepjscc(tmp_path, weights=tmp_path / "none.safetensors"))


def test_a_network_of_one_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = export.TorchEngine(SHIPPED.path("linear"))
    about, engine.network = engine.about("linear"), torch.nn.Identity()
    engine.about = lambda _: about  # type: ignore[method-assign]
    monkeypatch.setattr(export, "TorchEngine", lambda _: engine)
    with pytest.raises(UsageError, match="expected an adaptive or a linear network, got Identity"):
        list(export_deepjscc(tmp_path, weights=SHIPPED.path("linear")))
