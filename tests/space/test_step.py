"""NetSpace's training: its loss falls, it traces once, and cut in two it is the same as in one."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.devices import network_mesh, put_everywhere
from netspace_jax.space.build import make_constants, make_netspace
from netspace_jax.space.loss import Group
from netspace_jax.space.schedule import learning_rate
from netspace_jax.space.step import TrainData, _disturb, _rows, make_training
from tests import tiny

CONFIG = tiny.netspace_config(steps=60, validations=3, log_every=20)


@pytest.fixture(scope="module")
def data():
    dataset, built, flats = tiny.dataset(), (tiny.perceptron(),), tiny.flats(12)
    constants = make_constants(CONFIG, built, dataset, (np.asarray(flats),))
    netspace = make_netspace(CONFIG, built, dataset.behaviour, constants)
    return TrainData(dataset, netspace, {0: Group(flats, jnp.arange(12))}, None, jax.random.key(CONFIG.seed))


@functools.cache
def compiled(devices):
    return make_training(CONFIG, (0,), network_mesh(devices))


def trained(data, pieces, devices=1):
    training = compiled(devices)
    data = put_everywhere(data, network_mesh(devices))
    state, losses = training.init(data), []
    for count in pieces:
        state, found = training.advance(state, data, count, False)
        losses.append(float(found.total))
    return state, losses


@pytest.mark.long
def test_the_loss_falls(data):
    _, losses = trained(data, [10, 40, 10])
    assert losses[-1] < 0.7 * losses[0]


def test_cut_in_pieces_it_is_the_same_bit_for_bit(data):
    whole, _ = trained(data, [20])
    cut, _ = trained(data, [3, 10, 7])
    chex.assert_trees_all_equal(whole, cut)


@pytest.mark.long
def test_spread_over_devices_it_is_the_same(data):
    one, _ = trained(data, [5])
    many, _ = trained(data, [5], devices=8)
    chex.assert_trees_all_close(one.params, many.params, atol=2e-5)


def test_pieces_of_any_length_and_any_seed_trace_once(data):
    training = make_training(CONFIG, (0,), network_mesh(1))

    @chex.assert_max_traces(n=1)
    def steps(*arguments):
        return training.advance.steps(*arguments)

    counted = jax.jit(steps, static_argnums=3)
    for seed, counts in ((0, (1, 2, 5)), (1, (4,))):
        seeded = data.replace(key=jax.random.key(seed))
        state = training.init(seeded)
        for count in counts:
            state, _ = counted(state, seeded, count, False)
    assert int(state.step) == 4
    assert make_training(dataclasses.replace(CONFIG, seed=7), (0,), network_mesh(1)) is training


def test_seeds_give_other_starts(data):
    other = compiled(1).init(data.replace(key=jax.random.key(1)))
    a, b = (state.params["encoder"]["Dense_0"]["kernel"] for state in (compiled(1).init(data), other))
    assert a.shape == b.shape and (a != b).all()


def test_the_constant_schedule_is_the_references():
    schedule = learning_rate(dataclasses.replace(CONFIG, schedule="constant", learning_rate=1e-4))
    assert all(float(schedule(step)) == pytest.approx(1e-4) for step in (0, 30, 60))


def test_the_cosine_ends_at_a_hundredth():
    schedule = learning_rate(dataclasses.replace(CONFIG, steps=1000, learning_rate=1e-3))
    assert float(schedule(0)) == pytest.approx(1e-5, rel=1e-5) and float(schedule(50)) == pytest.approx(5.05e-4)
    assert float(schedule(100)) == pytest.approx(1e-3)
    assert float(schedule(1000)) == pytest.approx(1e-5)


def test_a_short_training_warms_up_for_half_of_it():
    schedule = learning_rate(dataclasses.replace(CONFIG, steps=40, learning_rate=1e-3))
    rates = np.array([float(schedule(step)) for step in range(41)])
    assert rates.argmax() == 20 and rates[20] == pytest.approx(1e-3) and (rates > 0).all()


def test_a_pass_takes_every_network_once_and_each_pass_another_order():
    pick = jax.jit(lambda step: _rows(jax.random.key(0), 11, step, 3))
    passes = [
        [int(member) for step in range(3 * number, 3 * number + 3) for member in pick(jnp.int32(step))]
        for number in range(40)
    ]
    assert all(len(set(seen)) == 9 for seen in passes)
    assert len({tuple(shown) for shown in passes}) > 35
    assert set().union(*passes) == set(range(11))


def test_fewer_networks_than_a_step_takes_are_taken_several_times():
    seen = _rows(jax.random.key(0), 3, jnp.int32(4), 8)
    assert sorted(np.bincount(seen)) == [2, 3, 3]


def test_noise_is_on_half_of_the_networks_and_bounded_by_their_layers_deviation():
    networks = Group(jnp.ones((8, 5000)), jnp.zeros(8, jnp.int32))
    deviation = jnp.where(jnp.arange(5000) < 2500, 1.0, 10.0)
    found = _disturb(jax.random.key(0), networks, deviation, 0.5)
    noise = np.asarray(found.parameters - networks.parameters)
    np.testing.assert_array_equal(noise[::2], 0)
    sizes = noise[1::2, :2500].std(1)
    assert (sizes > 0).all() and (sizes < 0.52).all() and len({round(float(size), 3) for size in sizes}) == 4
    np.testing.assert_allclose(noise[1::2, 2500:].std(1), 10 * sizes, rtol=0.1)
