"""One run on disk: configuration, checkpoints, metrics."""
