"""Reports: sections, figures and the page."""

from netspace_jax.report.section import Evaluation, Section

__all__ = ["Evaluation", "Section"]
