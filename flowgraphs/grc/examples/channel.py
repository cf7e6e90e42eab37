"""GNU Radio as the channel between two flowgraphs of semcom: noise, offsets of carrier and clock, echoes.

    semcom run gnuradio-rx &
    python3 channel.py --esn0-db 15 --cfo-hz 5000 &
    semcom run gnuradio-tx

GNU Radio's own Python runs it. channel.grc is the same flowgraph for GNU Radio Companion, with the same options.
"""

from __future__ import annotations

import argparse
import math
import signal

from gnuradio import channels, gr, zeromq

__all__ = ["Channel"]

POLL_MS = 100  # longest wait of one call of a ZeroMQ block
HWM = 8  # messages that wait here: what is lost when this program is killed


class Channel(gr.top_block):  # type: ignore[misc]  # GNU Radio has no types
    r"""Samples from one ZeroMQ address, through a channel, to another.

    .. math:: y[n] = e^{2 \pi j f n} \sum_k h_k\, x[n - k] + w[n], \quad E|w|^2 = M\, 10^{-\mathrm{esn0\_db} / 10}

    M samples a symbol, and bursts of unit mean power: so much noise a sample is Es/N0 a symbol.

    Args:
        from_address: Where semcom sends: address of its `radio/zmq_sink`.
        to_address: Where semcom receives: address of its `radio/zmq_source`.
        sample_rate_hz: Sample rate of both.
        esn0_db: Es/N0 in dB; inf for no noise.
        samples_per_symbol: M.
        cfo_hz: Carrier offset.
        clock_ppm: How much slower the receiver's clock runs.
        taps: Impulse response at the sample rate; scaled to unit energy.
    """

    def __init__(
        self,
        from_address: str,
        to_address: str,
        sample_rate_hz: float,
        esn0_db: float,
        samples_per_symbol: int,
        cfo_hz: float,
        clock_ppm: float,
        taps: list[complex],
    ) -> None:
        gr.top_block.__init__(self, "semcom channel")
        energy = math.sqrt(sum(abs(tap) ** 2 for tap in taps))
        source = zeromq.pull_source(gr.sizeof_gr_complex, 1, from_address, POLL_MS, pass_tags=True, hwm=HWM)
        channel = channels.channel_model(
            noise_voltage=math.sqrt(samples_per_symbol) * 10 ** (-esn0_db / 20),
            frequency_offset=cfo_hz / sample_rate_hz,
            epsilon=1 + clock_ppm * 1e-6,
            taps=[tap / energy for tap in taps],
            noise_seed=7,
            block_tags=False,
        )
        sink = zeromq.push_sink(gr.sizeof_gr_complex, 1, to_address, POLL_MS, pass_tags=True, hwm=HWM)
        self.connect(source, channel, sink)


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from-address", default="tcp://127.0.0.1:5556", help="of semcom's radio/zmq_sink")
    parser.add_argument("--to-address", default="tcp://127.0.0.1:5555", help="of semcom's radio/zmq_source")
    parser.add_argument("--sample-rate-hz", type=float, default=1e6)
    parser.add_argument("--esn0-db", type=float, default=20.0, help="inf for no noise")
    parser.add_argument("--samples-per-symbol", type=int, default=4)
    parser.add_argument("--cfo-hz", type=float, default=0.0)
    parser.add_argument("--clock-ppm", type=float, default=0.0)
    parser.add_argument("--taps", default="1", help='of echoes: "1 0 0.3j"')
    given = vars(parser.parse_args())
    given["taps"] = [complex(tap) for tap in given["taps"].split()]
    top = Channel(**given)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: top.stop())
    top.start()
    print("running", flush=True)
    top.wait()


if __name__ == "__main__":
    main()
