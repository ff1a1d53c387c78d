"""The sentences at the top of a report."""

import math

from netspace_jax.report.summary import summary

ENCODED = {"reconstruct/agreement_test": 0.891, "reconstruct/gap_test": 0.0228}


def test_figures_are_in_it_and_explained():
    text = summary({**ENCODED, "refined/agreement_test": 0.947, "refined/gap_test": 0.0081})
    assert all(figure in text for figure in ("89.1%", "0.0228", "94.7%", "0.0081", "is the agreement", "is the gap"))
    assert text.count(". ") == 2 and text.endswith(".")


def test_without_refinement_there_are_three_sentences_too():
    assert summary(ENCODED).count(". ") == 2 and "Refined" not in summary(ENCODED)


def test_what_was_not_measured_is_not_summed_up():
    assert not summary({}) and not summary({**ENCODED, "reconstruct/gap_test": math.nan})
