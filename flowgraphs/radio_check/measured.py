"""What a check of a transmitter finds."""

from __future__ import annotations

import msgspec

__all__ = ["RadioCheck"]


class RadioCheck(msgspec.Struct, frozen=True, kw_only=True):
    r"""What would be sent, and what would come of it. ``None``: the flowgraph does not say, or it cannot be measured.

    Attributes:
        flowgraph, block, waveform: Its name; the block that makes samples of symbols, and what that is.
        device: What takes the samples; empty where the channel is simulated.
        sample_rate_hz: There.
        occupied_hz: Band that holds 99 % of the power, measured.
        band_hz: Band by the waveform's formula: channel uses over efficiency and duration.
        burst_s, burst_samples, burst_symbols: Length of a burst.
        duty_cycle: Its share of the samples that one picture makes.
        papr_db: Peak over mean power of the burst.
        scale_db: Gain before the converter.
        peak_db: Greatest I or Q over the limit of the device, in dB; above 0 it is clipped. None: no limit is known.
        clipped: Share of the burst's samples that are.
        clip_free_scale_db: Greatest scale_db that keeps all of I and Q within -1 to 1.
        payload_uses, pilot_uses, header_uses: Channel uses.
        cbr: All of them over 3 H W.
        waveform_efficiency: All of them over duration times band, silence included.
        esn0_db: Es/N0 that the following were measured at, in white noise.
        overhead_db: Energy of pilots and header: all uses over those of the payload.
        clipping_loss_db, receiver_loss_db: Of Es/N0, by the clipping, and by a receiver that is told nothing.
        decoder_esn0_db: What is left for the decoder.
        found: The receiver found the burst.
        carrier_hz: Carrier, if the device has one.
        greatest_cfo_hz: Carrier offset that the receiver still finds.
        coherence_s: Of the simulated channel: 0.423 over its greatest Doppler shift.
        drift_symbols_per_ppm: By how much the clock drifts in a burst.
        warnings: What to mend before anything is sent.
    """

    flowgraph: str
    block: str
    waveform: str
    device: str
    sample_rate_hz: float
    occupied_hz: float
    band_hz: float | None
    burst_s: float
    burst_samples: int
    burst_symbols: float | None
    duty_cycle: float
    papr_db: float | None
    scale_db: float
    peak_db: float | None
    clipped: float
    clip_free_scale_db: float
    payload_uses: int
    pilot_uses: int | None
    header_uses: int | None
    cbr: float | None
    waveform_efficiency: float | None
    esn0_db: float
    overhead_db: float | None
    clipping_loss_db: float | None
    receiver_loss_db: float | None
    decoder_esn0_db: float | None
    found: bool | None
    carrier_hz: float | None
    greatest_cfo_hz: float | None
    coherence_s: float | None
    drift_symbols_per_ppm: float | None
    warnings: tuple[str, ...] = ()
