"""CDM-JSCC as two ONNX files: the transmitter, and the whole receiver with its sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._higher_order_ops.while_loop import while_loop

from ..onnx_export import PARITY_SIZES, Case, Exported, export_onnx, parity_picture
from ..onnx_metadata import FORMAT, OnnxMetadata
from .allocation import sent_mask
from .backbone import Told
from .codec import CdmJsccCodec
from .ddim_shares import ddim_shares
from .deepjscc_backbone import effective_esn0_db_of_sent
from .network import CdmJscc
from .rate_map import ETAS, LEVELS, PATCH

__all__ = ["Receiver", "Transmitter", "export_cdm_jscc"]

TRACED = (96, 160)  # height and width; no axis of any inner tensor has the length of another by chance
STEPS = 3  # of the sampler, when it is compared with the network's


class Transmitter(nn.Module):
    """Entropy of each patch, and what is sent once the rates are chosen. Each is computed without the other.

    Args:
        network: Trained.

    Input:   image: uint8 ``[16 h, 16 w, 3]``; levels: int64 ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32
             ``[1]``, Es/N0 in dB.
    Output:  patch_bits: float32 ``[h, w]``, of the picture alone; features: float32 ``[h * w, 256]`` by rank, zero
             where nothing is sent.
    """

    def __init__(self, network: CdmJscc) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, levels: Tensor, eta_index: Tensor, esn0_db: Tensor) -> tuple[Tensor, Tensor]:
        """Look at a picture, and encode it."""
        images = image.permute(2, 0, 1)[None].float() / 255
        y, entropy = self.network.entropy(images)
        features = self.network.backbone.send(images, y, Told(levels[None], eta_index, esn0_db))
        return entropy.patch_bits[0], features[0]


class Receiver(nn.Module):
    """JSCC decoder, and a sampler of as many steps as it is given shares for.

    Args:
        network: Trained.

    Input:   features: float32 ``[h, w, 256]`` by rank, as received, zero where nothing was sent; n0: of the same shape,
             noise variance per complex symbol, at least 1e-6, any positive number where nothing was sent; levels: int64
             ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32 ``[1]``, in dB, as the transmitter was told; noise:
             float32 ``[3, 16 h, 16 w]``, standard normal; time, clean_share, noisy_share: float32 ``[steps]``, see
             `ddim_shares`; guidance: float32 ``[1]``.
    Output:  float32 ``[16 h, 16 w, 3]``, 0 to 1, not clipped.
    """

    def __init__(self, network: CdmJscc) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        features: Tensor,
        n0: Tensor,
        levels: Tensor,
        eta_index: Tensor,
        esn0_db: Tensor,
        noise: Tensor,
        time: Tensor,
        clean_share: Tensor,
        noisy_share: Tensor,
        guidance: Tensor,
    ) -> Tensor:
        """Decode one picture."""
        told = Told(levels[None], eta_index, esn0_db)
        received, variance = (values.flatten(0, 1)[None] for values in (features, n0))
        understood = self.network.backbone.receive(received, variance, told)
        heard_db = effective_esn0_db_of_sent(variance, sent_mask(told.levels.flatten(1)))

        def more(step: Tensor, x: Tensor) -> Tensor:
            return step < time.shape[0]

        def once(step: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            at = step.reshape(1)
            clean = self.network.denoise(understood, x, time.index_select(0, at), told, heard_db, guidance)  # type: ignore[arg-type]
            clean = clean.reshape(x.shape)  # as large, which no tracer can prove of all the halving and doubling
            x = clean_share.index_select(0, at) * clean + noisy_share.index_select(0, at) * x
            return step + 1, x.clone(memory_format=torch.contiguous_format)  # what goes round must keep its layout

        start = self.network.config.start_noise * noise[None]
        loop: Any = while_loop
        _, residual = loop(more, once, (torch.zeros((), dtype=torch.int64), start))
        out = understood.estimate + self.network.spread_of(understood) * residual
        picture: Tensor = out[0].permute(1, 2, 0)
        return picture


def export_cdm_jscc(
    out: Path,
    *,
    variant: str = "d",
    weights: Path | str | None = None,
    sizes: Sequence[tuple[int, int]] | None = None,
) -> Iterator[Exported]:
    """Write encoder and decoder, ``cdm-jscc-VARIANT-encoder.onnx`` and ``...-decoder.onnx``, and compare with torch.

    Args:
        out: Folder of the files.
        variant: Which shipped weights.
        weights: Of one's own training, in place of the shipped ones.
        sizes: Heights and widths, multiples of 16, at which files and network are compared; `PARITY_SIZES` if not said.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or no such weights are shipped.
            WeightsError: the file of weights. MissingExtra: onnx or onnxscript is not installed.
    """
    sizes = PARITY_SIZES if sizes is None else sizes
    codec = CdmJsccCodec(None if weights is None else Path(weights), variant)
    plain: Any = codec.network
    network: CdmJscc = plain.to(memory_format=torch.contiguous_format)  # other strides make guards on sizes
    metadata = OnnxMetadata(
        format=FORMAT,
        system="cdm-jscc",
        role="encoder",
        variant=variant,
        patch=PATCH,
        levels=LEVELS,
        etas=ETAS,
        tag=codec.tag,
        weights_sha256=codec.card.sha256,
    )
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    grid: dict[int, Any] = {0: rows, 1: columns}
    pixels: dict[int, Any] = {0: PATCH * rows, 1: PATCH * columns}
    yield export_onnx(
        Transmitter(network),
        out / f"cdm-jscc-{variant}-encoder.onnx",
        metadata,
        example=_sent(network, *TRACED, 8.0),
        dynamic={"image": pixels, "levels": grid},
        outputs=["patch_bits", "features"],
        cases=_encoder_cases(network, sizes),
    )
    steps = {0: torch.export.Dim("steps", min=1, max=1024)}
    yield export_onnx(
        Receiver(network),
        out / f"cdm-jscc-{variant}-decoder.onnx",
        metadata.model_copy(update={"role": "decoder"}),
        example=_received(network, *TRACED, 8.0),
        dynamic={
            **{name: grid for name in ("features", "n0", "levels")},
            **{name: steps for name in ("time", "clean_share", "noisy_share")},
            "noise": {1: PATCH * rows, 2: PATCH * columns},
        },
        outputs=["picture"],
        cases=_decoder_cases(network, sizes),
    )


def _encoder_cases(network: CdmJscc, sizes: Sequence[tuple[int, int]]) -> Iterator[Case]:
    for height, width, esn0_db in _operating_points(sizes):
        inputs = _sent(network, height, width, esn0_db)
        yield Case(f"{height} x {width}, {esn0_db:g} dB", inputs, _encode(network, inputs))


@torch.inference_mode()
def _decoder_cases(network: CdmJscc, sizes: Sequence[tuple[int, int]]) -> Iterator[Case]:
    for height, width, esn0_db in _operating_points(sizes):
        inputs = _received(network, height, width, esn0_db)
        told = Told(inputs["levels"][None], inputs["eta_index"], inputs["esn0_db"])
        received, n0 = (inputs[name].flatten(0, 1)[None] for name in ("features", "n0"))
        understood = network.backbone.receive(received, n0, told)
        heard_db = effective_esn0_db_of_sent(n0, sent_mask(told.levels.flatten(1)))
        start = inputs["noise"][None]
        picture = network.sample(understood, start, told, heard_db, STEPS)
        yield Case(f"{height} x {width}, {esn0_db:g} dB", inputs, {"picture": picture[0].permute(1, 2, 0)})


def _operating_points(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
    """Height, width, Es/N0 in dB."""
    return ((*size, 10.0 - 9.0 * (-1) ** index) for index, size in enumerate(sizes))


def _sent(network: CdmJscc, height: int, width: int, esn0_db: float) -> dict[str, Tensor]:
    """A picture, and rates of all levels."""
    grid = height // PATCH, width // PATCH
    levels = torch.arange(grid[0] * grid[1]).reshape(grid) * 7 % len(LEVELS)
    return {
        "image": parity_picture(height, width),
        "levels": levels,
        "eta_index": torch.tensor([height % len(ETAS)]),
        "esn0_db": torch.tensor([esn0_db]),
    }


@torch.inference_mode()
def _encode(network: CdmJscc, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    images = inputs["image"].permute(2, 0, 1)[None].float() / 255
    y, entropy = network.entropy(images)
    told = Told(inputs["levels"][None], inputs["eta_index"], inputs["esn0_db"])
    return {"patch_bits": entropy.patch_bits[0], "features": network.backbone.send(images, y, told)[0]}


@torch.inference_mode()
def _received(network: CdmJscc, height: int, width: int, esn0_db: float) -> dict[str, Tensor]:
    """What the network sends, after a channel whose noise differs from symbol to symbol."""
    sent = _sent(network, height, width, esn0_db)
    features = _encode(network, sent)["features"]
    generator = torch.Generator().manual_seed(height + width)
    mask = sent_mask(sent["levels"].reshape(1, -1))[0]
    n0 = 10 ** (-esn0_db / 10) * (0.2 + 2 * torch.rand(features.shape, generator=generator)) * mask + (1 - mask)
    features = features + mask * (n0 / 2).sqrt() * torch.randn(features.shape, generator=generator)
    grid = (*sent["levels"].shape, -1)
    shares = ddim_shares(STEPS)
    return {
        "features": features.reshape(grid),
        "n0": n0.reshape(grid),
        "levels": sent["levels"],
        "eta_index": sent["eta_index"],
        "esn0_db": sent["esn0_db"],
        "noise": torch.randn((3, height, width), generator=generator),
        "time": torch.from_numpy(shares.time),
        "clean_share": torch.from_numpy(shares.clean),
        "noisy_share": torch.from_numpy(shares.noisy),
        "guidance": torch.from_numpy(np.ones(1, np.float32)),
    }
