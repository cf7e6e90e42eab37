"""`encoders/sc_sic`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from ...errors import MissingExtra, SignalError, UsageError
from ...models.sc_sic.names import NUMBERS, Variant
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.sc_sic_mode import DOWNSCALES, ScSicMode
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

if TYPE_CHECKING:
    from ...models.sc_sic.codec import ScSicCodec
    from ...models.sc_sic.config import Part

__all__ = ["Downscale", "ScSic", "chosen_downscale", "load_codec"]

_UNKNOWN_ESN0_DB = 10.0


def _one_of_the_sizes(value: float) -> float:
    if value not in DOWNSCALES:
        raise ValueError(f"expected auto or one of {', '.join(f'{one:g}' for one in DOWNSCALES)}, got {value:g}")
    return value


Downscale = Literal["auto"] | Annotated[float, AfterValidator(_one_of_the_sizes)] | None


class ScSic(Block):
    r"""Encodes a picture to a small embedding, from which a generative receiver rebuilds it.

    .. math:: Z = f_\phi(\mathrm{image} \downarrow d), \quad Z \in \mathbb{R}^{c \times \lfloor d H / s \rfloor \times
        \lfloor d W / s \rfloor}

    The variants ``mini-48`` (c = 16, s = 16) and ``mini-341`` (9, 32) are shipped, with d = 1; ``mini-48-clean`` is the
    first before its receiver met noise, with the same encoder. ``lite`` and ``large`` are Stable Cascade's: one encoder
    (16, 32) with d = 0.75, whose weights are looked for in a folder or in the hub's cache, never on the network;
    ``tiny`` is the same at no size, for tests. ``downscale: auto`` takes the smallest embedding that carries as much
    over this channel as 0.75 does at 7 dB, or the largest: 1 below 7 dB, 0.5 above 17.4 dB. The features have about
    unit variance; ``mappers/real_to_complex`` normalises the frame.

    Input:   image: uint8 ``[H, W, 3]``, sides multiples of 32 (of 64 for lite and large), at most 65535.
    Output:  float32 ``[n]``, channels, rows and columns in C order; header: ImageShape, ModelId, ScSicMode.
    Raises:  SignalError: a side is no such multiple, or longer, or shorter than one row. WeightsError: weights are
             missing or do not fit. UsageError: there is no GPU, or no such shipped weights. MissingExtra: torch or
             diffusers is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025.
    Example: ``encoder: {use: encoders/sc_sic, variant: mini-48, downscale: auto, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field("mini-48", description="Which network: a shipped one, or a size of full scale.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file with its card; for lite and large also a folder of published files, or a "
            "repository owner/name in the hub's cache. null: the shipped or the published ones.",
        )
        downscale: Live[Downscale] = Field(
            None,
            description="Of the sides before encoding, 0.5, 0.75 or 1: the size of the embedding; auto: as the channel "
            "asks for; null: the network's own.",
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (auto takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        device: Literal["cpu", "cuda"] = Field("cpu", description="Where the network runs.")

    params: Params
    writes_header = (ImageShape, ModelId, ScSicMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = load_codec("encoders/sc_sic", p.variant, p.weights, parts=("encoder",), device=p.device)

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        p = self.params
        height, width = image.shape[:2]
        if max(height, width) > 65535:
            raise SignalError(f"encoders/sc_sic: expected sides of at most 65535 pixels, got {height} x {width}")
        downscale = chosen_downscale(p.downscale, p.csit, p.esn0_db)
        embedding = self._codec.encode(image, downscale=downscale)
        model = ModelId(NUMBERS[p.variant], self._codec.tag)
        return Out(embedding.reshape(-1), header=(ImageShape(height, width), model, ScSicMode(downscale)))


def chosen_downscale(downscale: Downscale, csit: Literal["mean", "none"], esn0_db: float) -> float | None:
    """Return the downscale of a frame; None: the network's own."""
    from ...models.sc_sic.embedding_size import embedding_downscale

    if downscale != "auto":
        return downscale
    return embedding_downscale(esn0_db if csit == "mean" else _UNKNOWN_ESN0_DB, DOWNSCALES)


def load_codec(
    who: str,
    variant: str,
    weights: str | None,
    *,
    parts: tuple[Part, ...],
    device: Literal["cpu", "cuda"] = "cpu",
    precision: Literal["float32", "bfloat16"] = "float32",
    compile: Literal["off", "on", "tuned"] = "off",
    graphs: Literal["off", "on"] = "off",
) -> ScSicCodec:
    """Load a codec for a block.

    Raises:
        MissingExtra: torch, diffusers or safetensors is not installed.
        UsageError: a GPU is asked for and torch finds none.
        WeightsError: see `ScSicCodec.open`.
    """
    try:
        import torch

        from ...models.sc_sic.codec import ScSicCodec

        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError(f"{who}: device: expected cpu, got cuda, and this torch finds no GPU; leave device out")
        ways = {"precision": precision, "compile": compile, "graphs": graphs}
        return ScSicCodec.open(variant, weights, parts=parts, device=device, **ways)
    except ModuleNotFoundError as error:  # diffusers is imported where networks are made
        if error.name is None or error.name.startswith("semcom"):
            raise
        raise MissingExtra(who, error.name, "models") from None
