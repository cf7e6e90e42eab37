"""SigMF recordings: formats of samples, metadata, where samples lie, reading."""
