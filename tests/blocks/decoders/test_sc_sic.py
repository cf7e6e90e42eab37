"""`decoders/sc_sic`."""

import functools
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.blocks.decoders.sc_sic import ScSic
from semcom.blocks.encoders.sc_sic import ScSic as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.sim.side_information.image_shape import ImageShape

STATE = State(n0=0.1)


@functools.cache
def block(**params: Any) -> ScSic:
    torch.set_num_threads(1)
    made = ScSic(ScSic.Params.model_validate({"steps": 2, **params}), name="decoder", seed=7)
    made.start()
    return made


@functools.cache
def encoder(**params: Any) -> Encoder:
    torch.set_num_threads(1)
    made = Encoder(Encoder.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int = 64, width: int = 64) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


def frame(**params: Any) -> tuple[np.ndarray, Header]:
    """What arrives at 10 dB."""
    out = encoder(**params).work(photo())
    noise = np.random.default_rng(3).standard_normal(out.value.size) * np.sqrt(0.1 * np.mean(out.value**2))
    return (out.value + noise).astype(np.float32), Header().with_fields(*out.header)


def decode(features: np.ndarray, header: Header, state: State = STATE, seq: int = 0, **params: Any) -> np.ndarray:
    return block(**params).work(features, header, state, Identity(seq))


@pytest.mark.parametrize("downscale", [None, 0.5, 1.0])
def test_a_picture_comes_back_for_every_size_of_embedding(downscale: float | None) -> None:
    out = decode(*frame(downscale=downscale))
    assert out.shape == (64, 64, 3)
    assert out.dtype == np.uint8


def test_the_noise_is_that_of_the_item_or_of_a_seed() -> None:
    features, header = frame()
    one, other = (decode(features, header, seq=seq) for seq in (0, 1))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, decode(features, header))
    fixed = [decode(features, header, seq=seq, seed=3) for seq in (0, 1)]
    np.testing.assert_array_equal(*fixed)
    assert not np.array_equal(fixed[0], decode(features, header, seed=4))


def test_without_noise_of_the_sampler_all_items_are_alike() -> None:
    features, header = frame()
    np.testing.assert_array_equal(*(decode(features, header, seq=seq, temperature=0) for seq in (0, 1)))


@pytest.mark.parametrize(
    ("variant", "own"),
    [("mini-48", None), ("tiny", {"eta": 1, "temperature": 1, "guidance": 1.1})],
)
def test_what_is_not_said_is_the_variants_own(variant: str, own: dict[str, float] | None, tiny_cascade: Path) -> None:
    from semcom.models.sc_sic.sampling_defaults import sampling_defaults

    weights = str(tiny_cascade) if variant == "tiny" else None
    said = sampling_defaults(variant)._asdict() if own is None else own
    features, header = frame(variant=variant, weights=weights)
    free = decode(features, header, variant=variant, weights=weights)
    np.testing.assert_array_equal(free, decode(features, header, variant=variant, weights=weights, **said))
    assert not np.array_equal(
        free, decode(features, header, variant=variant, weights=weights, temperature=0.9, eta=0.5)
    )


def test_snr_conditioning_off_hides_the_noise_level() -> None:
    features, header = frame()
    told = [decode(features, header, State(n0=n0)) for n0 in (0.1, 0.5)]
    assert not np.array_equal(*told)
    hidden = [decode(features, header, State(n0=n0), snr_conditioning="off") for n0 in (0.1, 0.5)]
    np.testing.assert_array_equal(*hidden)
    np.testing.assert_array_equal(hidden[0], told[0])  # it takes 10 dB


def test_the_published_networks_are_never_told(tiny_cascade: Path) -> None:
    tiny = {"variant": "tiny", "weights": str(tiny_cascade)}
    features, header = frame(**tiny)
    np.testing.assert_array_equal(*(decode(features, header, State(n0=n0), **tiny) for n0 in (0.1, 0.5)))


def test_the_noise_of_each_symbol_is_reckoned_with() -> None:
    features, header = frame()
    n0 = np.where(np.arange(features.size // 2) % 2, 0.5, 0.06).astype(np.float32)
    mean = 1 / np.mean(1 / n0.astype(float))
    aware, blind = (decode(features, header, State(n0=n0), fading_aware=word) for word in ("on", "off"))
    assert not np.array_equal(aware, blind)
    np.testing.assert_array_equal(blind, decode(features, header, State(n0=mean)))


def test_erased_symbols_do_no_harm() -> None:
    """n0 of 1e9, as channels/erasures writes it: what stands there does not matter."""
    features, header = frame()
    n0 = np.where(np.arange(features.size // 2) % 4 == 0, 1e9, 0.1).astype(np.float32)
    other = np.where(np.repeat(n0, 2) > 1, -features, features)
    pictures = [decode(one, header, State(n0=n0)).astype(int) for one in (features, other)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_wild_values_count_as_erased() -> None:
    """Bit errors in a minifloat make values up to 480; decided bits have an n0 of 0."""
    features, header = frame()
    for state in (STATE, State(n0=0.0)):
        wild = [features.copy(), features.copy()]
        wild[0][::50], wild[1][::50] = 480, -20
        pictures = [decode(one, header, state) for one in wild]
        np.testing.assert_array_equal(*pictures)
        assert not np.array_equal(pictures[0], decode(features, header, state))


@pytest.mark.parametrize(("n0", "said"), [(0.9, "0.5"), (0.005, "23.0")])
def test_an_snr_that_was_not_trained_for_is_reported_once(
    n0: float, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    features, header = frame()
    made = ScSic(ScSic.Params(steps=1), name="decoder", seed=7)
    made.start()
    with caplog.at_level(logging.WARNING, "semcom"):
        for seq in range(2):
            assert made.work(features, header, State(n0=n0), Identity(seq)).shape == (64, 64, 3)
    assert [record.getMessage() for record in caplog.records] == [
        f"sc-sic: Es/N0 is {said} dB, and the network was trained for 1 to 20 dB; it goes on"
    ]


@pytest.mark.parametrize(
    "state",
    [State(n0=0.01), State(n0=10**-0.1), State(n0=0.0), State(n0=np.full(128, 2, np.float32), esn0_db=5.0)],
)
def test_snrs_of_the_training_are_not_reported(state: State, caplog: pytest.LogCaptureFixture) -> None:
    features, header = frame()
    made = ScSic(ScSic.Params(steps=1), name="decoder", seed=7)
    made.start()
    with caplog.at_level(logging.WARNING, "semcom"):
        made.work(features, header, state, Identity(0))
    assert not caplog.records


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_embedding_that_is_not_finite_is_refused(value: float) -> None:
    features, header = frame()
    features[5] = value
    with pytest.raises(
        SignalError, match="expected finite features and n0 of at least 0, got 1 features and 0 n0 of 256"
    ):
        decode(features, header)


@pytest.mark.parametrize("n0", [np.nan, -1.0])
def test_an_n0_that_is_none_is_refused(n0: float) -> None:
    features, header = frame()
    with pytest.raises(
        SignalError, match="expected finite features and n0 of at least 0, got 0 features and 256 n0 of 256"
    ):
        decode(features, header, State(n0=n0))


def test_an_unknown_n0_is_refused() -> None:
    with pytest.raises(SignalError, match="decoders/sc_sic: expected n0 in the receiver's state, got none"):
        decode(*frame(), State())


def test_a_frame_of_other_weights_is_refused(tiny_cascade: Path) -> None:
    features, header = frame(variant="tiny", weights=str(tiny_cascade))
    ours, theirs = (
        one._codec.about.shared_weights for one in (block(), encoder(variant="tiny", weights=str(tiny_cascade)))
    )
    with pytest.raises(SignalError) as caught:
        decode(features, header)
    assert str(caught.value) == (
        f"sc-sic: expected a frame for mini-48 with weights {ours:04x}, got one of tiny with weights "
        f"{theirs:04x}; give encoder and decoder the same variant, and weights of one training"
    )


@pytest.mark.parametrize("size", [255, 258, 0])
def test_another_count_of_features_is_refused(size: int) -> None:
    features, header = frame()
    with pytest.raises(SignalError) as caught:
        decode(np.resize(features, size), header)
    assert str(caught.value) == (f"sc-sic: expected 256 features for 64 x 64 pixels, as the header says, got [{size}]")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (ImageShape(64, 70), "multiples of 32 pixels, got 64 x 70"),
        (ImageShape(65504, 65504), "as the header says, got [256]"),  # before anything of that size is made
    ],
)
def test_a_header_of_another_picture_is_refused(field: ImageShape, words: str) -> None:
    features, header = frame()
    with pytest.raises(SignalError) as caught:
        decode(features, header.with_fields(field))
    assert words in str(caught.value)


def test_a_receiver_needs_no_encoder(tiny_cascade: Path, tmp_path: Path) -> None:
    for name in ("stage_a", "stage_b_lite_bf16"):
        shutil.copy(tiny_cascade / f"{name}.safetensors", tmp_path)
    features, header = frame(variant="tiny", weights=str(tiny_cascade))
    whole, lean = (decode(features, header, variant="tiny", weights=str(one)) for one in (tiny_cascade, tmp_path))
    np.testing.assert_array_equal(whole, lean)
    assert not hasattr(block(variant="tiny", weights=str(tmp_path))._codec.engine.network, "encoder")


def test_the_scale_of_the_latents_is_that_of_the_files(tiny_cascade: Path, tmp_path: Path) -> None:
    for name in ("stage_b_lite_bf16", "stage_a"):
        shutil.copy(tiny_cascade / f"{name}.safetensors", tmp_path)
    assert block(variant="tiny", weights=str(tmp_path))._codec.engine.network.stage_a.scale == 0.43
    folder = tmp_path / "diffusers" / "vqgan"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "stage_b_lite_bf16.safetensors", folder.parent)
    shutil.copy(tmp_path / "stage_a.safetensors", folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps({"scale_factor": 0.5}))
    assert block(variant="tiny", weights=str(folder.parent))._codec.engine.network.stage_a.scale == 0.5


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        block(variant="lite", weights=str(tmp_path))
    assert str(caught.value).startswith(f"sc-sic: no weights in {tmp_path}: expected for stage A stage_a.safetensors")
    assert "stage B" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="no such file of weights"):
        block(weights=str(tmp_path / "nothing.safetensors"))


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"^decoders/sc_sic: device: expected cpu, got cuda, and this torch finds"):
        block(device="cuda")
