"""Waveforms: symbols and a header to samples, and back from samples that nobody told where a burst begins."""
