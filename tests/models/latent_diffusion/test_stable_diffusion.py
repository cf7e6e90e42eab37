"""A checkpoint of Stable Diffusion's layout, beside a plain loop of diffusers' and transformers' own parts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDIMInverseScheduler, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from semcom.errors import SignalError
from semcom.models.latent_diffusion.codec import Codec, Receiving, Sending
from semcom.models.latent_diffusion.engine import load

transformers = pytest.importorskip("transformers")
WORDS = "A cat on a mat"
GUIDANCE, INVERSION_GUIDANCE = 6.0, 2.0


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 72, 3), dtype=np.uint8)  # 6 x 9 latents: no whole pairs


@pytest.fixture
def changed(tiny_stable_diffusion: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy whose configuration differs."""

    def made(file: str = "scheduler/scheduler_config.json", **changes: Any) -> Path:
        folder = Path(shutil.copytree(tiny_stable_diffusion, tmp_path / "changed"))
        config = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**config, **changes}))
        return folder

    return made


def loaded(folder: Path, **how: Any) -> Codec:
    torch.set_num_threads(1)
    return load("sd", folder, **how)


def clean_of(codec: Codec, frame: Any, receiving: Receiving) -> np.ndarray:
    """What the receiver gives to the autoencoder."""
    seen, run = [], codec.engine.run

    def watched(output: str, **inputs: Any) -> np.ndarray:
        if output == "picture":
            seen.append(inputs["clean"])
        return run(output, **inputs)

    codec.engine.run = watched  # type: ignore[method-assign]
    codec.decode(frame.heard(1e-9), receiving)
    codec.engine.run = run  # type: ignore[method-assign]
    return np.asarray(seen[0])


class Stock:
    """The parts of a checkpoint, by other people's software, and the loops that are written with them."""

    def __init__(self, folder: Path) -> None:
        self.vae = AutoencoderKL.from_pretrained(folder, subfolder="vae")
        self.unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
        text = transformers.CLIPTextModel(transformers.CLIPTextConfig.from_pretrained(folder / "text_encoder")).eval()
        text.load_state_dict(load_file(folder / "text_encoder" / "model.safetensors"))
        config = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
        self.velocity = config.get("prediction_type") == "v_prediction"
        # diffusers would take a velocity for that at the level where the latent is; the network was told another
        self.forward = DDIMInverseScheduler.from_config({**config, "prediction_type": "epsilon"})
        self.back = DDIMScheduler.from_config(config)
        self.forward.set_timesteps(50)
        self.back.set_timesteps(50)
        given = tokenizer(["", WORDS], padding="max_length", max_length=77, return_tensors="pt").input_ids
        self.words = text(given).last_hidden_state

    def output(self, latent: torch.Tensor, level: Any, guidance: float) -> torch.Tensor:
        untold, told = self.unet(torch.cat([latent, latent]), level, self.words).sample.chunk(2)
        return untold + guidance * (told - untold)

    @torch.no_grad()
    def clean(self, image: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        return self.vae.encode(pixels).latent_dist.mean * self.vae.config.scaling_factor

    @torch.no_grad()
    def inverted(self, latent: torch.Tensor, first: int, steps: int) -> torch.Tensor:
        for level in self.forward.timesteps[first : first + steps]:
            output = self.output(latent, level, INVERSION_GUIDANCE)
            if self.velocity:
                share = self.back.alphas_cumprod[level]
                output = share**0.5 * output + (1 - share) ** 0.5 * latent
            latent = self.forward.step(output, level, latent).prev_sample
        return latent

    @torch.no_grad()
    def sampled(self, latent: torch.Tensor, steps: int) -> torch.Tensor:
        for level in self.back.timesteps[50 - steps :]:
            latent = self.back.step(self.output(latent, level, GUIDANCE), level, latent).prev_sample
        return latent


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_both_ends_do_what_loops_of_diffusers_do(changed: Callable[..., Path], prediction: str) -> None:
    folder = changed(prediction_type=prediction)
    codec, stock = loaded(folder), Stock(folder)
    sending = Sending(inversion_steps=3, prompt=WORDS, prompt_is="sent", inversion_guidance=INVERSION_GUIDANCE)
    frame = codec.encode(picture(), sending)
    expected = stock.inverted(stock.clean(picture()), 0, 3)
    assert np.abs(frame.features - expected.numpy().reshape(-1)).max() < 1e-4
    receiving = Receiving(
        inversion_steps=2, steps=15, rescale="off", inversion_guidance=INVERSION_GUIDANCE, guidance=GUIDANCE
    )
    found = clean_of(codec, frame, receiving)
    restored = stock.sampled(stock.inverted(expected, 3, 2), 15)
    assert np.abs(found - restored[0].numpy()).max() < 1e-4
    with torch.no_grad():
        image = stock.vae.decode(restored / stock.vae.config.scaling_factor).sample[0].permute(1, 2, 0) / 2 + 0.5
    pixels = (image.clamp(0, 1) * 255).round().numpy()
    assert np.abs(codec.decode(frame.heard(1e-9), receiving) - pixels).max() <= 1


def test_words_and_guidance_matter(tiny_stable_diffusion: Path) -> None:
    codec = loaded(tiny_stable_diffusion)
    plain, told, guided = (
        codec.encode(picture(), Sending(**one)).features
        for one in ({}, {"prompt": WORDS}, {"prompt": WORDS, "inversion_guidance": 7})
    )
    assert not np.allclose(plain, told, atol=1e-5)
    assert not np.allclose(guided, told, atol=1e-5)
    same = codec.encode(picture(), Sending(inversion_guidance=7)).features  # of no words over no words
    assert np.allclose(plain, same, atol=1e-4)


def test_older_names_and_half_precision_are_the_same_network(tiny_stable_diffusion: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_stable_diffusion, tmp_path / "older"))
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}

    def rewrite(file: str, to: str, name: Callable[[str], str], **more: torch.Tensor) -> None:
        tensors = {name(key): value.half() for key, value in load_file(folder / file).items()}
        (folder / file).unlink()
        save_file({**tensors, **more}, folder / to)

    def older(key: str) -> str:
        for now, before in old.items():
            key = key.replace(now, before)
        return key

    rewrite("vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors", older)
    rewrite("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors", str)
    positions = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    rewrite(
        "text_encoder/model.safetensors",
        "text_encoder/model.fp16.safetensors",
        lambda key: "text_model." + key.removeprefix("text_model."),
        **positions,
    )
    ours, theirs = loaded(tiny_stable_diffusion), loaded(folder)
    assert ours.model == theirs.model  # a receiver with the one takes frames of the other
    sent, expected = (one.encode(picture(), Sending(prompt=WORDS)).features for one in (theirs, ours))
    assert 0 < np.abs(sent - expected).max() < 1e-2


def test_bfloat16_is_near_and_keeps_what_is_around_the_networks(tiny_stable_diffusion: Path) -> None:
    ours, theirs = loaded(tiny_stable_diffusion, precision="bfloat16"), loaded(tiny_stable_diffusion)
    frame = theirs.encode(picture(), Sending(prompt=WORDS))
    reduced, exact = (one.decode(frame.heard(0.1), Receiving(prompt=WORDS)).astype(int) for one in (ours, theirs))
    assert 0 < np.abs(reduced - exact).mean() < 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("compile", ["off", "on"])
def test_recorded_steps_compute_what_plain_ones_do(tiny_stable_diffusion: Path, compile: str) -> None:
    plain = loaded(tiny_stable_diffusion)
    fast = loaded(tiny_stable_diffusion, device="cuda", compile=compile, graphs="on")
    receiving = Receiving(steps=4, guidance=GUIDANCE, prompt=WORDS)
    for side in (48, 72, 48):  # the first recording is met again
        frame = plain.encode(picture()[:side, :side], Sending(prompt=WORDS))
        found, expected = (one.decode(frame.heard(0.1), receiving).astype(int) for one in (fast, plain))
        assert np.abs(found - expected).max() <= 2


def test_a_prompt_that_is_too_long_is_refused(tiny_stable_diffusion: Path) -> None:
    codec = loaded(tiny_stable_diffusion)
    codec.encode(picture(), Sending(inversion_steps=1, prompt="cat " * 75))  # and a beginning and an end
    with pytest.raises(SignalError, match=r"prompt: expected at most 77 tokens, .*, got 78 of 'cat cat .*; shorten it"):
        codec.encode(picture(), Sending(inversion_steps=1, prompt="cat " * 76))


def test_a_frame_of_other_weights_is_refused(tiny_stable_diffusion: Path, changed: Callable[..., Path]) -> None:
    folder = changed()
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({key: torch.flip(value, [0]) for key, value in load_file(path).items()}, path)
    frame = loaded(tiny_stable_diffusion).encode(picture(), Sending(inversion_steps=0))
    with pytest.raises(SignalError, match="give encoder and decoder the same variant, and weights of one training"):
        loaded(folder).decode(frame.heard(0.1), Receiving())
