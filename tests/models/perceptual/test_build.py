from pathlib import Path

import pytest
from semcom.errors import UsageError, WeightsError
from semcom.models.perceptual.build import build_perceptual


def test_none_is_no_loss() -> None:
    assert build_perceptual("none", None) is None


@pytest.mark.parametrize(("name", "kind"), [("squeezenet", "SqueezeNet v1.0"), ("lpips-vgg", "torchvision's VGG16")])
def test_missing_weights_are_said(name: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=f"perceptual loss '{name}' needs weights and ships none: give the path of {kind}"
    ):
        build_perceptual(name, None)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="absent: expected"):
        build_perceptual(name, tmp_path / "absent")  # type: ignore[arg-type]


def test_an_unknown_loss_is_said() -> None:
    with pytest.raises(UsageError, match="expected one of squeezenet, lpips-vgg, none, got 'lpips'"):
        build_perceptual("lpips", None)  # type: ignore[arg-type]
