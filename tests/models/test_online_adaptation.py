from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError
from semcom.models.cdm_jscc import codec as cdm
from semcom.models.cdm_jscc.config import NtcBackbone
from semcom.models.cdm_jscc.engine import load as load_cdm
from semcom.models.cdm_jscc.ntc_backbone import NtcJscc
from semcom.models.codec import Frame, PictureCodec
from semcom.models.deepjscc import codec as deepjscc
from semcom.models.ntscc import codec as ntscc
from semcom.models.online_adaptation import adapted
from torch import Tensor


def of_unit_gain(received: Tensor, _: Tensor) -> Tensor:
    return received


@pytest.mark.parametrize("n0", [0.1, 1.0])
def test_a_receiver_of_unit_gain_is_sent_less(n0: float) -> None:
    """Noise goes with the frame's power: the mean error, (x - s)^2 + n0 x^2, is least at s / (1 + n0)."""
    s = torch.randn(1, 4000, generator=torch.Generator().manual_seed(3))
    found, gain_db = adapted(s, torch.ones_like(s), s, n0, of_unit_gain, 300)
    assert torch.nn.functional.cosine_similarity(found, s).item() > 0.98
    assert float((found * s).sum() / s.square().sum()) == pytest.approx(1 / (1 + n0), rel=0.02)
    assert gain_db == pytest.approx(10 * np.log10(1 + n0), abs=0.15)  # n0 s^2 before, n0 / (1 + n0) s^2 after


def test_what_is_best_already_stays_as_it_is() -> None:
    s = torch.ones(1, 500)
    x = s / 1.5
    found, gain_db = adapted(x, torch.ones_like(x), s, 0.5, of_unit_gain, 1)
    assert found is x
    assert gain_db == 0


def test_what_is_not_sent_stays_zero_and_steps_of_none_change_nothing() -> None:
    sent = torch.tensor([[1.0, 1, 0, 0]])
    s = torch.tensor([[2.0, -1, 3, 4]])
    told: list[Tensor] = []

    def receive(received: Tensor, n0: Tensor) -> Tensor:
        told.append(n0)
        return received

    found, _ = adapted(s * sent, sent, s * sent, 0.25, receive, 50)
    assert found[0, 2:].tolist() == [0, 0]
    assert told[0].tolist() == [[0.25, 0.25, 1, 1]]
    assert adapted(s, sent, s, 0.25, receive, 0)[0] is s


def test_the_start_is_left_as_it_was_given() -> None:
    x = torch.ones(1, 100)
    adapted(x, torch.ones_like(x), 2 * x, 0.1, of_unit_gain, 20)
    assert x.eq(1).all()


SYSTEMS: dict[str, tuple[dict[str, Any], Any, float]] = {  # settings of both ends, and the least gain in dB
    "deepjscc": ({"rate": "1/24", "adaptation_steps": 15}, deepjscc.Receiving(), 0.05),
    "cdm-jscc": ({"cbr": "1/24", "adaptation_steps": 15}, cdm.Receiving(guidance=0), 0.07),
    "ntscc": ({"cbr": "1/24", "adaptation_steps": 60}, ntscc.Receiving(), 0.03),
}


@pytest.fixture(scope="module", params=SYSTEMS)
def codec(request: pytest.FixtureRequest) -> PictureCodec[Any, Any, Any]:
    from semcom.models.lookup import find_system

    loaded: PictureCodec[Any, Any, Any] = find_system(request.param).load("engine", "a test")()
    return loaded


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    from skimage.data import chelsea

    picture: np.ndarray = chelsea()[100:180, 100:200]
    return picture


def error_of(codec: PictureCodec[Any, Any, Any], frame: Frame, picture: np.ndarray, n0: float) -> float:
    """Mean squared error over AWGN, of noise that no encoder has seen."""
    x, found = frame.features, []
    power = 2 * np.mean(x**2)
    for seed in range(6):
        noise = np.random.default_rng(seed + 100).normal(0, np.sqrt(power * n0 / 2), x.shape)
        got = codec.decode(frame.heard(n0, (x + noise).astype(np.float32)), SYSTEMS[codec.system][1])
        found.append(np.mean((got.astype(float) - picture) ** 2))
    return float(np.mean(found))


def test_the_receiver_makes_a_better_picture(codec: PictureCodec[Any, Any, Any], photograph: np.ndarray) -> None:
    settings, _, least_db = SYSTEMS[codec.system]
    plain = codec.encode(photograph, codec.sending(**settings | {"adaptation_steps": 0}))
    better = codec.encode(photograph, codec.sending(**settings))
    assert better.features.shape == plain.features.shape
    assert better.header == plain.header
    before, after = (error_of(codec, one, photograph, 0.1) for one in (plain, better))
    gain_db = 10 * np.log10(before / after)
    assert gain_db > least_db
    assert better.trace["adaptation_gain_db"] == pytest.approx(gain_db, abs=0.1)
    assert "adaptation_gain_db" not in plain.trace
    again = codec.encode(photograph, codec.sending(**settings))
    np.testing.assert_array_equal(again.features, better.features)


class Exported:
    """An engine without gradients."""

    def __init__(self, engine: Any) -> None:
        self.run = engine.run


def test_an_exported_file_has_no_gradients(codec: PictureCodec[Any, Any, Any], photograph: np.ndarray) -> None:
    other = type(codec)(Exported(codec.engine), codec.about)
    settings = codec.sending(**SYSTEMS[codec.system][0] | {"adaptation_steps": 2})
    with pytest.raises(UsageError) as caught:
        other.encode(photograph, settings)
    assert str(caught.value) == (
        f"{codec.system}: adaptation_steps: expected 0 of an exported file, which has no gradients, got 2; use the "
        "encoder of the system's own, with torch"
    )


def test_a_backbone_that_makes_no_picture_is_refused(photograph: np.ndarray) -> None:
    codec = load_cdm("d")
    codec.engine.network.backbone = NtcJscc(NtcBackbone())  # type: ignore[attr-defined]
    facts = {
        "levels": np.zeros((5, 7), np.int64),
        "eta_index": np.zeros(1, np.int64),
        "esn0_db": np.ones(1, np.float32),
    }
    with pytest.raises(UsageError) as caught:
        codec.engine.adapt(np.zeros((35, 256), np.float32), 3, image=photograph, **facts)  # type: ignore[attr-defined]
    assert str(caught.value) == (
        "cdm-jscc: adaptation_steps: expected 0 of a network with backbone 'ntc', which makes no picture before "
        "diffusion, got 3"
    )


def test_nobodys_inference_mode_is_in_the_way(photograph: np.ndarray) -> None:
    codec = load_cdm("d")
    with torch.inference_mode():
        frame = codec.encode(photograph, cdm.Sending(adaptation_steps=1))
    assert frame.trace["adaptation_gain_db"] >= 0
