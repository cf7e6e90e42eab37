"""Exported files beside the torch engine: every context, pictures of few patches, and rates of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from semcom.errors import UsageError, WeightsError
from semcom.models.codec import Ports
from semcom.models.deepjscc.names import SHIPPED as OTHERS
from semcom.models.ntscc.codec import Codec, NtsccAbout, Receiving, Sending
from semcom.models.ntscc.engine import TorchEngine, load
from semcom.models.ntscc.export import AT_A_TIE, export_ntscc
from semcom.models.ntscc.names import DEFAULT, SHIPPED
from semcom.models.ntscc.network import Ntscc
from semcom.models.onnx.engine import OnnxEngine
from semcom.models.onnx.engine import load as load_onnx
from semcom.models.onnx.export import Graph, export_codec
from semcom.models.patch_rates.export import TRACED, cases, free_axes, heard, sent
from semcom.models.weights.file import sha256_of
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.rate_map import RateMap
from skimage import data
from torch import Tensor

from .conftest import TINY

PHOTOGRAPHS = [
    (np.ascontiguousarray(data.astronaut()[:333]), "1/24", 10.0),
    (data.coffee()[:301, :407], "1/12", 1.0),
    (data.chelsea()[:, :450], "1/48", 13.0),
]


@pytest.fixture(scope="module")
def ends(ntscc_onnx: dict[str, Path]) -> dict[str, Codec]:
    """Codecs on the files, and that of torch."""
    torch.set_num_threads(1)
    files = {role: load_onnx("a test", path, role=role) for role, path in ntscc_onnx.items()}  # type: ignore[arg-type]
    return {**files, "torch": load()}


def relative(found: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.abs(found - expected).max() / np.sqrt(np.mean(expected**2)))


@pytest.mark.slow
def test_a_file_says_what_it_is(ends: dict[str, Codec]) -> None:
    for role in ("encoder", "decoder"):
        assert ends[role].about == ends["torch"].about
        engine = ends[role].engine
        assert isinstance(engine, OnnxEngine)
        assert (engine.metadata.system, engine.metadata.role) == ("ntscc", role)
    assert ends["encoder"].about.weights_sha256 == sha256_of(SHIPPED.path(DEFAULT))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_pictures_of_few_patches(ends: dict[str, Codec], rows: int) -> None:
    """The hyperprior continues them to multiples of four patches; the traced picture has 6 x 10."""
    for columns in (1, 2, 3, 4, 5):
        size = (16 * rows, 16 * columns, 6.0)
        inputs = sent(*size)
        found, expected = (ends[name].engine.run("features", **inputs) for name in ("encoder", "torch"))
        assert relative(found, expected) < 1e-4
        found, expected = (ends[name].engine.run("patch_bits", **inputs) for name in ("encoder", "torch"))
        assert found.shape == (rows, columns)
        assert (np.abs(found - expected) > 1e-4 * np.sqrt(np.mean(expected**2))).sum() <= 1
        inputs = heard(ends["torch"], *size)
        found, expected = (ends[name].engine.run("picture", **inputs) for name in ("decoder", "torch"))
        assert relative(found, expected) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(("picture", "cbr", "esn0_db"), PHOTOGRAPHS, ids=["astronaut", "coffee", "chelsea"])
def test_rates_of_photographs(ends: dict[str, Codec], picture: NDArray[np.uint8], cbr: str, esn0_db: float) -> None:
    settings = Sending.model_validate({"cbr": cbr, "esn0_db": esn0_db})
    frames = [ends[name].encode(picture, settings) for name in ("encoder", "torch")]
    levels = [frame.heard(0.1).header.read(RateMap).array() for frame in frames]
    assert levels[0].shape == tuple(-(-side // 16) for side in picture.shape[:2])
    assert np.mean(levels[0] != levels[1]) < AT_A_TIE / 3
    received = []
    for frame, name in zip(frames, ("decoder", "torch"), strict=True):
        n0 = 10 ** (-esn0_db / 10)
        noise = np.random.default_rng(1).standard_normal(frame.features.size) * np.sqrt(n0 / 2)
        scale = np.sqrt(np.mean(frame.features.astype(float) ** 2) * 2)
        values = (frame.features + noise * scale).astype(np.float32)
        received.append(ends[name].decode(frame.heard(n0, values), Receiving()))
    assert abs(psnr_db(picture, received[0]) - psnr_db(picture, received[1])) < 0.05


class _Prices(torch.nn.Module):
    """Of transmitters what hangs on the context."""

    def __init__(self, networks: dict[str, Ntscc]) -> None:
        super().__init__()
        self.networks = torch.nn.ModuleDict(networks)

    def forward(self, image: Tensor, esn0_db: Tensor) -> tuple[Tensor, ...]:
        images = image.permute(2, 0, 1)[None].float() / 255
        return tuple(network.entropy(images, esn0_db)[1].patch_bits[0] for network in self.networks.values())  # type: ignore[operator]


@pytest.mark.slow
def test_the_other_contexts(network: Callable[..., Ntscc], tmp_path: Path) -> None:
    made = {name: network(TINY.model_copy(update={"context": name})) for name in ("checkerboard", "none")}
    for look in made["checkerboard"].prior.looks:
        torch.nn.init.normal_(look[2].weight, std=0.2)  # type: ignore[index]
    engines = {name: TorchEngine(one) for name, one in made.items()}

    def inputs(*size: Any) -> dict[str, NDArray[Any]]:
        return {name: value for name, value in sent(*size).items() if name in ("image", "esn0_db")}

    codec: Any = SimpleNamespace(
        system="ntscc",
        about=NtsccAbout(variant="mini", weights_sha256=None),
        ports={"encoder": Ports({}, dict.fromkeys(made, ("float32", 2)))},
        engine=SimpleNamespace(run=lambda output, **given: engines[output].run("patch_bits", **given)),
    )
    sizes = [(16, 16), (64, 80), (48, 112), (160, 96)]
    graph = Graph("encoder", _Prices(made), inputs(*TRACED), {"image": free_axes()[0]}, cases(inputs, sizes))
    (exported,) = export_codec(codec, tmp_path, graph)
    assert [parity.case for parity in exported.parity[:2]] == ["16 x 16, 1 dB, checkerboard", "16 x 16, 1 dB, none"]
    assert len(exported.parity) == 8
    assert max(parity.relative for parity in exported.parity) < 1e-5


def test_weights_that_are_not_shipped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no weights 'tiny' are shipped"):
        list(export_ntscc(tmp_path, variant="tiny"))  # type: ignore[arg-type]


def test_weights_of_ones_own_are_those_that_are_read(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its card describes no network of ntscc"):
        next(export_ntscc(tmp_path, weights=OTHERS.path("linear")))
