"""Embeddings whose decoded networks imitate given ones better than those that the encoder put there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.behaviour import prepared
from netspace_jax.config import RefineConfig
from netspace_jax.errors import InputError
from netspace_jax.space.refinement import refine_config
from tests.compiles import nothing_compiles

STEPS = 60


def imitation(space, flats, z, inputs):
    """Loss of what each embedding stands for against the network that it is the embedding of."""
    apply = space.architectures[1].apply

    def one(flat, z):
        return space.behaviour.imitation_loss(apply(flat, inputs), apply(space.generate(z, 1), inputs))

    return np.asarray(jax.vmap(one)(jnp.asarray(flats), jnp.asarray(z)))


@pytest.fixture(scope="module")
def refined(space, members):
    return space.encode(members, "perceptron4", refine_steps=STEPS)


def test_imitation_is_better_than_the_encoders(space, members, refined):
    plain = space.encode(members, "perceptron4")
    probes = space.constants.probes
    before, after = (imitation(space, members, z, probes) for z in (plain, refined))
    assert (after < before).all() and after.mean() < 0.8 * before.mean()
    assert refined.shape == plain.shape


def test_a_network_alone_is_refined_as_among_others(space, members, refined):
    for row in (0, 3):
        alone = space.encode(members[row], "perceptron4", refine_steps=STEPS)
        assert alone.shape == (6,)
        np.testing.assert_allclose(alone, refined[row], rtol=1e-3, atol=1e-3)


def test_what_networks_are_compared_on_may_be_given(space, data, members):
    """Pixels or normalised."""
    x = np.asarray(data.test.x)
    inputs = data.examples("test").inputs
    own, same = (space.encode(members, "perceptron4", refine_steps=STEPS, inputs=given) for given in (x, inputs))
    np.testing.assert_array_equal(own, same)
    before = imitation(space, members, space.encode(members, "perceptron4"), inputs)
    assert imitation(space, members, own, inputs).mean() < 0.8 * before.mean()


def test_held_out_inputs_say_how_far_an_embedding_moves(space, data, members):
    """On them no embedding is worse than the encoder's, and its place is an eighth of the way that the steps made."""
    inputs, held_out = data.examples("train").inputs[:1], data.examples("test").inputs
    # Steps that are much too large, on much too few inputs, so that their end is a bad one.
    config = RefineConfig(learning_rate=1.0)
    plain = space.encode(members, "perceptron4")
    end = space.encode(members, "perceptron4", refine_steps=STEPS, inputs=inputs, config=config)
    found = space.encode(members, "perceptron4", refine_steps=STEPS, inputs=inputs, held_out=held_out, config=config)
    before, all_the_way, after = (imitation(space, members, z, held_out) for z in (plain, end, found))
    assert (all_the_way > before).any(), "the steps do no harm: the test shows nothing"
    assert (after <= before + 1e-6).all() and (after <= all_the_way + 1e-6).all() and after.mean() < before.mean()
    part = (found - plain) / np.where(end == plain, 1, end - plain)
    moved = np.asarray(end != plain).any(1)
    eighths = 8 * np.median(np.asarray(part), 1)[moved]
    np.testing.assert_allclose(eighths, np.round(eighths), atol=1e-2)
    assert len(set(np.round(eighths))) > 1


@pytest.mark.parametrize(
    ("config", "steps", "said"),
    [
        (RefineConfig(), -1, "refine_steps must be at least 0"),
        (RefineConfig(), 2.5, "refine_steps must be a whole number"),
        (RefineConfig(), "5", "refine_steps must be a whole number"),
        (RefineConfig(learning_rate=0.0), 5, "learning_rate must be more than 0"),
        (RefineConfig(trust=float("nan")), 5, "trust must be"),
        (RefineConfig(batch=0), 5, "batch must be at least 1"),
    ],
)
def test_what_breaks_a_rule_of_refinement_is_refused(config, steps, said):
    with pytest.raises(InputError, match=said):
        refine_config(config, steps)


def test_steps_may_be_a_number_of_numpy():
    assert refine_config(RefineConfig(batch=7), np.int64(2)) == RefineConfig(steps=2, batch=7)


def test_an_embedding_is_not_refined_by_rules_that_are_broken(space, members):
    with pytest.raises(InputError, match="refine_steps"):
        space.encode(members, "perceptron4", refine_steps=-1)


@pytest.mark.parametrize("name", ["inputs", "held_out"])
def test_inputs_that_say_nothing_are_refused(space, data, members, name):
    """One NaN would make every loss NaN, and leave every embedding where it was without a word."""
    x = np.array(data.examples("test").inputs)
    x[1].flat[0] = np.nan
    for given, said in ((x[:0], "there are none"), (x, "not all values are finite")):
        with pytest.raises(InputError, match=f"{name}: {said}"):
            space.encode(members, "perceptron4", refine_steps=STEPS, **{name: given})


@pytest.mark.parametrize("given", [list, lambda x: x.astype(str), lambda x: x + 0j, lambda _: "images.npy"])
def test_inputs_that_are_no_array_of_numbers_are_refused(space, data, given):
    with pytest.raises(InputError, match="inputs: a .* is no array of real numbers; give one of shape"):
        prepared(space.behaviour, given(np.asarray(data.examples("test").inputs)), "inputs")


@pytest.mark.parametrize("held", [False, True])
def test_steps_that_diverge_leave_embeddings_where_they_were(space, data, members, held):
    held_out = data.examples("test").inputs if held else None
    config = RefineConfig(learning_rate=1e38)
    found = space.encode(members, "perceptron4", refine_steps=STEPS, held_out=held_out, config=config)
    np.testing.assert_array_equal(found, space.encode(members, "perceptron4"))


def test_other_settings_compile_nothing_anew(space, members):
    """Seed, rate, trust and the number of steps."""
    space.encode(members, "perceptron4", refine_steps=2)
    with nothing_compiles():
        config = RefineConfig(learning_rate=0.3, trust=0.5, seed=8)
        space.encode(members, "perceptron4", refine_steps=7, config=config)
