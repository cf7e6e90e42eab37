"""`decoders/latent_diffusion` with a tiny checkpoint of Stable Diffusion's layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.blocks.decoders.latent_diffusion import LatentDiffusion
from semcom.blocks.encoders.latent_diffusion import LatentDiffusion as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.errors import SignalError
from semcom.sim.side_information.latent_mode import LatentMode


def started(cls: Any, folder: Path, **params: Any) -> Any:
    torch.set_num_threads(1)
    given = {"variant": "sd", "weights": str(folder), "inversion_steps": 1, **params}
    made = cls(cls.Params.model_validate(given), name="block", seed=7)
    made.start()
    return made


@pytest.fixture(scope="module")
def sent(tiny_stable_diffusion: Path) -> tuple[np.ndarray, Header]:
    photo = np.random.default_rng(1).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    out = started(Encoder, tiny_stable_diffusion, prompt="a cat", prompt_is="sent").work(photo)
    return out.value, Header().with_fields(*out.header)


def heard(folder: Path, features: np.ndarray, header: Header, n0: Any = 0.1, **params: Any) -> np.ndarray:
    one = started(LatentDiffusion, folder, **{"steps": 2, **params})
    return np.asarray(one.work(features, header, State(n0=n0), Identity(3)))


def test_a_picture_of_the_size_that_the_header_says(tiny_stable_diffusion: Path, sent: Any) -> None:
    found = heard(tiny_stable_diffusion, *sent)
    assert (found.shape, found.dtype) == ((30, 50, 3), np.uint8)
    assert np.array_equal(found, heard(tiny_stable_diffusion, *sent))


def test_the_words_of_the_header_rule_over_ones_own(tiny_stable_diffusion: Path, sent: Any) -> None:
    features, header = sent
    strong = {"guidance": 30, "inversion_guidance": 30}
    told = heard(tiny_stable_diffusion, features, header, prompt="something else", **strong)
    assert np.array_equal(told, heard(tiny_stable_diffusion, features, header, **strong))
    untold = header.with_fields(LatentMode(1))
    assert not np.array_equal(told, heard(tiny_stable_diffusion, features, untold, **strong))
    assert np.array_equal(told, heard(tiny_stable_diffusion, features, untold, prompt="a cat", **strong))


@pytest.mark.parametrize(
    ("features", "n0", "message"),
    [
        (np.zeros(3, np.float32), 0.1, "expected 112 features for 30 x 50 pixels, as the header says, got"),
        (np.full(112, np.nan, np.float32), 0.1, "expected finite features and n0 of at least 0, got 112 features"),
        (np.zeros(112, np.float32), None, "expected n0 in the receiver's state, got none; connect a channel"),
    ],
)
def test_what_cannot_be_decoded_is_refused(
    tiny_stable_diffusion: Path, sent: Any, features: np.ndarray, n0: Any, message: str
) -> None:
    with pytest.raises(SignalError, match=message):
        heard(tiny_stable_diffusion, features, sent[1], n0)


def test_more_steps_than_there_are(tiny_stable_diffusion: Path, sent: Any) -> None:
    with pytest.raises(SignalError, match="expected at most 50 steps of inversion at both ends, got 1 of the transmi"):
        heard(tiny_stable_diffusion, *sent, inversion_steps=50)
