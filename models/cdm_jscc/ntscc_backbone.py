"""An NTSCC network, whose receiver's picture is denoised."""

from __future__ import annotations

from torch import Tensor, nn

from ..ntscc.network import Ntscc
from ..patch_rates.allocation import shares_of
from ..patch_rates.expected_error import expected_rms_error
from ..patch_rates.told import Told
from .backbone import Understood
from .config import NtsccBackbone

__all__ = ["NtsccJscc"]


class NtsccJscc(nn.Module):
    """What NTSCC sends and receives; the denoiser is also given what its receiver knows at each resolution.

    Args:
        config: Sizes.

    State:   none.
    """

    has_estimate = True

    def __init__(self, config: NtsccBackbone) -> None:
        super().__init__()
        self.step = config.network.step
        self.base = Ntscc(config.network)
        self.context_widths = config.network.widths

    @property
    def log_variance(self) -> Tensor:
        """See `patch_rates.allocation.shares_of`."""
        return self.base.log_variance

    def stacks(self) -> list[nn.Module]:
        """Transform and code; the entropy model is named elsewhere."""
        base = self.base
        return [base.analysis, base.encoder, base.decoder, base.synthesis]

    def latents(self, images: Tensor, esn0_db: Tensor) -> Tensor:
        """Those of NTSCC."""
        return self.base.latents(images, esn0_db)

    def send(self, images: Tensor, y: Tensor, told: Told) -> Tensor:
        """As NTSCC does."""
        return self.base.send(y, told)

    def receive(self, received: Tensor, n0: Tensor, told: Told) -> Understood:
        """NTSCC's picture, and what its receiver made that of at 1/4, 1/8 and 1/16 of the resolution."""
        shares = shares_of(self.log_variance, told)
        picture, features = self.base.receive_with(shares, received, n0, told)
        return Understood(picture, expected_rms_error(*shares, n0, told), features)
