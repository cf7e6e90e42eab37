"""`encoders/gesco`."""

from __future__ import annotations

from pydantic import Field

from ...models.gesco.names import DEFAULT, Variant
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.label_classes import LabelClasses
from ...sim.side_information.model_id import ModelId
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Features, Labels

__all__ = ["Gesco"]


class Gesco(Block):
    r"""Sends a label map as one-hot maps: 1 where a class is, 0 elsewhere.

    .. math:: m_c[i, j] = [\, l[i, j] = c \,], \quad
        \frac{k}{3HW} = \frac{n}{6}

    Only classes that are somewhere in the map are sent, each as a map of its own, and the header says which; for a
    network that takes edges between instances, their map goes along as the last. Of n maps, n H W / 2 symbols are made:
    with the 36 maps of Cityscapes that would be a CBR of 6, more than the picture itself has. It needs neither torch
    nor weights, only the number of classes.

    Input:   labels: uint8 ``[H, W, 2]``: class and edge, sides of 1 to 65535.
    Output:  float32 ``[n]``, maps, rows and columns in C order; header: ImageShape, ModelId, LabelClasses.
    Raises:  SignalError: no label map, or a class that the variant has not. WeightsError: a card is not in order.
    State:   none.
    Source:  Grassucci, Barbarossa & Comminiello, Generative semantic communication: diffusion models beyond bit
             recovery, 2023.
    Example: ``encoder: {use: encoders/gesco}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Whose classes: mini has 7, the others those of their data.")
        weights: str | None = Field(
            None, min_length=1, description="The receiver's file, where its card says other classes; null: it does not."
        )

    params: Params
    writes_header = (ImageShape, ModelId, LabelClasses)

    def start(self) -> None:
        """Read how many classes there are."""
        from ...models.gesco.codec import sender

        self._codec = sender(self.params.variant, self.params.weights)

    def work(self, labels: Labels) -> Out[Features]:
        """Encode one label map."""
        frame = self._codec.encode(labels, self._codec.sending())
        return Out(frame.features, header=frame.header)
