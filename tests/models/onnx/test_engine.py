"""Files that are not what they should be, and providers that are not there."""

import builtins
import logging
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime
import pytest
from semcom.errors import UsageError, WeightsError
from semcom.models.codec import PictureCodec
from semcom.models.onnx import engine


def load(path: Path, **options: object) -> PictureCodec:
    given = {"role": "encoder", "provider": "cpu", "threads": 1, **options}
    return engine.load("encoders/onnx", path, **given)


def changed(source: Path, to: Path, change: Callable[[onnx.ModelProto], object]) -> Path:
    model = onnx.load(source)
    change(model)
    to.write_bytes(model.SerializeToString())
    return to


def without_metadata(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def without_an_input(model: onnx.ModelProto) -> None:
    """Fix the rate, as somebody might who sends at one alone."""
    (rate,) = (port for port in model.graph.input if port.name == "rate")
    model.graph.input.remove(rate)
    model.graph.initializer.append(onnx.helper.make_tensor("rate", onnx.TensorProto.INT64, [1], [2]))


def of_opset(version: int) -> Callable[[onnx.ModelProto], object]:
    return lambda model: setattr(model.opset_import[0], "version", version)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_metadata, r"file\.onnx: no metadata of gr-semcom in this ONNX file"),
        (
            without_an_input,
            r"expected inputs image tensor\(uint8\) of 3 axes, rate tensor\(int64\) of 1 axes, .*, got image",
        ),
        (of_opset(99), rf"operator set or format is not one that onnxruntime {onnxruntime.__version__} runs; install"),
        (lambda model: setattr(model, "ir_version", 99), "operator set or format is not one that onnxruntime"),
    ],
)
def test_a_file_that_does_not_fit(deepjscc_onnx, tmp_path: Path, change, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load(changed(deepjscc_onnx["encoder"], tmp_path / "file.onnx", change))


@pytest.mark.parametrize("raw", [b"", b"hello", b"\x08\x0a" * 1000])
def test_a_file_that_is_no_onnx_file(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(raw)
    with pytest.raises(WeightsError, match=r"file\.onnx: truncated or not an ONNX file \(.+\); write it again"):
        load(path)


def test_a_truncated_file(deepjscc_onnx, tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(deepjscc_onnx["encoder"].read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="truncated or not an ONNX file"):
        load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.onnx: no such ONNX file; write one with `semcom export`"):
        load(tmp_path / "none.onnx")


def test_the_decoders_file_for_the_encoder(deepjscc_onnx) -> None:
    with pytest.raises(WeightsError, match="expected the file of the encoder, got that of the decoder; give the other"):
        load(deepjscc_onnx["decoder"])


def saying(deepjscc_onnx: dict[str, Path], to: Path, **entries: str) -> Path:
    def change(model: onnx.ModelProto) -> None:
        for entry in model.metadata_props:
            entry.value = entries.get(entry.key.removeprefix("semcom."), entry.value)

    return changed(deepjscc_onnx["encoder"], to, change)


def test_a_file_of_a_system_that_is_not_here(deepjscc_onnx, tmp_path: Path) -> None:
    for system in ("swin", "weights"):
        file = saying(deepjscc_onnx, tmp_path / "file.onnx", system=f'"{system}"')
        with pytest.raises(WeightsError, match=f"is a file of '{system}': no system '{system}'.*; `semcom systems`"):
            load(file)


def test_a_role_that_the_system_does_not_export(deepjscc_onnx, tmp_path: Path) -> None:
    file = saying(deepjscc_onnx, tmp_path / "file.onnx", system='"sc-sic"', role='"decoder"')
    with pytest.raises(
        WeightsError, match="expected the file of the encoder, all that sc-sic exports, got that of the"
    ):
        load(file, role="decoder")


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="there is a CUDA")
def test_cuda_that_is_not_there(deepjscc_onnx, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(
        UsageError, match="encoders/onnx: provider cuda: this onnxruntime finds no CUDA; where there is"
    ):
        load(deepjscc_onnx["encoder"], provider="cuda")
    with caplog.at_level(logging.WARNING, "semcom"):
        load(deepjscc_onnx["encoder"], provider="cpu")
        assert not caplog.records
        load(deepjscc_onnx["encoder"], provider="auto")
    assert caplog.messages == ["encoders/onnx: provider auto: no CUDA here; it runs on the CPU"]


def test_cuda_whose_libraries_do_not_load(deepjscc_onnx, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime names the provider, and then falls back without a word."""
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    made = onnxruntime.InferenceSession
    asked = []

    def session(raw: bytes, options: object, providers: list[str]) -> object:
        asked.append(providers)
        return made(raw, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    with pytest.raises(UsageError, match="finds no CUDA"):
        load(deepjscc_onnx["encoder"], provider="cuda")
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]]


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: object) -> object:
        if name == "onnxruntime":
            raise ModuleNotFoundError("No module named 'onnxruntime'", name=name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UsageError, match=r"encoders/onnx needs onnxruntime, which does not load .*pip install onnxruntime"
    ):
        load(tmp_path / "any.onnx")
