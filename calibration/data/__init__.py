"""Training data: clips with exact depth and thin-lens truth, made here or read from real sets."""
