"""Pictures to features and back, numpy in and out: what streaming blocks and benchmarks call."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from ...errors import SignalError, WeightsError
from ..model_card import ModelCard
from .backbone import Told, Understood
from .config import CdmConfig
from .deepjscc_backbone import effective_esn0_db_of_sent
from .diffusion import times
from .names import SHIPPED
from .network import CdmJscc, part_of
from .rate_map import ETAS, LEVELS, PATCH, eta_for_frame, eta_index, levels_for, pack, unpack

__all__ = ["CdmJsccCodec", "Encoded"]

Pixels = NDArray[np.uint8]


class Encoded(NamedTuple):
    """One frame of the transmitter."""

    features: NDArray[np.float32]  # [n], n even, of any scale
    levels: NDArray[np.uint8]  # [h, w]: level of each patch, an index into `rate_map.LEVELS`
    eta_index: int  # of the nearest of `rate_map.ETAS`


class CdmJsccCodec:
    """A trained network behind two functions.

    Works on one picture at a time: on one machine, with the same number of torch threads, the same input gives the same
    bytes. Pictures are continued at their lower and right edge up to a multiple of the patch, and cut afterwards.

    Args:
        weights: A safetensors file with its card beside it; the shipped ones of ``variant`` if not said.
        variant: ``p``, made for the look of a picture, or ``d``, made for the least squared error.
        device: A torch device.
        precision: Of the receiver. ``bfloat16`` is faster on GPUs, and on CPUs that have instructions for it. The
            transmitter always works in float32: both ends share what it decides.

    Attributes:
        card: What is known of the weights.
        tag: 16 bits by which a receiver knows that it understands what this transmitter sends: of the weights of the
            backbone, which both variants share.

    Raises:  WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
    """

    card: ModelCard
    tag: int

    def __init__(
        self,
        weights: Path | None = None,
        variant: str = "d",
        *,
        device: str = "cpu",
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        path = SHIPPED.path(variant) if weights is None else weights
        self.card, tensors = SHIPPED.load(path, part_of)
        try:
            self.network = CdmJscc(CdmConfig.model_validate(self.card.config))
            self.network.load_state_dict(tensors)
        except ValidationError as error:
            raise WeightsError(f"{path}: not weights of CDM-JSCC: {error}; give others") from None
        except RuntimeError:
            raise WeightsError(
                f"{path}: its tensors do not fit the sizes that its card gives; take both from the same place"
            ) from None
        self.network.eval().requires_grad_(requires_grad=False)
        self.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device, self._reduced = torch.device(device), precision == "bfloat16"
        parts = sorted(name for name in tensors if name.startswith("backbone."))
        crc = 0
        for name in parts:
            crc = zlib.crc32(tensors[name].numpy().tobytes(), crc)
        self.tag = crc & 0xFFFF

    @property
    def parameters(self) -> int:
        """How many numbers were trained or fitted."""
        return sum(value.numel() for value in self.network.parameters())

    @torch.inference_mode()
    def entropy_bits(self, image: Pixels) -> NDArray[np.float32]:
        """Estimated entropy of each patch in bits, float32 ``[h, w]``; what eta is multiplied with."""
        bits: NDArray[np.float32] = self.network.entropy(self._pixels(image))[1].patch_bits[0].cpu().numpy()
        return bits

    @torch.inference_mode()
    def encode(
        self,
        image: Pixels,
        *,
        esn0_db: float,
        eta: float | None = None,
        frame_uses: float | None = None,
        rate_map: Literal["sent", "given"] = "sent",
    ) -> Encoded:
        """A picture to the features of one frame.

        Args:
            image: uint8 sRGB ``[h, w, 3]``, h and w at least 1.
            esn0_db: The Es/N0 in dB that the transmitter reckons with; kept within 0 to 20 dB.
            eta: Real values per bit of estimated entropy.
            frame_uses: Instead of eta: as many complex symbols, rate map included, as fit in so many; at least 8 a
                patch are sent.
            rate_map: Given to the receiver free of charge, it leaves all of them to the payload.

        Raises:
            SignalError: no picture, not one of eta and frame_uses, or it is not above 0.
        """
        given = [value for value in (eta, frame_uses) if value is not None]
        if len(given) != 1 or not 0 < given[0] < float("inf"):
            raise SignalError(
                f"cdm-jscc: expected one of eta and frame_uses, above 0, got eta={eta}, frame_uses={frame_uses}"
            )
        pixels = self._pixels(image)
        y, entropy = self.network.entropy(pixels)
        bits = entropy.patch_bits[0].cpu().numpy()
        ratio = eta_for_frame(bits, frame_uses, rate_map) if eta is None else eta  # type: ignore[arg-type]
        levels, index = levels_for(bits, ratio), eta_index(ratio)
        features = self.network.backbone.send(pixels, y, self._told(levels, index, esn0_db))
        return Encoded(pack(features[0].cpu().numpy(), levels), levels, index)

    @torch.inference_mode()
    def decode(
        self,
        features: NDArray[np.float32],
        n0: float | NDArray[np.float32],
        *,
        levels: NDArray[np.uint8],
        eta_index: int,
        esn0_db: float,
        height: int,
        width: int,
        steps: int = 4,
        guidance: float = 1.0,
        noise: NDArray[np.float32] | None = None,
    ) -> Pixels:
        """Received features to a picture.

        Args:
            features: float32 ``[n]`` in the scale in which the encoder made them; a zero more is let pass.
            n0: Noise variance per complex symbol of unit energy after (unbiased) equalisation: one number, or one for
                each feature.
            levels: uint8 ``[h, w]`` as encoded.
            eta_index: As encoded.
            esn0_db: As encoded: it fixes how the power was shared out. What the channel really was, n0 says.
            height: Of the picture in pixels.
            width: Of the picture in pixels.
            steps: DDIM steps, 1 to 65.
            guidance: Times what the denoiser adds to the estimate; 0 for the estimate itself.
            noise: Standard normals ``[16 h, 16 w, 3]``: where the sampler starts.

        Returns:
            uint8 sRGB ``[height, width, 3]``.

        Raises:
            SignalError: the counts do not fit, or values are not finite.
            UsageError: not 1 to 65 steps.
        """
        times(steps)
        understood, told, heard_db = self._understand(features, n0, levels, eta_index, esn0_db, height, width)
        if guidance == 0:
            return _picture(understood.estimate, height, width)
        shape = tuple(understood.estimate.shape[2:])
        if noise is None or noise.shape != (*shape, 3):
            came = "none" if noise is None else list(noise.shape)
            raise SignalError(f"cdm-jscc: expected noise {[*shape, 3]}, got {came}")
        start = torch.from_numpy(np.ascontiguousarray(noise.transpose(2, 0, 1)))[None].to(self._device)
        with self._autocast():
            out = self.network.sample(understood, start, told, heard_db, steps, guidance)
        return _picture(out, height, width)

    def _understand(
        self,
        features: NDArray[np.float32],
        n0: float | NDArray[np.float32],
        levels: NDArray[np.uint8],
        index: int,
        esn0_db: float,
        height: int,
        width: int,
    ) -> tuple[Understood, Told, Tensor]:
        if height < 1 or width < 1:
            raise SignalError(f"cdm-jscc: expected a picture of at least 1 x 1, got {height} x {width}")
        grid = -(-height // PATCH), -(-width // PATCH)
        if levels.shape != grid or (levels >= len(LEVELS)).any():
            raise SignalError(
                f"cdm-jscc: expected a rate map {list(grid)} of levels below {len(LEVELS)} for {height} x {width} "
                f"pixels, got {list(levels.shape)} up to {int(levels.max(initial=0))}; the header is of another picture"
            )
        if not 0 <= index < len(ETAS):
            raise SignalError(f"cdm-jscc: expected an index of eta below {len(ETAS)}, got {index}")
        count = int(np.asarray(LEVELS)[levels].sum())
        if features.ndim != 1 or features.size not in (count, count + 1):
            raise SignalError(f"cdm-jscc: expected {count} features, as the rate map says, got {list(features.shape)}")
        noise = np.full(features.shape, n0, np.float32) if np.ndim(n0) == 0 else np.asarray(n0, np.float32)
        if noise.shape != features.shape:
            raise SignalError(f"cdm-jscc: expected n0 as one number or {list(features.shape)}, got {list(noise.shape)}")
        if not (np.isfinite(features).all() and np.isfinite(noise).all() and (noise >= 0).all()):
            raise SignalError("cdm-jscc: expected finite features and n0 of at least 0, got others; check the channel")
        received = torch.from_numpy(unpack(features[:count], levels))[None].to(self._device)
        variance = torch.from_numpy(unpack(np.maximum(noise[:count], 1e-6), levels))[None].to(self._device)
        told = self._told(levels, index, esn0_db)
        sent = variance > 0
        variance = torch.where(sent, variance, 1.0)
        with self._autocast():
            understood = self.network.backbone.receive(received, variance, told)
        return understood, told, effective_esn0_db_of_sent(variance, sent.float())

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._reduced)

    def _pixels(self, image: Pixels) -> Tensor:
        return _checked(image).to(self._device).float() / 255

    def _told(self, levels: NDArray[np.uint8], index: int, esn0_db: float) -> Told:
        level = torch.tensor([min(max(float(esn0_db), 0.0), 20.0)])
        told = Told(torch.from_numpy(levels.astype(np.int64))[None], torch.tensor([index]), level)
        return Told(*(part.to(self._device) for part in told))


def _checked(image: Pixels) -> Tensor:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise SignalError(f"cdm-jscc: expected a picture, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
    below, right = (-side % PATCH for side in image.shape[:2])
    padded = np.pad(image, ((0, below), (0, right), (0, 0)), "edge").transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(padded))[None]


def _picture(out: Tensor, height: int, width: int) -> Pixels:
    pixels = (out[0, :, :height, :width].clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.cpu().numpy().transpose(1, 2, 0))
