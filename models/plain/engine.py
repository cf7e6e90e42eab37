"""Plain networks in torch and as ONNX files: both run the same two methods of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..model_card import ModelCard
from ..onnx.export import PARITY_SIZES, Exported, Graph, Inputs, export_codec, parity_picture
from ..system import System
from ..weights.network import config_of, fill
from .codec import PlainAbout, PlainCodec, PlainConfig

__all__ = ["PlainEngine", "PlainNetwork", "export_plain", "load_plain"]

TRACED = (3, 5)  # patches; no axis of any inner tensor has the length of another by chance


class PlainNetwork(Protocol):
    """What the module of a system has; its constructor takes the configuration."""

    def encode(self, images: Tensor) -> Tensor:
        """Features ``[b, features, rows, columns]`` of images ``[b, 3, h, w]`` in [0, 1], sides multiples of the patch.

        Their scale is free: each frame is sent at unit power.
        """

    def decode(self, features: Tensor, n0: Tensor) -> Tensor:
        """Images of received features, in the scale in which they were made.

        ``n0``, of the same shape, is the noise variance per complex symbol, where symbols have unit mean energy.
        """


class _Sender(nn.Module):
    """One picture, as an exported file takes it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.network.encode(image.permute(2, 0, 1)[None].float() / 255)[0]
        return features


class _Receiver(nn.Module):
    """One frame, as an exported file takes it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, n0: Tensor) -> Tensor:
        picture: Tensor = self.network.decode(features[None], n0[None])[0].permute(1, 2, 0)
        return picture


class PlainEngine:
    """A trained network, in float32 on the CPU.

    Args:
        network: See `PlainNetwork`.
        card: Of its weights.

    Attributes:
        sender: What an exported encoder computes.
        receiver: What an exported decoder computes.
    """

    def __init__(self, network: nn.Module, card: ModelCard) -> None:
        self.card, self.network = card, network.eval().requires_grad_(requires_grad=False)
        self.sender, self.receiver = _Sender(network), _Receiver(network)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``features`` or ``picture``, see the ports of `PlainCodec`."""
        end = {"features": self.sender, "picture": self.receiver}[output]
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in inputs.items()}
        made: NDArray[np.float32] = end(**tensors).contiguous().numpy()
        return made


def load_plain(
    system: System,
    codec: type[PlainCodec],
    config: type[PlainConfig],
    build: Callable[[Any], nn.Module],
    variant: str,
    weights: str | Path | None,
) -> PlainCodec:
    """Load weights into a network: what a system's ``engine`` does.

    Args:
        system: Its record.
        codec: Its codec.
        config: Of its network.
        build: The network's class; see `PlainNetwork`.
        variant: What the header calls the weights.
        weights: A safetensors file with its card beside it; what comes with the system if not said.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
        UsageError: no weights come with the system for this variant.
    """
    path = system.shipped.path(variant) if weights is None else Path(weights)
    card, tensors = system.shipped.load(path)
    network = build(config_of(system.name, path, card, config))
    fill(path, network, tensors)
    about = PlainAbout(variant=variant, weights_sha256=card.sha256, **card.config)
    return codec(PlainEngine(network, card), about)


def export_plain(codec: PlainCodec, out: Path, sizes: Sequence[tuple[int, int]] = PARITY_SIZES) -> Iterator[Exported]:
    """Write encoder and decoder as ONNX files: what a system's ``export`` does; see `export_codec`.

    Args:
        codec: As `load_plain` gives it.
        out: Folder of the files.
        sizes: Heights and widths of pictures on which files and network are compared.

    Yields:
        Each file when it is written.
    """
    patch, free = codec.about.patch, torch.export.Dim.AUTO
    whole = [(-(-height // patch) * patch, -(-width // patch) * patch) for height, width in sizes]
    names = [f"{height} x {width}" for height, width in whole]
    engine: Any = codec.engine
    (image, received), *cases = [_inputs(codec, *size) for size in [(patch * TRACED[0], patch * TRACED[1]), *whole]]
    pixels, grid = {"image": {0: free, 1: free}}, {name: {1: free, 2: free} for name in received}
    yield from export_codec(
        codec,
        out,
        Graph("encoder", engine.sender, image, pixels, zip(names, (case[0] for case in cases), strict=True)),
        Graph("decoder", engine.receiver, received, grid, zip(names, (case[1] for case in cases), strict=True)),
    )


def _inputs(codec: PlainCodec, height: int, width: int) -> tuple[Inputs, Inputs]:
    """What goes into both ends for a picture; the noise differs from symbol to symbol."""
    image, rng = parity_picture(height, width), np.random.default_rng([height, width])
    features = codec.engine.run("features", image=image)
    n0 = rng.uniform(0.02, 0.2, features.shape).astype(np.float32)
    scale = np.sqrt(np.mean(np.square(features)), dtype=np.float32)
    received = features + scale * np.sqrt(n0) * rng.standard_normal(features.shape, np.float32)
    return {"image": image}, {"features": received, "n0": n0}
