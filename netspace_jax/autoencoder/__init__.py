"""Encoders, decoders and the architecture head: Flax modules of ONE network or embedding, vmapped where they are called."""
