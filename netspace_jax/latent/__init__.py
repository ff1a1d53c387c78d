"""The latent space in use: search, sampling, interpolation."""
