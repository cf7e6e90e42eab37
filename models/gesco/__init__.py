"""GESCO: a map of meanings crosses the channel, and a diffusion model draws a picture of that meaning."""
