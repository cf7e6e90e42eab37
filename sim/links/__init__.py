"""Digital links: modulation and coding schemes, transport blocks, thresholds."""
