"""Source coders of pictures: uint8 ``[H, W, 3]`` to a file of bytes and back, at an exact budget."""
