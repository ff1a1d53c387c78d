"""Metrics of a space."""
