"""Networks that vote."""

import jax.numpy as jnp
import numpy as np

from netspace_jax.domains.images.ensemble import ensemble
from tests import tiny


def test_logits_are_averaged_over_the_best_by_validation():
    """Generated networks are the members at minus half the size."""
    trained = tiny.contrary(tiny.trained(factor=-0.5))
    members, images = trained.networks(0, "test"), trained.dataset.examples("test")
    order = sorted(range(6), key=lambda row: -members.members[row].score_validation)
    assert order != sorted(range(6), key=lambda row: -members.members[row].score_test)
    labels, section = np.asarray(images.targets), ensemble(trained)
    assert section.metrics.keys() == {
        f"ensemble/{name}_{size}" for name in ("generated", "members") for size in (1, 2, 4)
    }
    for name, scale in (("generated", np.float32(-0.5)), ("members", np.float32(1))):
        logits = np.array(
            [tiny.perceptron().apply(jnp.asarray(scale * members.parameters[row]), images.inputs) for row in order]
        )
        column = 1 if name == "generated" else 3
        for size, row in zip((1, 2, 4), section.table[1:], strict=True):
            voted = (logits[:size].mean(0).argmax(1) == labels).mean()
            alone = (logits[:size].argmax(2) == labels).mean()
            np.testing.assert_allclose(section.metrics[f"ensemble/{name}_{size}"], voted, atol=1e-6)
            np.testing.assert_allclose(
                [float(figure) for figure in row[column : column + 2]], (alone, voted), atol=1e-3
            )
