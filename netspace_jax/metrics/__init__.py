"""Figures of merit of a space."""
