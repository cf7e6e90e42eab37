"""`decoders/onnx`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...models.deepjscc.names import RATES
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from ..block import Block
from ..envelope import Header, Identity, State
from ..onnx_session import OnnxSession, Provider
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["Onnx", "feature_n0", "to_pixels"]


class Onnx(Block):
    r"""Decodes a picture by an exported ONNX file, without torch.

    .. math:: \hat{x} = f(y, N_0; \mathrm{SNR}, k)

    The counterpart of ``encoders/onnx``, and of the encoder whose network the file belongs to: both write the same
    header. Use it with ``--swap decoder=decoders/onnx:path=FILE``. Equalised symbols are expected without bias
    (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId; for a DeepJSCC file JsccMode; for a CDM-JSCC file CdmMode and RateMap;
             state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, or the frame was made for other
             weights. WeightsError: the file is not one that `semcom export` wrote for this block, or this onnxruntime
             does not run its operator set. UsageError: provider cuda without CUDA.
    State:   none; the file, loaded by `start`.
    Example: ``decoder: {use: decoders/onnx, path: decoder.onnx}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The ONNX file of a decoder.")
        provider: Provider = Field(
            "cpu",
            description="Where it runs: cuda fails where there is none; auto then takes the CPU, and the log says so.",
        )
        threads: int = Field(1, ge=1, le=256, description="CPU threads; their number may change the last bits.")
        steps: Live[int] = Field(
            1, ge=1, le=65, description="CDM-JSCC: DDIM steps; the time to decode grows with them."
        )
        guidance: Live[float] = Field(
            1.0, ge=0, le=4, description="CDM-JSCC: times what the diffusion adds to the estimate."
        )
        seed: Live[int | None] = Field(
            None,
            ge=0,
            lt=2**63,
            description="CDM-JSCC: fixes the sampler's noise, the same for every picture; null: the run's seed rules.",
        )
        fading_aware: Literal["on", "off"] = Field(
            "on", description="CDM-JSCC: reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )

    params: Params
    reads_header = (ImageShape, ModelId)
    may_read_header = (JsccMode, CdmMode, RateMap)

    def start(self) -> None:
        """Load the file."""
        p = self.params
        self._session = OnnxSession(
            "decoders/onnx", Path(p.path), role="decoder", provider=p.provider, threads=p.threads
        )

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        shape, metadata = header.read(ImageShape), self._session.metadata
        header.read(ModelId).check_weights("decoders/onnx", metadata.numbers, metadata.variant, metadata.shared_weights)
        if metadata.system == "deepjscc":
            picture = self._deepjscc(features.reshape(-1), shape, header.read(JsccMode), state)
        else:
            rng = self.rng(identity) if self.params.seed is None else _fixed(self.params.seed)
            levels = header.read(RateMap).array()
            picture = self._cdm_jscc(features.reshape(-1), levels, header.read(CdmMode), state, rng)
        return to_pixels(picture[: shape.height, : shape.width])

    def _deepjscc(self, features: Features, shape: ImageShape, mode: JsccMode, state: State) -> NDArray[np.float32]:
        metadata = self._session.metadata
        rate = RATES[mode.rate_index]
        if rate not in metadata.rates:
            raise SignalError(
                f"decoders/onnx: expected a rate of {', '.join(metadata.rates)}, got {rate}; give the file that "
                "belongs to the encoder"
            )
        rows, columns = (-(-side // metadata.patch) for side in (shape.height, shape.width))
        kept, widest = metadata.rates[rate], max(metadata.rates.values())
        received, n0 = _checked(features, rows * columns * kept, state)
        return self._session.run(
            "picture",
            features=_widened(received.reshape(rows, columns, kept), widest, 0.0),
            n0=_widened(n0.reshape(rows, columns, kept), widest, 1.0),
            rate=np.array([list(metadata.rates).index(rate)], np.int64),
            esn0_db=np.array([mode.esn0_db], np.float32),
        )

    def _cdm_jscc(
        self, features: Features, levels: NDArray[np.uint8], mode: CdmMode, state: State, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        from ...models.cdm_jscc.ddim_shares import ddim_shares
        from ...models.cdm_jscc.rate_map import unpack

        p, metadata = self.params, self._session.metadata
        if mode.eta_index >= len(metadata.etas):
            raise SignalError(
                f"decoders/onnx: expected an eta of {len(metadata.etas)}, got number {mode.eta_index}; give the file "
                "that belongs to the encoder"
            )
        received, n0 = _checked(features, int(np.asarray(metadata.levels)[levels].sum()), state)
        if p.fading_aware == "off":
            n0 = np.full_like(n0, 1 / np.mean(1 / n0.astype(np.float64)))
        grid = (*levels.shape, -1)
        variance = unpack(n0, levels)
        height, width = (metadata.patch * side for side in levels.shape)
        noise = rng.standard_normal((height, width, 3), np.float32).transpose(
            2, 0, 1
        )  # drawn as decoders/cdm_jscc does
        time, clean, noisy = ddim_shares(p.steps)
        return self._session.run(
            "picture",
            features=unpack(received, levels).reshape(grid),
            n0=np.where(variance > 0, variance, np.float32(1)).reshape(grid),
            levels=levels.astype(np.int64),
            eta_index=np.array([mode.eta_index], np.int64),
            esn0_db=np.array([mode.esn0_db], np.float32),
            noise=np.ascontiguousarray(noise),
            time=time,
            clean_share=clean,
            noisy_share=noisy,
            guidance=np.array([p.guidance], np.float32),
        )


def _fixed(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def _checked(features: Features, count: int, state: State) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features and the n0 of each, at least 1e-6, when there are as many as there should be, all finite."""
    if features.size not in (count, count + 1):  # an odd count travels with a zero more
        raise SignalError(f"decoders/onnx: expected {count} features, as the header says, got {list(features.shape)}")
    received, n0 = features[:count], feature_n0("decoders/onnx", state, features.size)[:count]
    if not (np.isfinite(received).all() and np.isfinite(n0).all() and (n0 >= 0).all()):
        raise SignalError("decoders/onnx: expected finite features and n0 of at least 0, got others; check the channel")
    return received, np.maximum(n0, np.float32(1e-6))


def feature_n0(who: str, state: State, count: int) -> NDArray[np.float32]:
    """Return n0 of every feature: a symbol has two, but for a last one that was padded.

    Raises:
        SignalError: n0 is not known, or there is not one for each symbol.
    """
    if state.n0 is None:
        raise SignalError(
            f"{who}: expected n0 in the receiver's state, got none; connect a channel that adds noise; "
            "channels/cascade joins it with impairments, which add none"
        )
    if not np.ndim(state.n0):
        return np.full(count, state.n0, np.float32)
    if np.size(state.n0) != -(-count // 2):
        raise SignalError(
            f"{who}: expected n0 of {-(-count // 2)} symbols for {count} features, got {np.size(state.n0)}"
        )
    return np.repeat(np.asarray(state.n0, np.float32), 2)[:count]


def to_pixels(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a picture of 0 to 1 as uint8, clipped and rounded."""
    return np.ascontiguousarray((picture.clip(0, 1) * 255).round().astype(np.uint8))


def _widened(values: NDArray[np.float32], count: int, fill: float) -> NDArray[np.float32]:
    """Return rows that are continued with a value up to ``count``."""
    missing = count - values.shape[2]
    return np.pad(values.astype(np.float32), ((0, 0), (0, 0), (0, missing)), constant_values=fill)
