"""Populations of trained networks: how one trains, how many do, and how they lie on disk."""
