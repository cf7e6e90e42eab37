"""Maps of what is to be seen where: reading, drawing, one-hot maps, and their denoising."""
