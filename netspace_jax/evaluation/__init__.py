"""Figures of merit, computed: each module answers one question about a trained NetSpace."""
