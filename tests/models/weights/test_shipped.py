"""Weights by name, and whole: what a file leaves out comes from where its card says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from semcom.errors import UsageError, WeightsError
from semcom.models.model_card import ModelCard, card_path
from semcom.models.weights.shipped import ShippedWeights

Write = Callable[..., Path]


def ones(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.ones(1) for name in names}


def zeros(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.zeros(1) for name in names}


@pytest.fixture
def shipped(write: Write, tmp_path: Path) -> ShippedWeights:
    folder = tmp_path / "toy" / "weights"
    write(folder / "a.safetensors", ones("x.1", "x.2", "y.1"))
    write(folder / "b.safetensors", zeros("y.1"), base="a.safetensors")
    write(folder / "c.safetensors", zeros("x.3"), base="b.safetensors")
    return ShippedWeights(folder.parent)


def part_of(name: str) -> str:
    return name[0]


def test_a_name_or_a_file(shipped: ShippedWeights) -> None:
    assert shipped.path("a") == shipped.find("a") == shipped.folder / "a.safetensors"
    assert shipped.find("some/a.safetensors") == Path("some/a.safetensors")
    with pytest.raises(
        UsageError, match=r"^toy: no weights 'd' are shipped; expected one of: a, b, c, or a file of your own$"
    ):
        shipped.path("d")


@pytest.mark.parametrize(
    ("name", "parts", "whole"),
    [
        ("a", part_of, {"x.1": 1, "x.2": 1, "y.1": 1}),
        ("b", part_of, {"x.1": 1, "x.2": 1, "y.1": 0}),
        ("c", part_of, {"x.3": 0, "y.1": 0}),
        ("c", str, {"x.1": 1, "x.2": 1, "x.3": 0, "y.1": 0}),
    ],
)
def test_what_is_left_out_comes_from_the_base_part_by_part(
    shipped: ShippedWeights, name: str, parts: Any, whole: dict[str, int]
) -> None:
    card, tensors = shipped.load(shipped.path(name), parts)
    assert card.name == name
    assert {key: int(value) for key, value in tensors.items()} == whole


def test_a_base_beside_the_weights_comes_first(shipped: ShippedWeights, write: Write, tmp_path: Path) -> None:
    write(tmp_path / "mine" / "a.safetensors", {"x.1": torch.full((1,), 2.0)})
    path = write(tmp_path / "mine" / "b.safetensors", zeros("y.1"), base="a.safetensors")
    assert int(shipped.load(path)[1]["x.1"]) == 2


def test_weights_that_bear_the_name_of_their_base_are_not_their_own(
    shipped: ShippedWeights, write: Write, tmp_path: Path
) -> None:
    base = ModelCard.read(card_path(shipped.path("a")))
    path = write(tmp_path / "a.safetensors", zeros("y.1"), base="a.safetensors", base_sha256=base.sha256)
    assert set(shipped.load(path)[1]) == {"x.1", "x.2", "y.1"}
    other = write(tmp_path / "b.safetensors", zeros("y.1"), base="a.safetensors", base_sha256="0" * 64)
    with pytest.raises(
        WeightsError, match=r"b\.safetensors: was trained upon weights of SHA-256 0{16}\.\.\., and .* has"
    ):
        shipped.load(other)


@pytest.mark.parametrize("system", ["", "toy/"])
def test_a_base_that_is_gone_is_named_by_the_weights_that_need_it(
    shipped: ShippedWeights, write: Write, system: str
) -> None:
    shipped.within = {"toy": ""}
    path = write(shipped.folder / "d.safetensors", zeros("y.1"), base=f"{system}gone.safetensors")
    with pytest.raises(WeightsError) as caught:
        shipped.load(path)
    assert str(caught.value) == (
        f"{path}: its card names {system}gone.safetensors for what these weights leave out, and there is no "
        f"{shipped.folder}/gone.safetensors; take both from the same place"
    )


@pytest.mark.parametrize("base", ["", "toy/", "../toy/a.safetensors", "a.pt"])
def test_a_card_names_a_file_of_weights(shipped: ShippedWeights, base: str) -> None:
    path = card_path(shipped.path("b"))
    path.write_text(path.read_text().replace('"a.safetensors"', f'"{base}"'))
    with pytest.raises(WeightsError, match=r"b\.json: not a model card"):
        shipped.load(shipped.path("b"))


def test_a_network_of_another_system_may_lie_within(shipped: ShippedWeights, write: Write) -> None:
    sha256 = ModelCard.read(card_path(shipped.path("a"))).sha256
    base = {"base": "toy/a.safetensors", "base_sha256": sha256}
    path = write(shipped.home.parent / "robot" / "weights" / "r.safetensors", zeros("arm.y.1"), **base)
    robot = ShippedWeights(shipped.home.with_name("robot"), {"toy": "arm."})
    assert {key: int(value) for key, value in robot.load(path)[1].items()} == {"arm.x.1": 1, "arm.x.2": 1, "arm.y.1": 0}
    write(path.with_name("a.safetensors"), zeros("x.1"))  # one of that name beside them is another
    assert int(robot.load(path)[1]["arm.x.1"]) == 1
    with pytest.raises(WeightsError, match=r"names weights of toy, which is no part of robot; take the card that"):
        ShippedWeights(robot.home).load(path)


@pytest.mark.parametrize(
    ("source", "base"), [("a", "a.safetensors"), ("b", None), ("b.safetensors", None), (None, None)]
)
def test_what_a_run_may_leave_out(shipped: ShippedWeights, source: str | None, base: str | None) -> None:
    card = shipped.base(source)
    assert (None if card is None else card.file) == base
