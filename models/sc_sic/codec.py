"""Pictures to embeddings and back, numpy in and out: what streaming blocks and measurements call."""

from __future__ import annotations

import functools
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from ...errors import SignalError, WeightsError
from ..model_card import ModelCard, card_path
from ..weights.find import find_parts
from .compiled import Compile
from .config import Part, ScSicConfig, SmallEncoderConfig
from .efficientnet import EfficientNetEncoder
from .names import SHIPPED
from .network import PARTS, ScSic, part_of
from .pretrained import load_part
from .published import PUBLICATION
from .receiver import Precision, Receiver
from .replay import Graphs
from .sizes import SIZES, Size
from .stage_a import STRIDE
from .stage_b import UNHEARD

__all__ = ["ScSicCodec"]

Pixels = NDArray[np.uint8]


class ScSicCodec:
    """A network behind two functions.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: The three stages, with their weights; or those of them that are needed.
        device: Where it runs.
        precision: Of stages B and A; see `Receiver`.
        compile: See there.
        graphs: See there.

    Attributes:
        network: As given.
        stride: What the sides of pictures must be multiples of.
        tag: 14 bits by which a receiver knows that it understands what a transmitter sends: a check sum of the
            encoder's weights or, since EfficientNet encoders stay as published, of their sizes.
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
        self.tag = _tag_of(network)
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)
        self._ways: dict[str, Any] = {"precision": precision, "compile": compile, "graphs": graphs}
        self.stride = network.config.stride

    @functools.cached_property
    def _receiver(self) -> Receiver:  # packs weights, which a transmitter has no use for
        return Receiver(self.network, **self._ways)

    @classmethod
    def shipped(cls, variant: str, weights: Path | None = None, **where: Any) -> ScSicCodec:
        """Load weights of this project's own training: a file, or what is shipped for a variant.

        Raises:
            UsageError: no such variant.
            WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
        """
        path = SHIPPED.path(variant) if weights is None else weights
        card, tensors = SHIPPED.load(path, part_of)
        network = ScSic(_config_of(path, card))
        _load(path, network, tensors)
        return cls(network, **where)

    @classmethod
    def pretrained(
        cls, size: Size, source: Path | str | None = None, *, parts: tuple[Part, ...] = PARTS, **where: Any
    ) -> ScSicCodec:
        """Load the stages of Stable Cascade from this machine; the network is never touched.

        Args:
            size: Of the stages.
            source: Where published weights are, see `find_parts`; or a file of one's own training with its
                card, beside which, or in the hub's cache, is published what it leaves out.
            parts: Which are loaded; the rest is not even built.
            **where: device, precision, compile and graphs.

        Raises:
            WeightsError: a file is missing or does not fit.
        """
        wanted = [part for part in PARTS if part in parts]
        config, own = SIZES[size], dict[Part, dict[str, Tensor]]()
        places: list[Path | str | None] = [source]
        if source is not None and Path(source).is_file() and card_path(Path(source)).is_file():
            card, tensors = SHIPPED.load(Path(source), part_of)
            config = _config_of(Path(source), card)
            own = {part: _under(part, tensors) for part in wanted if _under(part, tensors)}
            places = [Path(source).parent, None]
        rest = [part for part in wanted if part not in own]
        paths = find_parts(PUBLICATION, rest, *places, variant="large" if size == "large" else "lite") if rest else {}
        if "stage_a" in paths:
            config = _with_scale(config, paths["stage_a"])
        with torch.device("meta"):  # no random weights that are thrown away
            network = ScSic(config, wanted)
        for part, path in paths.items():
            load_part(part, path, network.get_submodule(part), extra="channel_context")
        for part, tensors in own.items():
            _load(Path(str(source)), network.get_submodule(part), tensors)
        if "encoder" in wanted and isinstance(network.encoder, EfficientNetEncoder):
            network.encoder.set_constants()
        return cls(network, **where)

    @classmethod
    def open(
        cls, variant: str, weights: str | None = None, *, parts: tuple[Part, ...] = PARTS, **where: Any
    ) -> ScSicCodec:
        """Load what a variant and ``weights`` name.

        Args:
            variant: Shipped weights, or a `Size`.
            weights: A safetensors file with its card; of a `Size` also a folder of published files, or a repository of
                the hub that an earlier download left on this machine; None: the shipped, or the published ones.
            parts: Which are needed.
            **where: device, precision, compile and graphs.

        Raises:
            UsageError: no such variant is shipped.
            WeightsError: see `shipped` and `pretrained`.
        """
        if variant in SIZES:
            return cls.pretrained(variant, weights, parts=parts, **where)
        return cls.shipped(variant, None if weights is None else Path(weights), **where)

    @property
    def channels(self) -> int:
        """Of the embedding."""
        return self.network.config.semantic.channels

    def grid(self, height: int, width: int, downscale: float | None = None) -> tuple[int, int]:
        """Rows and columns of the embedding of a picture.

        Raises:
            SignalError: a side is no multiple of the stride, or the picture is too small.
        """
        semantic = self.network.config.semantic
        if min(height, width) < 1 or height % self.stride or width % self.stride:
            best = [max(self.stride, round(side / self.stride) * self.stride) for side in (height, width)]
            raise SignalError(
                f"sc-sic: expected sides that are multiples of {self.stride} pixels, got {height} x {width}; "
                f"scale or crop the picture, to {best[0]} x {best[1]} for example"
            )
        factor = semantic.downscale if downscale is None else downscale
        rows, columns = (int(side * factor) // semantic.stride for side in (height, width))
        if min(rows, columns) < 1:
            raise SignalError(
                f"sc-sic: expected a picture of at least {math.ceil(semantic.stride / factor)} pixels a side where "
                f"it is scaled by {factor:g}, got {height} x {width}; send a larger one, or scale it less"
            )
        return rows, columns

    @torch.inference_mode()
    def encode(self, image: Pixels, *, downscale: float | None = None) -> NDArray[np.float32]:
        """A picture to its embedding.

        Args:
            image: uint8 sRGB ``[h, w, 3]``, sides multiples of `stride`.
            downscale: Of the sides before the encoder, above 0 and at most 1; the network's own if not said.

        Returns:
            float32 ``[channels, rows, columns]``, of about unit variance.

        Raises:
            SignalError: no picture, or see `grid`.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SignalError(f"sc-sic: expected a picture, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
        self.grid(image.shape[0], image.shape[1], downscale)
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(self._device).float() / 255
        embedding: NDArray[np.float32] = self.network.embed(pixels, downscale)[0].float().cpu().numpy()
        return embedding

    @torch.inference_mode()
    def decode(
        self,
        embedding: NDArray[np.float32],
        n0: float | NDArray[np.float32],
        *,
        height: int,
        width: int,
        rng: np.random.Generator,
        steps: int = 10,
        eta: float = 1.0,
        temperature: float = 1.0,
        guidance: float = 1.0,
    ) -> Pixels:
        """A received embedding to a picture.

        Args:
            embedding: float32 ``[channels, rows, columns]``.
            n0: Noise variance per complex symbol of unit energy, that is per real dimension over the embedding's
                power: one number, or one for each value, of the embedding's shape.
            height: Of the picture in pixels.
            width: Of the picture in pixels.
            rng: Draws the sampler's noise; the same generator gives the same picture.
            steps: Of the sampler, 1 to 50.
            eta: 1 for DDPM, 0 for DDIM.
            temperature: Of the sampler's noise.
            guidance: 1 for none.

        Returns:
            uint8 sRGB ``[height, width, 3]``.

        Raises:
            SignalError: the shape does not fit, or values are not finite.
        """
        self.grid(height, width)
        if embedding.ndim != 3 or embedding.shape[0] != self.channels or not embedding.size:
            raise SignalError(
                f"sc-sic: expected an embedding [{self.channels}, rows, columns], got {list(embedding.shape)}; give "
                "encoder and decoder the same weights"
            )
        noise = np.broadcast_to(np.asarray(n0, np.float32), embedding.shape) if np.ndim(n0) == 0 else np.asarray(n0)
        if noise.shape != embedding.shape:
            raise SignalError(f"sc-sic: expected n0 as one number or {list(embedding.shape)}, got {list(noise.shape)}")
        if not (np.isfinite(embedding).all() and np.isfinite(noise).all() and (noise >= 0).all()):
            bad = int(embedding.size - np.isfinite(embedding).sum())
            raise SignalError(
                f"sc-sic: expected a finite embedding and n0 of at least 0, got {bad} values of {embedding.size} that "
                "are not finite, or such an n0; check the channel"
            )
        receiver = self._receiver
        size = height // STRIDE, width // STRIDE
        received = torch.from_numpy(np.array(embedding, np.float32))[None].to(self._device)
        variance = torch.from_numpy(np.array(noise, np.float32))[None].to(self._device)
        shape = (1, self.network.config.stage_a.latent_channels, *size)

        def draw() -> Tensor:
            drawn = torch.from_numpy(rng.standard_normal(shape, np.float32))
            return drawn.pin_memory() if self._device.type == "cuda" else drawn  # fetched while the GPU computes

        nothing = None
        if guidance != 1:
            nothing = receiver.condition(torch.zeros_like(received), torch.full_like(variance, UNHEARD), size)
        latents = receiver.sample(
            receiver.condition(received, variance, size),
            draw,
            steps=steps,
            eta=eta,
            temperature=temperature,
            guidance=guidance,
            unconditional=nothing,
        )
        picture = receiver.decode(latents)
        pixels = (picture[0].float().clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(pixels.cpu().numpy().transpose(1, 2, 0))


def _tag_of(network: ScSic) -> int:
    semantic = network.config.semantic
    if not isinstance(semantic, SmallEncoderConfig):
        sizes = json.dumps(semantic.model_dump(exclude={"downscale"}), sort_keys=True)
        return zlib.crc32(sizes.encode()) & 0x3FFF
    crc = 0
    for _, value in sorted(network.encoder.state_dict().items()):
        crc = zlib.crc32(value.cpu().numpy().tobytes(), crc)
    return crc & 0x3FFF


def _with_scale(config: ScSicConfig, path: Path) -> ScSicConfig:
    """The scale of the latents as the file's own configuration has it, where diffusers' lies beside it."""
    try:
        scale = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))["scale_factor"]
        stage_a = config.stage_a.model_validate({**config.stage_a.model_dump(), "scale": scale})
    except (OSError, ValueError, KeyError, TypeError):
        return config
    return config.model_copy(update={"stage_a": stage_a})


def _config_of(path: Path, card: ModelCard) -> ScSicConfig:
    try:
        return ScSicConfig.model_validate(card.config)
    except ValidationError:
        raise WeightsError(f"{path}: its card describes no SC-SIC network; give weights of one") from None


def _under(part: Part, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{part}."): value for key, value in tensors.items() if key.startswith(f"{part}.")}


def _load(path: Path, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError:
        raise WeightsError(
            f"{path}: its tensors do not fit the sizes that its card gives; take both from the same place"
        ) from None
