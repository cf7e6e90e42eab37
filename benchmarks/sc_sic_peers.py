"""Whom `sc_sic_latency` measures SC-SIC against, and where: diffusers' Stable Cascade decoder, Stable Diffusion 1.5."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.stage_a import STRIDE

__all__ = ["Diffusers", "Inputs", "Place", "StableDiffusion", "inputs"]


class Place(NamedTuple):
    """Where and how it runs."""

    device: torch.device
    dtype: torch.dtype

    def timed(self, run: Callable[[], Any], share: float = 1.0) -> Callable[[], float]:
        """Return a function that runs once and says how many milliseconds that took, until all is computed."""

        def once() -> float:
            self.wait()
            began = time.perf_counter()
            with torch.inference_mode():
                run()
            self.wait()
            return (time.perf_counter() - began) * 1e3 * share

        return once

    def wait(self) -> None:
        """Until the device has computed all."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def normal(self, *shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Normal numbers there."""
        return torch.randn(*shape, device=self.device, dtype=dtype or self.dtype)


class Inputs(NamedTuple):
    """Of pictures of one size."""

    pictures: torch.Tensor
    embedding: torch.Tensor
    n0: torch.Tensor
    latents: tuple[int, int]


def inputs(network: ScSic, side: int, place: Place, batch: int = 1) -> Inputs:
    """Square pictures; the embedding is noise of the right shape, which is what an embedding looks like."""
    rows = int(side * network.config.semantic.downscale) // network.config.semantic.stride
    embedding = place.normal(batch, network.config.semantic.channels, rows, rows, dtype=torch.float32)
    pictures = torch.rand(batch, 3, side, side, device=place.device)
    return Inputs(pictures, embedding, torch.full_like(embedding, 0.1), (side // STRIDE, side // STRIDE))


class Diffusers:
    """Diffusers' own decoder of Stable Cascade, with weights of the same sizes."""

    def __init__(self, network: ScSic, place: Place) -> None:
        from diffusers import DDPMWuerstchenScheduler

        self.place, self.width = place, network.config.stage_b.text_width
        with torch.device(place.device):
            other = ScSic(network.config, ["stage_a", "stage_b"]).to(place.dtype).eval().requires_grad_(False)
        self.unet, self.vqgan = other.stage_b.unet, other.stage_a.vqgan
        self.scheduler = DDPMWuerstchenScheduler()
        self.pipeline, self.words = self._pipeline()

    def _pipeline(self) -> tuple[Any, str]:
        try:
            from diffusers import StableCascadeDecoderPipeline

            made = StableCascadeDecoderPipeline(
                decoder=self.unet, tokenizer=None, text_encoder=None, scheduler=self.scheduler, vqgan=self.vqgan
            )
        except Exception as error:  # it needs transformers, and says so in more than one way
            why = str(error).strip().splitlines() or [type(error).__name__]
            return None, f"its loop, step by step (its pipeline does not come up here: {why[0][:100]})"
        made.set_progress_bar_config(disable=True)
        return made, "its StableCascadeDecoderPipeline"

    def latents(self, given: Inputs, steps: int, guidance: float) -> torch.Tensor:
        """Stage B."""
        return self._run(given, steps, guidance, "latent")

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Stage A, the pipeline's last lines."""
        scale = self.vqgan.config.scale_factor
        return self.vqgan.decode(scale * latents.to(self.place.dtype)).sample.clamp(0, 1)

    def whole(self, given: Inputs, steps: int, guidance: float) -> torch.Tensor:
        """Both, as one call of the pipeline."""
        return self._run(given, steps, guidance, "pt")

    def _run(self, given: Inputs, steps: int, guidance: float, output: str) -> torch.Tensor:
        embedding, both = given.embedding.to(self.place.dtype), guidance != 1
        text = torch.zeros(len(embedding), 1, self.width, device=self.place.device, dtype=self.place.dtype)
        if self.pipeline is not None:
            texts = {"prompt_embeds": text, "prompt_embeds_pooled": text}
            if both:
                texts |= {"negative_prompt_embeds": text, "negative_prompt_embeds_pooled": text}
            scale = guidance if both else 0.0
            kept: dict[str, Any] = {"num_inference_steps": steps, "guidance_scale": scale, "output_type": output}
            out: torch.Tensor = self.pipeline(embedding, return_dict=False, **kept, **texts)
            return out
        if both:
            embedding, text = torch.cat([embedding, torch.zeros_like(embedding)]), torch.cat([text, text])
        self.scheduler.set_timesteps(steps, device=self.place.device)
        x = self.place.normal(len(given.embedding), 4, *given.latents)
        for t in self.scheduler.timesteps[:-1]:
            times = t.expand(len(x)).to(x.dtype)
            inside, at = (torch.cat([x, x]), torch.cat([times, times])) if both else (x, times)
            said = self.unet(inside, at, clip_text_pooled=text, effnet=embedding, return_dict=False)[0]
            if both:
                told, untold = said.chunk(2)
                said = torch.lerp(untold, told, guidance)
            x = self.scheduler.step(said, times, x).prev_sample
        return x if output == "latent" else self.decode(x)


class StableDiffusion:
    """Image-to-image by Stable Diffusion 1.5: 30 of 50 steps, guidance in one pass of two."""

    def __init__(self, place: Place, shrink: int, steps: int) -> None:
        from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

        self.place, self.steps = place, steps
        with torch.device(place.device):
            widths = [w // shrink for w in (320, 640, 1280, 1280)]
            unet = UNet2DConditionModel(
                sample_size=64,
                block_out_channels=tuple(widths),
                cross_attention_dim=768,
                attention_head_dim=8,
                norm_num_groups=32 // shrink,
            )
            vae = AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                block_out_channels=tuple(w // shrink for w in (128, 256, 512, 512)),
                norm_num_groups=32 // shrink,
                layers_per_block=2,
                scaling_factor=0.18215,
            )
        self.unet, self.vae = (one.to(place.dtype).eval().requires_grad_(False) for one in (unet, vae))
        self.scheduler = DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        )
        self.text = place.normal(2, 77, 768)

    def whole(self, given: Inputs) -> torch.Tensor:
        """A picture to a picture."""
        self.scheduler.set_timesteps(50, device=self.place.device)
        times = self.scheduler.timesteps[-self.steps :]
        pixels = 2 * given.pictures[:1].to(self.place.dtype) - 1
        latents = self.vae.encode(pixels).latent_dist.sample() * self.vae.config.scaling_factor
        x = self.scheduler.add_noise(latents, torch.randn_like(latents), times[:1])
        for t in times:
            untold, told = self.unet(torch.cat([x, x]), t, self.text, return_dict=False)[0].chunk(2)
            x = self.scheduler.step(untold + 7.5 * (told - untold), t, x, return_dict=False)[0]
        out: torch.Tensor = self.vae.decode(x / self.vae.config.scaling_factor).sample
        return out
