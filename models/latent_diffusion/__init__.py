"""Training-free generative communication: the channel's noise taken for a step of a diffusion in latents."""
