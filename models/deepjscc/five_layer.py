"""The five-layer network as published, for comparison. With 256 filters it wants a GPU: 14 s a step on two cores."""

from __future__ import annotations

from torch import Tensor, nn

from .config import FiveLayerConfig
from .gdn import Gdn
from .rates import Rate

__all__ = ["FiveLayerJscc"]


class FiveLayerJscc(nn.Module):
    r"""Five convolutions with strides 2, 2, 1, 1, 1, power normalisation, and their mirror image.

    .. math:: n = 2 \cdot 3 H W \cdot \mathrm{CBR} = c \, \tfrac{H}{4} \tfrac{W}{4}, \quad c = 96 \, \mathrm{CBR}

    ``activation="prelu"`` with filters 16, 32, 32, 32 is the network of the paper: 5 x 5 filters, a PReLU after each
    layer, a sigmoid at the end. ``activation="gdn"`` with 256 filters is the one its authors went on with, and the one
    that later papers compare with: 9 x 9 filters first and last, GDN and PReLU after each layer but the last.

    One network per rate; it is told nothing of the SNR. Encoder outputs have unit mean power in each frame.

    Args:
        config: Sizes.

    State:   none.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding for wireless image transmission,
             IEEE TCCN 5(3), 2019, figure 3; Kurka & Gunduz, DeepJSCC-f, IEEE JSAIT 1(1), 2020, figure 4.
    """

    def __init__(self, config: FiveLayerConfig) -> None:
        super().__init__()
        self.config = config
        self.rates: tuple[Rate, ...] = (config.rate,)
        self.multiple = 4
        one, two, three, four = config.filters
        self.features = 96 // int(config.rate.removeprefix("1/"))
        gdn = config.activation == "gdn"
        edge = 9 if gdn else 5
        encoder: list[nn.Module] = []
        for index, (into, out, size, stride) in enumerate(
            [(3, one, edge, 2), (one, two, 5, 2), (two, three, 5, 1), (three, four, 5, 1), (four, self.features, 5, 1)]
        ):
            encoder.append(nn.Conv2d(into, out, size, stride, size // 2))
            if gdn and index < 4:
                encoder.append(Gdn(out))
            if not gdn or index < 4:
                encoder.append(nn.PReLU())
        decoder: list[nn.Module] = []
        for index, (into, out, size, stride) in enumerate(
            [(self.features, four, 5, 1), (four, three, 5, 1), (three, two, 5, 1), (two, one, 5, 2), (one, 3, edge, 2)]
        ):
            decoder.append(nn.ConvTranspose2d(into, out, size, stride, size // 2, output_padding=stride - 1))
            if index < 4:
                decoder += [Gdn(out, inverse=True), nn.PReLU()] if gdn else [nn.PReLU()]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid())

    def encode(self, images: Tensor, rate: Rate, esn0_db: Tensor) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1] to ``[b, n]`` of unit mean power in each frame."""
        flat: Tensor = self.encoder(images).flatten(1).float()
        return flat / flat.square().mean(1, keepdim=True).clamp(min=1e-12).sqrt()

    def decode(self, received: Tensor, n0: Tensor, rate: Rate, esn0_db: Tensor, height: int, width: int) -> Tensor:
        """Received features ``[b, n]`` to images ``[b, 3, height, width]``; neither noise nor SNR is looked at."""
        grid = received.reshape(-1, self.features, height // 4, width // 4)
        out: Tensor = self.decoder(grid)
        return out
