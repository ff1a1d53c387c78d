"""What NetSpace minimises, term by term, against loops over networks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from netspace_jax.space.loss import Group, boundary_pairs, loss_of_step, sample
from tests import tiny

WIDTHS = (3, 4, 5)


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def losses(dataset, widths, factor, teacher=None, temperature=1.0, **changes):
    """Losses of a NetSpace that gives networks back `factor` times as large, its networks, and the step's batch."""
    netspace = tiny.unchanged(widths, factor)
    netspace = netspace.replace(behaviour=dataclasses.replace(netspace.behaviour, temperature=temperature))
    groups = {which: Group(tiny.flats(3, width), jnp.arange(3)) for which, width in enumerate(widths)}
    config, step = tiny.netspace_config(**changes), jnp.int32(2)

    @jax.jit
    def found():
        key = jax.random.key(5)
        batches = sample(dataset, key, step, dataset.draw(key, step, 16), tuple(groups.values()), 16)
        return loss_of_step(netspace, dataset, groups, batches, config=config, teacher=teacher)

    minimised, terms = found()
    np.testing.assert_array_equal(minimised, terms.total)
    return terms, [group.parameters for group in groups.values()], dataset.sample(jax.random.key(5), step, 16)


def kd(teacher, student, temperature):
    """T²·KL(softmax(t/T) ‖ softmax(s/T)), summed over classes, averaged over images."""
    p, q = scipy.special.softmax(teacher / temperature, -1), scipy.special.softmax(student / temperature, -1)
    return temperature**2 * (p * np.log(p / q)).sum(-1).mean()


def cross_entropy(logits, labels):
    return -np.log(scipy.special.softmax(logits, -1)[np.arange(len(labels)), labels]).mean()


def logits_of(width, flat, batch):
    return np.asarray(tiny.perceptron(width).apply(jnp.asarray(flat), batch.inputs), np.float64)


def test_a_perfect_autoencoder_has_no_loss(dataset):
    found, _, _ = losses(dataset, (3,), 1.0)
    np.testing.assert_allclose((found.total, found.behaviour), 0, atol=1e-6)
    assert found.architecture == 0 and found.interpolation == 0


def test_each_network_is_its_own_teacher(dataset):
    found, (flats,), batch = losses(dataset, (3,), 0.5, temperature=2.0)
    expected = np.mean([kd(logits_of(3, flat, batch), logits_of(3, 0.5 * flat, batch), 2.0) for flat in flats])
    assert expected > 0.1
    np.testing.assert_allclose(found.behaviour, expected, rtol=1e-4)
    np.testing.assert_allclose(found.total, expected, rtol=1e-4)


def common_teacher(inputs):
    return inputs.reshape(len(inputs), -1)[:, : tiny.CLASSES]


def taught(logits, batch, architecture_id, embedding):
    """What a generated network costs with the common teacher and labels, and what its head does."""
    behaviour = 0.75 * kd(np.asarray(common_teacher(batch.inputs), np.float64), logits, 4.0) + 0.25 * cross_entropy(
        logits, batch.targets
    )
    return behaviour, cross_entropy(np.asarray(embedding, np.float64)[None, : len(WIDTHS)], np.array([architecture_id]))


def test_a_common_teacher_labels_and_the_head(dataset):
    found, networks, batch = losses(
        dataset, WIDTHS, 0.5, common_teacher, teaching="common", label_weight=0.25, temperature=4.0
    )
    terms = np.array(
        [
            taught(logits_of(width, 0.5 * flat, batch), batch, which, flat)
            for which, (width, flats) in enumerate(zip(WIDTHS, networks, strict=True))
            for flat in flats
        ]
    )
    np.testing.assert_allclose((found.behaviour, found.architecture), terms.mean(0), rtol=1e-4)
    assert found.interpolation == 0


@pytest.mark.parametrize("teaching", ["common", "self"])
def test_what_is_interpolated_is_read_as_the_architecture_between(dataset, teaching):
    """Of three: half way from the first to the last, as PReps, read as the second, taught as the others are."""
    teacher = common_teacher if teaching == "common" else None
    found, networks, batch = losses(
        dataset, WIDTHS, 0.5, teacher, teaching=teaching, label_weight=0.25, temperature=4.0, interpolation=True
    )
    total, size = 0.0, tiny.perceptron(4).size
    for low, high in zip(networks[0], networks[2], strict=True):
        z = (np.pad(low, (0, 160 - len(low))) + np.pad(high, (0, 160 - len(high)))) / 2
        behaviour, architecture = taught(logits_of(4, 0.5 * z[:size], batch), batch, 1, z)
        if teaching == "self":
            wanted = (logits_of(3, low, batch) + logits_of(5, high, batch)) / 2
            behaviour = kd(wanted, logits_of(4, 0.5 * z[:size], batch), 4.0)
        total += behaviour + architecture
    np.testing.assert_allclose(found.interpolation, total / 9, rtol=1e-4)
    np.testing.assert_allclose(found.total, found.behaviour + found.architecture + found.interpolation, rtol=1e-5)


@pytest.mark.parametrize(
    ("architectures", "pairs"), [(1, ()), (2, ()), (3, ((0, 2),)), (4, ((0, 3),)), (5, ((0, 4),)), (6, ((0, 5),))]
)
def test_only_the_furthest_pairs_are_interpolated(architectures, pairs):
    assert boundary_pairs(architectures) == pairs
