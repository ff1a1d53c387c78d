"""Domains: everything that belongs to a kind of task."""
