"""An SC-SIC network in torch, behind the names of its exported encoder."""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codec import Role
from ..compiled import Compile
from ..precision import Precision
from ..replay import Graphs
from .assemble import assemble
from .codec import Codec, ScSicAbout
from .config import Part, SmallEncoderConfig
from .names import DEFAULT, Variant
from .network import PARTS, ScSic
from .receiver import Receiver
from .stage_a import STRIDE
from .stage_b import UNHEARD

__all__ = ["TorchEngine", "load"]

_NEEDED: dict[Role | None, tuple[Part, ...]] = {
    "encoder": ("encoder",),
    "decoder": ("stage_a", "stage_b"),
    None: PARTS,
}


def load(
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    *,
    role: Role | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
    compile: Compile = "off",
    graphs: Graphs = "off",
) -> Codec:
    """Load weights for one end or for both.

    Args:
        variant: See `assemble`.
        weights: See there.
        role: What is not needed is not even built; None: both.
        device: See `TorchEngine`.
        precision: See there.
        compile: See there.
        graphs: See there.

    Raises:
        UsageError: no such weights are shipped.
        WeightsError: see `assemble`.
    """
    network = assemble(variant, weights, parts=_NEEDED[role])
    engine = TorchEngine(network, device=device, precision=precision, compile=compile, graphs=graphs)
    return Codec(engine, engine.about(variant))


class TorchEngine:
    """A network.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: The three stages, with their weights; or those of them that are needed.
        device: Where it runs.
        precision: Of stages B and A; see `Receiver`.
        compile: See there.
        graphs: See there.

    Attributes:
        network: As given.
    """

    def __init__(
        self,
        network: ScSic,
        *,
        device: str = "cpu",
        precision: Precision = "float32",
        compile: Compile = "off",
        graphs: Graphs = "off",
    ) -> None:
        self._tag = _tag_of(network)
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)
        self._ways: dict[str, Any] = {"precision": precision, "compile": compile, "graphs": graphs}

    def about(self, variant: Variant) -> ScSicAbout:
        """What the codec must know."""
        config = self.network.config
        return ScSicAbout(
            variant=variant,
            patch=config.stride,
            tag=self._tag,
            channels=config.semantic.channels,
            stride=config.semantic.stride,
            downscale=config.semantic.downscale,
            any_downscale=True,
            latent_channels=config.stage_a.latent_channels,
            objective=config.stage_b.objective,
        )

    @torch.inference_mode()
    def run(self, output: str, **inputs: Any) -> NDArray[Any]:
        """Compute ``embedding`` (see `export.Transmitter`) or ``picture``."""
        outputs: dict[str, Callable[..., Tensor]] = {"embedding": self._embedding, "picture": self._picture}
        made: NDArray[Any] = outputs[output](**inputs).cpu().numpy()
        return made

    def _embedding(self, image: NDArray[np.uint8], downscale: NDArray[np.float64] | None = None) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(self._device).float() / 255
        return self.network.embed(pixels, None if downscale is None else float(downscale[0]))[0].float()

    def _picture(
        self,
        embedding: NDArray[np.float32],
        n0: NDArray[np.float32],
        size: NDArray[np.int64],
        noise: Iterator[NDArray[np.float32]],
        **sampling: NDArray[Any],
    ) -> Tensor:
        """Return the picture, uint8 ``[h, w, 3]``: on a GPU it is rounded there.

        Args:
            embedding: ``[channels, rows, columns]``.
            n0: Of each value, of the same shape.
            size: Height and width of the picture.
            noise: Standard normals ``[1, c, h / 4, w / 4]``, as many as the sampler draws.
            sampling: steps, eta, temperature and guidance of `Receiver.sample`, ``[1]``.
        """
        receiver, latents = self._receiver, (int(size[0]) // STRIDE, int(size[1]) // STRIDE)
        received, variance = (torch.from_numpy(np.array(values))[None].to(self._device) for values in (embedding, n0))

        def draw() -> Tensor:
            drawn = torch.from_numpy(next(noise))
            return drawn.pin_memory() if self._device.type == "cuda" else drawn  # fetched while the GPU computes

        given = {name: value.item() for name, value in sampling.items()}
        nothing = None
        if given["guidance"] != 1:
            nothing = receiver.condition(torch.zeros_like(received), torch.full_like(variance, UNHEARD), latents)
        conditioning = receiver.condition(received, variance, latents)
        picture = receiver.decode(receiver.sample(conditioning, draw, unconditional=nothing, **given))
        return (picture[0].float().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)

    @functools.cached_property
    def _receiver(self) -> Receiver:  # packs weights, which a transmitter has no use for
        return Receiver(self.network, **self._ways)


def _tag_of(network: ScSic) -> int:
    """Of the encoder's weights or, since EfficientNet encoders stay as published, of their sizes."""
    semantic = network.config.semantic
    if not isinstance(semantic, SmallEncoderConfig):
        sizes = json.dumps(semantic.model_dump(exclude={"downscale"}), sort_keys=True)
        return zlib.crc32(sizes.encode()) & 0x3FFF
    crc = 0
    for _, value in sorted(network.encoder.state_dict().items()):
        crc = zlib.crc32(value.cpu().numpy().tobytes(), crc)
    return crc & 0x3FFF
