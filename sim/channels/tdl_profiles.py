"""The tapped delay lines TDL-A to TDL-E of 3GPP TR 38.901: delays, mean energies, line of sight."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["LOS_DOPPLER_SHARE", "TDL_PROFILES", "Taps", "TdlName", "TdlProfile", "tdl_taps"]

TdlName = Literal["A", "B", "C", "D", "E"]

LOS_DOPPLER_SHARE = 0.7
"""Doppler shift of the line of sight over the greatest one (TR 38.901, section 7.7.2)."""


class TdlProfile(NamedTuple):
    """One table of the report.

    Attributes:
        delays: Normalised delays: multiples of the wanted delay spread.
        powers_db: Mean power of each tap's scattered part in dB, Rayleigh with Clarke's spectrum.
        los_db: Power of the line of sight in dB, at delay 0 beside the first tap; ``None`` where there is none.
    """

    delays: tuple[float, ...]
    powers_db: tuple[float, ...]
    los_db: float | None = None


# fmt: off
TDL_PROFILES: dict[TdlName, TdlProfile] = {
    "A": TdlProfile(  # Table 7.7.2-1
        (0.0000, 0.3819, 0.4025, 0.5868, 0.4610, 0.5375, 0.6708, 0.5750, 0.7618, 1.5375, 1.8978, 2.2242,
         2.1718, 2.4942, 2.5119, 3.0582, 4.0810, 4.4579, 4.5695, 4.7966, 5.0066, 5.3043, 9.6586),
        (-13.4, 0.0, -2.2, -4.0, -6.0, -8.2, -9.9, -10.5, -7.5, -15.9, -6.6, -16.7,
         -12.4, -15.2, -10.8, -11.3, -12.7, -16.2, -18.3, -18.9, -16.6, -19.9, -29.7)),
    "B": TdlProfile(  # Table 7.7.2-2
        (0.0000, 0.1072, 0.2155, 0.2095, 0.2870, 0.2986, 0.3752, 0.5055, 0.3681, 0.3697, 0.5700, 0.5283,
         1.1021, 1.2756, 1.5474, 1.7842, 2.0169, 2.8294, 3.0219, 3.6187, 4.1067, 4.2790, 4.7834),
        (0.0, -2.2, -4.0, -3.2, -9.8, -1.2, -3.4, -5.2, -7.6, -3.0, -8.9, -9.0,
         -4.8, -5.7, -7.5, -1.9, -7.6, -12.2, -9.8, -11.4, -14.9, -9.2, -11.3)),
    "C": TdlProfile(  # Table 7.7.2-3
        (0.0000, 0.2099, 0.2219, 0.2329, 0.2176, 0.6366, 0.6448, 0.6560, 0.6584, 0.7935, 0.8213, 0.9336,
         1.2285, 1.3083, 2.1704, 2.7105, 4.2589, 4.6003, 5.4902, 5.6077, 6.3065, 6.6374, 7.0427, 8.6523),
        (-4.4, -1.2, -3.5, -5.2, -2.5, 0.0, -2.2, -3.9, -7.4, -7.1, -10.7, -11.1,
         -5.1, -6.8, -8.7, -13.2, -13.9, -13.9, -15.8, -17.1, -16.0, -15.7, -21.6, -22.8)),
    "D": TdlProfile(  # Table 7.7.2-4: the first tap is Rician with K = 13.3 dB
        (0.000, 0.035, 0.612, 1.363, 1.405, 1.804, 2.596, 1.775, 4.042, 7.937, 9.424, 9.708, 12.525),
        (-13.5, -18.8, -21.0, -22.8, -17.9, -20.1, -21.9, -22.9, -27.8, -23.6, -24.8, -30.0, -27.7),
        los_db=-0.2),
    "E": TdlProfile(  # Table 7.7.2-5: the first tap is Rician with K = 22 dB
        (0.0000, 0.5133, 0.5440, 0.5630, 0.5440, 0.7112, 1.9092, 1.9293, 1.9589, 2.6426, 3.7136, 5.4524, 12.0034,
         20.6519),
        (-22.03, -15.8, -18.1, -19.8, -22.9, -22.4, -18.6, -20.8, -22.6, -22.3, -25.6, -20.2, -29.8, -29.2),
        los_db=-0.03),
}
# fmt: on


class Taps(NamedTuple):
    """A tapped delay line of unit mean energy.

    Attributes:
        delays_s: float64 ``[L]``, in seconds; the first is 0.
        energies: float64 ``[L]``: mean energy of each tap's scattered part.
        los_energy: Energy of the line of sight at delay 0; with the energies it sums to one.
    """

    delays_s: NDArray[np.float64]
    energies: NDArray[np.float64]
    los_energy: float = 0.0


def tdl_taps(profile: TdlName, delay_spread_s: float) -> Taps:
    r"""Scale a profile to a delay spread, and its energies to a sum of one.

    .. math:: \tau_l = \tau_{l,\mathrm{model}} \cdot \mathrm{DS}

    Args:
        profile: A to C without a line of sight, D and E with one.
        delay_spread_s: Root-mean-square delay spread in seconds.

    Raises:
        SignalError: no such profile, or the delay spread is negative or not finite.

    Source: 3GPP TR 38.901, sections 7.7.2 and 7.7.3.
    """
    if profile not in TDL_PROFILES:
        raise SignalError(f"tdl: expected a profile of {', '.join(TDL_PROFILES)}, got {profile!r}")
    if not 0 <= delay_spread_s < float("inf"):
        raise SignalError(f"tdl: expected a delay spread of at least 0 s, got {delay_spread_s} s")
    table = TDL_PROFILES[profile]
    energies = 10 ** (np.array(table.powers_db) / 10)
    los = 0.0 if table.los_db is None else 10 ** (table.los_db / 10)
    total = float(energies.sum()) + los
    return Taps(np.array(table.delays) * delay_spread_s, energies / total, los / total)
