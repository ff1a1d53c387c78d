"""Reports: sections, figures and the page."""

from netspace_jax.report.section import Section

__all__ = ["Section"]
