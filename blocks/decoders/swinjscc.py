"""`decoders/swinjscc`."""

from __future__ import annotations

from pydantic import Field

from ...models.swinjscc.names import DEFAULT, Variant
from ...models.swinjscc.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.swin_mode import SwinMode
from .._learned.computing import Device
from .._learned.frames import received
from .._learned.load import torch_codec
from ..block import Block
from ..envelope import Header, State
from ..params import BlockParams
from ..ports import Features, Image

__all__ = ["Swinjscc"]


class Swinjscc(Block):
    r"""Decodes what ``encoders/swinjscc`` sent, from noisy features and the noise of each of them.

    .. math:: \hat{x} = h_\phi(y \odot g_s(y, \mathrm{SNR}))

    Rate and channels come in the header; the SNR is what the receiver met, as the mean capacity of the symbols has it.
    Networks of this project weigh each feature by its own noise, so that fading is met; the published ones take them as
    they are. Equalised symbols are expected without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, SwinMode; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, or the frame is of other weights. WeightsError: the file
             of weights. UsageError: none are shipped for the variant. MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Yang et al., WITT, ICASSP 2023, and SwinJSCC, IEEE TCCN 2024.
    Example: ``decoder: {use: decoders/swinjscc}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Of the weights; that of the encoder.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file of a training here or of the public code; null for the shipped one.",
        )
        device: Device = "cpu"

    params: Params
    reads_header = (ImageShape, ModelId, SwinMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("decoders/swinjscc", SYSTEM, p.variant, p.weights, role="decoder", device=p.device)

    def work(self, features: Features, header: Header, state: State) -> Image:
        """Decode one picture."""
        return self._codec.decode(received("decoders/swinjscc", features, header, state), self._codec.receiving())
