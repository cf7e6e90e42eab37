"""A trace is taken up by the same network with the same inputs, and by no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from semcom.models.onnx.export import Graph

from .traced_once import traced_once


def graph(*, weight: float = 1.0, rows: int = 3, act: type[torch.nn.Module] = torch.nn.ReLU) -> Graph:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), act())
    for value in network.parameters():
        torch.nn.init.constant_(value, weight)
    return Graph("encoder", network, {"input": np.zeros((rows, 2), np.float32)}, {}, [])


def test_each_network_is_traced_once(tmp_path: Path) -> None:
    traced: list[Any] = []

    def trace(graph: Graph, outputs: list[str]) -> onnx.ModelProto:
        traced.append(graph)
        return onnx.ModelProto(producer_name=f"{len(traced)}")

    once = traced_once(tmp_path, trace)
    changes: list[dict[str, Any]] = [{}, {"weight": 2.0}, {"rows": 4}, {"act": torch.nn.Tanh}]
    for _ in range(2):
        found = [once(graph(**change), ["out"]).producer_name for change in changes]
        assert found == ["1", "2", "3", "4"]
    assert once(graph(), ["other"]).producer_name == "5"
    assert len(traced) == 5
