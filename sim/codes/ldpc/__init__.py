"""LDPC codes of 5G NR."""
