"""ONNX files in the place of torch, in shipped flowgraphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import semcom.models.cdm_jscc
import torch
from click.testing import CliRunner
from PIL import Image
from semcom.blocks.decoders.onnx import Onnx as Decoder
from semcom.blocks.encoders.cdm_jscc import CdmJscc
from semcom.blocks.encoders.onnx import Onnx as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.cli import main
from semcom.errors import SignalError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.models.cdm_jscc.config import TrainConfig
from semcom.models.cdm_jscc.export import export_cdm_jscc
from semcom.models.cdm_jscc.network import CdmJscc as Network
from semcom.models.model_card import ModelCard, Training, card_path
from semcom.models.training.checkpoint import save_text, save_weights
from semcom.models.weights.file import sha256_of

SETS = ["photos.size=[64, 96]"]


def metrics(name: str, out: str, *, swaps: tuple[str, ...] = (), sets: tuple[str, ...] = (), **variables: object):
    given = tuple(f"{key}={value}" for key, value in variables.items())
    overrides = Overrides.parse(vars=given, sets=(*SETS, *sets), swaps=swaps, out=out)
    result = run(load_graph(name, overrides), RunOptions("inline", items=2, out=Path(out)))
    assert result.status == "ok"
    return result.metrics


def pictures(folder: str) -> dict[str, np.ndarray]:
    return {path.name: np.asarray(Image.open(path), np.int16) for path in Path(folder).rglob("*.png")}


@pytest.mark.parametrize(
    ("name", "esn0_db", "ends"),
    [
        ("deepjscc-awgn", 10, ("encoder", "decoder")),
        ("deepjscc-awgn", 1, ("encoder",)),
        ("deepjscc-rayleigh", 7, ("decoder",)),
    ],
)
def test_deepjscc_by_onnx_is_the_same_picture(
    deepjscc_onnx: dict[str, Path], name: str, esn0_db: float, ends: tuple[str, ...]
) -> None:
    swaps = tuple(f"{end}={end}s/onnx:path={deepjscc_onnx[end]}" for end in ends)
    torch_metrics = metrics(name, "torch", esn0_db=esn0_db)
    onnx_metrics = metrics(name, "onnx", swaps=swaps, esn0_db=esn0_db)
    assert abs(torch_metrics["psnr_db"] - onnx_metrics["psnr_db"]) < 0.05
    assert torch_metrics["cbr"] == onnx_metrics["cbr"]
    expected, found = pictures("torch"), pictures("onnx")
    assert expected.keys() == found.keys()
    for label in expected:  # the sum of features may round to another half-precision scale
        assert np.abs(expected[label] - found[label]).max() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("ends", [("encoder", "decoder"), ("encoder",), ("decoder",)])
def test_ntscc_by_onnx_is_the_same_picture(ntscc_onnx: dict[str, Path], ends: tuple[str, ...]) -> None:
    swaps = tuple(f"{end}={end}s/onnx:path={ntscc_onnx[end]}" for end in ends)
    torch_metrics = metrics("ntscc", "torch", esn0_db=4, cbr="1/12")
    onnx_metrics = metrics("ntscc", "onnx", swaps=swaps, esn0_db=4, cbr="1/12")
    assert abs(torch_metrics["psnr_db"] - onnx_metrics["psnr_db"]) < 0.05
    assert abs(torch_metrics["cbr"] - onnx_metrics["cbr"]) < 2e-3  # a rounding may fall the other way in one patch
    expected, found = pictures("torch"), pictures("onnx")
    assert expected.keys() == found.keys()
    for label in expected:
        assert np.mean(np.abs(expected[label] - found[label]) > 2) < 0.05


def test_parameters_of_the_same_name_are_kept() -> None:
    sets = ("encoder.rate=1/6", "encoder.csit=none")
    overrides = Overrides.parse(vars=("esn0_db=3",), sets=sets, swaps=("encoder=encoders/onnx:path=enc.onnx",))
    params = load_graph("deepjscc-awgn", overrides).block("encoder").params
    assert {name: params[name] for name in ("rate", "csit", "esn0_db", "path", "provider", "threads")} == {
        "rate": "1/6",
        "csit": "none",
        "esn0_db": 3,
        "path": "enc.onnx",
        "provider": "cpu",
        "threads": 1,
    }


# CDM-JSCC: one long test, since the files take long to make


@pytest.fixture
def tiny_weights(tmp_path: Path) -> Path:
    """Weights of the least network whose every layer does something."""
    config = TrainConfig.read(Path(semcom.models.cdm_jscc.__file__).parent / "configs" / "tiny.yaml").model
    torch.manual_seed(0)
    network = Network(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        network.backbone.log_variance.copy_(torch.linspace(-2, -8, 256).expand_as(network.backbone.log_variance))
    path = tmp_path / "tiny.safetensors"
    save_weights(path, network.state_dict())
    card = ModelCard(
        name="tiny",
        cls="semcom.models.cdm_jscc.network:CdmJscc",
        config=config.model_dump(mode="json"),
        file=path.name,
        sha256=sha256_of(path),
        licence="Apache-2.0",
        paper="none",
        training=Training(data="", command="", seed=0, steps=0, minutes=0, machine="", curve="", recipe={}),
        metrics={},
    )
    save_text(card_path(path), card.model_dump_json())
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cdm_jscc_by_onnx_is_the_same_picture(
    tiny_weights: Path, deepjscc_onnx: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(export_cdm_jscc.__kwdefaults__, "sizes", ((64, 96), (80, 48)))
    command = ["export", "cdm-jscc", "--out", str(tmp_path), "--weights", str(tiny_weights)]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    files = {end: tmp_path / f"cdm-jscc-d-{end}.onnx" for end in ("encoder", "decoder")}
    assert f"{files['decoder']}: " in done.output
    assert "beside torch at 80 x 48" in done.output

    own = tuple(f"{end}.weights={tiny_weights}" for end in files)
    swaps = tuple(f"{end}={end}s/onnx:path={file}" for end, file in files.items())
    for name, steps, esn0_db in (("cdm-jscc", 1, 10), ("cdm-jscc-rayleigh", 4, 3)):
        variables = {"esn0_db": esn0_db, "cbr": 0.2, "steps": steps}
        torch_metrics = metrics(name, f"torch-{steps}", sets=own, **variables)
        onnx_metrics = metrics(name, f"onnx-{steps}", swaps=swaps, **variables)
        assert abs(torch_metrics["psnr_db"] - onnx_metrics["psnr_db"]) < 0.05
        assert abs(torch_metrics["cbr"] - onnx_metrics["cbr"]) < 2e-3  # a rounding may fall the other way in one patch

    picture = np.random.default_rng(0).normal(0, 9, (33, 70, 3)).cumsum(1).clip(0, 255).astype(np.uint8)
    encoder = Encoder(Encoder.Params(path=str(files["encoder"]), eta=0.3))
    reference = CdmJscc(CdmJscc.Params(weights=str(tiny_weights), eta=0.3))
    decoder = Decoder(Decoder.Params(path=str(files["decoder"])))
    for block in (encoder, reference, decoder):
        block.start()
    made, expected = encoder.work(picture), reference.work(picture)
    assert made.header == expected.header
    assert np.abs(made.value - expected.value).max() < 1e-4 * np.sqrt(np.mean(expected.value**2))
    header = Header().with_fields(*made.header)
    twice = [decoder.work(made.value, header, State(n0=0.1), Identity(3)) for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert twice[0].shape == (33, 70, 3)

    size, model, mode, rates = made.header
    other = type(model)(model.number, model.weights ^ 1)
    with pytest.raises(SignalError, match=r"expected a frame for d with weights .*, and weights of one training"):
        decoder.work(made.value, Header().with_fields(size, other, mode, rates), State(n0=0.1), Identity())
    with pytest.raises(SignalError, match=r"expected \d+ features for 33 x 70 pixels, as the header says, got \[6\]"):
        decoder.work(made.value[:6], header, State(n0=0.1), Identity())
    with pytest.raises(SignalError, match="expected finite features"):
        decoder.work(made.value * np.float32(np.nan), header, State(n0=0.1), Identity())
    wrong = Decoder(Decoder.Params(path=str(deepjscc_onnx["decoder"])))
    wrong.start()
    with pytest.raises(SignalError, match=r"expected a frame of one of the models 1 \(adaptive\), .* got model 16"):
        wrong.work(made.value, header, State(n0=0.1), Identity())
