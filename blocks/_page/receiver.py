"""The receiver's part of the page: what it saw of the bursts, from `Reception`."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...sim.waveform.reception import Reception
from .constellation import Constellation
from .facts import facts
from .plot import Axis, Curve, plot

__all__ = ["Receiver"]

_BURSTS = 2000  # the last ones, whose estimates are shown over time
_TRACKS = 8  # the last ones, whose phase and delay are shown
_TIME = Axis("Time in the stream", "s")
_FLOOR_DB = -80.0  # of what is drawn


class _Estimates(NamedTuple):
    """Of one burst."""

    start_s: float
    esn0_db: float
    evm: float
    cfo_hz: float
    clock_ppm: float
    statistic: float


class Receiver:
    """Gathers records of bursts, in memory that stops growing, and shows them.

    State: the last record and the last estimates, sums of spectra, densities of symbols.
    """

    def __init__(self) -> None:
        self._constellation = Constellation()
        self._estimates: deque[_Estimates] = deque(maxlen=_BURSTS)
        self._tracks: deque[Reception] = deque(maxlen=_TRACKS)
        self._spectrum: NDArray[np.float64] = np.zeros(0)
        self._bursts, self._highest = 0, 0

    def add(self, seen: Reception) -> None:
        """Add one burst."""
        self._bursts += 1
        self._highest = max(self._highest, seen.seq)
        self._estimates.append(_Estimates(*(getattr(seen, name) for name in _Estimates._fields)))
        self._tracks.append(seen)
        before = self._spectrum if self._spectrum.size == seen.spectrum.size else 0.0
        self._spectrum = before + seen.spectrum.astype(np.float64)
        self._constellation.add(before=seen.before, after=seen.after)

    def section(self) -> str:
        """Write the part of the page; empty where there was no receiver."""
        if not self._bursts:
            return ""
        shown = f"the last {len(self._estimates):,} bursts" if self._bursts > len(self._estimates) else "each burst"
        cards = self._spectra() + self._constellations() + self._over_time() + self._along() + self._detection()
        return (
            '<section><h2>Receiver</h2><p class="note">What the receiver found out by itself, by preamble and pilots. '
            f"Over time: {shown}. Along the burst: the last {len(self._tracks)}, the last one in front.</p>"
            f'<div class="halves">{self._counts()}{self._means()}{cards}</div></section>'
        )

    def _counts(self) -> str:
        last = self._tracks[-1]
        return facts(
            "Bursts",
            [
                (
                    "Sent",
                    f"{self._highest + 1:,}<small>by the numbers of those read, 0 to {self._highest:,}</small>",
                ),
                ("Detected", f"{self._bursts + last.failures:,}<small>preambles over the threshold</small>"),
                ("Read", f"{self._bursts:,}"),
                ("Not read", f"{last.failures:,}<small>false, header failed, or truncated</small>"),
                ("Lost", f"{last.lost:,}<small>numbers missing; up to the last burst that was read</small>"),
            ],
        )

    def _means(self) -> str:
        last = self._tracks[-1]
        esn0s_db, cfos_hz, clocks_ppm = (self._column(name) for name in ("esn0_db", "cfo_hz", "clock_ppm"))
        esn0_db = 10 * np.log10(np.mean(10 ** (esn0s_db / 10)))
        evm = np.sqrt(np.mean(self._column("evm") ** 2))
        least = float(self._column("statistic").min())
        power_db = _signed(float(_db(last.spectrum.mean())), 1)
        return facts(
            "Estimates, in the mean",
            [
                ("Es/N0", f"{esn0_db:.2f} dB{_ends(esn0s_db, 2, 'dB')}"),
                ("EVM", f"{100 * evm:.1f} %<small>of the pilots behind the equaliser, rms</small>"),
                ("Carrier offset", f"{_signed(cfos_hz.mean(), 1)} Hz{_ends(cfos_hz, 1, 'Hz')}"),
                ("Clock offset", f"{_signed(clocks_ppm.mean(), 2)} ppm{_ends(clocks_ppm, 2, 'ppm')}"),
                ("Detection statistic", f"at least {least:.3f}<small>threshold {last.threshold:.3f}</small>"),
                (
                    "Last burst",
                    f"{last.duration_s * 1e3:.3f} ms<small>{last.band_hz / 1e6:.4g} MHz at "
                    f"{last.sample_rate_hz / 1e6:.4g} MS/s; mean power {power_db} dB</small>",
                ),
            ],
        )

    def _spectra(self) -> str:
        last = self._tracks[-1]
        rate = last.sample_rate_hz
        frequencies = np.arange(-(self._spectrum.size // 2), self._spectrum.size // 2) * rate / self._spectrum.size
        spectrum = plot(
            [Curve(frequencies, _db(self._spectrum / self._spectrum.max()))],
            Axis("Frequency from the centre", "Hz"),
            Axis("Power density under the greatest", "dB"),
            title="Spectrum of the bursts",
        )
        responses = [
            Curve(np.linspace(-0.5, 0.5, one.response.size) * one.band_hz, _db(np.abs(one.response) ** 2), "faint")
            for one in self._tracks
        ]
        responses[-1] = responses[-1]._replace(kind="line")
        response = plot(
            responses,
            Axis("Frequency from the carrier", "Hz"),
            Axis("|H|", "dB", 6),
            title="Gain of the channel over frequency",
        )
        return _card("Spectrum", spectrum, f"Mean of {self._bursts:,} bursts.") + _card("Channel", response)

    def _constellations(self) -> str:
        cards = ""
        for name, title in (("before", "Before the equaliser"), ("after", "After the equaliser")):
            if name in self._constellation.counts:
                drawn = self._constellation.svg(name, f"Constellation, {title.lower()}")
                count = f"Density of {self._constellation.counts[name]:,} symbols"
                rest = self._constellation.outside(name)
                cards += _card(title, drawn, count + (f", {rest:,} of them beyond the drawing." if rest else "."))
        return cards

    def _over_time(self) -> str:
        times, cards = self._column("start_s"), ""
        for name, title, axis in (
            ("cfo_hz", "Carrier offset", Axis("Carrier offset", "Hz", 10)),
            ("clock_ppm", "Clock offset", Axis("Sender's clock against ours", "ppm", 1)),
            ("esn0_db", "Es/N0", Axis("Estimated Es/N0", "dB", 2)),
            ("evm", "Error of the pilots", Axis("EVM behind the equaliser", "%", 2)),
        ):
            curve = Curve(times, self._column(name) * (100 if axis.unit == "%" else 1))
            cards += _card(title, plot([curve], _TIME, axis, title=f"{title} of each burst over time"))
        return cards

    def _along(self) -> str:
        cards = ""
        for name, title, axis, factor in (
            ("phase", "Phase", Axis("Phase left to the pilots", "\N{DEGREE SIGN}", 10), 180 / np.pi),
            ("delay", "Delay", Axis("Delay since the preamble", "s"), 1.0),
        ):
            curves = [
                Curve(np.linspace(0, one.duration_s, getattr(one, name).size), getattr(one, name) * factor, "faint")
                for one in self._tracks
                if getattr(one, name).size
            ]
            if curves:
                curves[-1] = curves[-1]._replace(kind="line")
                drawn = plot(curves, Axis("Time along the burst", "s"), axis, title=f"{title} along the burst")
                cards += _card(f"{title} along the burst", drawn)
        return cards

    def _detection(self) -> str:
        last = self._tracks[-1]
        places = (np.arange(last.detection.size) - last.detection.size // 2) * last.detection_step_s
        mark = (last.threshold, f"threshold {last.threshold:.3f}")
        peak = plot(
            [Curve(places, last.detection)],
            Axis("Time from where the burst was found", "s"),
            Axis("Detection statistic"),
            title="Detection statistic around the last burst",
            mark=mark,
        )
        all_of_them = plot(
            [Curve(self._column("start_s"), self._column("statistic"))],
            _TIME,
            Axis("Detection statistic where found"),
            title="Detection statistic of each burst over time",
            mark=mark,
        )
        return _card("Detection of the last burst", peak) + _card("Detection over time", all_of_them)

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in self._estimates])


def _card(title: str, drawn: str, caption: str = "") -> str:
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="card"><h3>{title}</h3>{drawn}{caption}</figure>'


def _db(power: NDArray[np.floating] | np.floating) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 10))))


def _ends(values: NDArray[np.float64], digits: int, unit: str) -> str:
    if values.size < 2:
        return ""
    return f"<small>{_signed(values.min(), digits)} to {_signed(values.max(), digits)} {unit}</small>"


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and float(text.replace(",", "")) else text
