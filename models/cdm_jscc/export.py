"""CDM-JSCC as two ONNX files: the transmitter, and the whole receiver with its sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch._higher_order_ops.while_loop import while_loop

from ..effective_esn0 import effective_esn0_db_of_sent
from ..ntscc.context import ContextPrior
from ..ntscc.export import AT_A_TIE
from ..onnx.export import PARITY_SIZES, Exported, Graph, Inputs, export_codec
from ..patch_rates.allocation import sent_mask
from ..patch_rates.export import TRACED, cases, free_axes, heard, sent
from ..patch_rates.told import Told
from ..pixel_diffusion.ddim_shares import ddim_shares
from .codec import Codec
from .engine import TorchEngine
from .names import DEFAULT, SHIPPED, Variant
from .network import CdmJscc

__all__ = ["Receiver", "Transmitter", "export_cdm_jscc"]

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
        y, entropy = self.network.entropy(images, esn0_db)
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
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write encoder and decoder, ``cdm-jscc-VARIANT-encoder.onnx`` and ``...-decoder.onnx``, and compare with torch.

    Args:
        out: Folder of the files.
        variant: Which shipped weights.
        weights: Of one's own training, in place of the shipped ones.
        sizes: Heights and widths, multiples of 16, at which files and network are compared.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or no such weights are shipped.
            WeightsError: the file of weights. MissingExtra: onnx or onnxscript is not installed.
    """
    engine = TorchEngine(SHIPPED.path(variant) if weights is None else Path(weights))
    codec, plain = Codec(engine, engine.about(variant)), cast(Any, engine.network)
    network: CdmJscc = plain.to(memory_format=torch.contiguous_format)  # other strides make guards on sizes
    picture, grid = free_axes()
    steps = {0: torch.export.Dim("steps", min=1, max=1024)}
    received = partial(_received, codec)
    transmitter = Graph(
        "encoder",
        Transmitter(network),
        sent(*TRACED),
        {"image": picture, "levels": grid},
        cases(sent, sizes),
        {"patch_bits": AT_A_TIE} if isinstance(network.prior, ContextPrior) else {},
    )
    receiver = Graph(
        "decoder",
        Receiver(network),
        received(*TRACED),
        {
            **{name: grid for name in ("features", "n0", "levels")},
            **{name: steps for name in ("time", "clean_share", "noisy_share")},
            "noise": {1 + axis: length for axis, length in picture.items()},
        },
        cases(received, sizes),
    )
    yield from export_codec(codec, out, transmitter, receiver)


def _received(codec: Codec, height: int, width: int, esn0_db: float) -> Inputs:
    """What is heard, and what the sampler starts from."""
    shares = ddim_shares(STEPS)
    return {
        **heard(codec, height, width, esn0_db),
        "noise": np.random.default_rng([height, width, 3]).standard_normal((3, height, width), np.float32),
        "time": shares.time,
        "clean_share": shares.clean,
        "noisy_share": shares.noisy,
        "guidance": np.ones(1, np.float32),
    }
