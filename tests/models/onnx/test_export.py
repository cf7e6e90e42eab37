"""What files are compared by, on a network of one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from semcom.errors import ExportError
from semcom.models.codec import Ports
from semcom.models.ntscc.codec import NtsccAbout
from semcom.models.onnx.export import Graph, export_codec
from torch import Tensor


class _Doubles(torch.nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return 2 * values


def compared(out: Path, off: Callable[[NDArray[np.float32]], None], let_be: dict[str, float]) -> Any:
    """Export it beside a reference that is off somewhere, on 10 x 10 values."""

    def run(output: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        made = 2 * values
        off(made)
        return made

    ports = Ports({"values": ("float32", 2)}, {"doubled": ("float32", 2)})
    codec: Any = SimpleNamespace(
        system="toy",
        about=NtsccAbout(variant="mini", weights_sha256=None),
        ports={"encoder": ports},
        engine=SimpleNamespace(run=run),
    )
    values = np.random.default_rng(1).standard_normal((10, 10), np.float32)
    graph = Graph("encoder", _Doubles(), {"values": values}, {}, [("ten", {"values": values})], let_be)
    (made,) = export_codec(codec, out, graph)
    return made


def test_values_that_hang_on_a_rounding_are_let_be_up_to_their_share(tmp_path: Path) -> None:
    def off(count: int) -> Callable[[NDArray[np.float32]], None]:
        return lambda made: made.reshape(-1)[:count].__iadd__(5)

    with pytest.raises(ExportError, match=r"at most 0\.0001, got 2\.\d+ at ten; the file is not written"):
        compared(tmp_path, off(1), {})
    with pytest.raises(ExportError, match=r"at most 0\.0001, got 2\.\d+ at ten but for 3%; the file is not"):
        compared(tmp_path, off(4), {"doubled": 0.03})
    assert not list(tmp_path.iterdir())
    made = compared(tmp_path, off(3), {"doubled": 0.03})
    assert made.path.is_file()
    assert made.parity[0].absolute == 0


def test_what_is_no_number_is_never_let_be(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="got nan at ten but for 3%"):
        compared(tmp_path, lambda made: made.reshape(-1)[:1].fill(np.nan), {"doubled": 0.03})
