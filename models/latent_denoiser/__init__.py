"""A denoiser of latents that is told what was received, and how noisy: CASC's and DIFFSC's idea, in miniature."""
