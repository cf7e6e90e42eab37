"""SC-SIC: semantic image communication with the stages A and B of Stable Cascade."""
