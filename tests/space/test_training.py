"""NetSpace's training: its loss falls, it traces once, and cut in two it is the same as in one."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspace_jax.ops.devices import network_mesh, put_everywhere
from netspace_jax.space.loss import Shown
from netspace_jax.space.netspace import make_constants, make_netspace
from netspace_jax.space.training import TrainData, _disturb, _pick, clip_by_norm, learning_rate, make_training, moments
from tests import tiny

CONFIG = tiny.netspace_config(steps=60, evaluations=3, log_every=20)


@pytest.fixture(scope="module")
def setting():
    task, architecture, members = tiny.task(), tiny.perceptron(), tiny.networks(12)
    space = make_netspace(CONFIG, (architecture,))
    constants = make_constants(CONFIG, space, task, (np.asarray(members.flats),))
    return space, TrainData(task, constants, (members,), (constants.scale[0].reshape(-1)[:architecture.size],), None)


@functools.cache
def compiled(space, devices):
    return make_training(space, CONFIG, (0,), None, network_mesh(devices))


def trained(setting, pieces, devices=1):
    space, data = setting
    training = compiled(space, devices)
    data = put_everywhere(data, network_mesh(devices))
    state, losses = training.init(data), []
    for count in pieces:
        state, found = training.advance(state, data, count)
        losses.append(float(found.total))
    return state, losses


def test_the_loss_falls(setting):
    _, losses = trained(setting, [10, 40, 10])
    assert losses[-1] < 0.7 * losses[0]


def test_cut_in_pieces_it_is_the_same_bit_for_bit(setting):
    whole, _ = trained(setting, [20])
    cut, _ = trained(setting, [3, 10, 7])
    chex.assert_trees_all_equal(whole, cut)


def test_spread_over_devices_it_is_the_same(setting):
    one, _ = trained(setting, [5])
    many, _ = trained(setting, [5], devices=8)
    chex.assert_trees_all_close(one.params, many.params, atol=2e-5)


def test_pieces_of_any_length_trace_once(setting):
    space, data = setting
    training = make_training(space, CONFIG, (0,), None, network_mesh(1))
    counted = jax.jit(chex.assert_max_traces(training.advance.__wrapped__, n=1))
    state = training.init(data)
    for count in (1, 2, 5):
        state, _ = counted(state, data, count)
    assert int(state.step) == 8


def test_seeds_give_other_starts(setting):
    space, data = setting
    other = make_training(space, dataclasses.replace(CONFIG, seed=1), (0,), None, network_mesh(1)).init(data)
    a, b = (state.params["encoder"]["Dense_0"]["kernel"] for state in (compiled(space, 1).init(data), other))
    assert a.shape == b.shape and (a != b).all()


def test_the_constant_schedule_is_the_references():
    schedule = learning_rate(dataclasses.replace(CONFIG, schedule="constant", learning_rate=1e-4))
    assert all(float(schedule(step)) == pytest.approx(1e-4) for step in (0, 30, 60))


def test_the_cosine_ends_at_a_hundredth():
    schedule = learning_rate(dataclasses.replace(CONFIG, steps=1000, learning_rate=1e-3))
    assert float(schedule(0)) == 0 and float(schedule(50)) == pytest.approx(5e-4)
    assert float(schedule(100)) == pytest.approx(1e-3)
    assert float(schedule(1000)) == pytest.approx(1e-5)


@pytest.mark.parametrize("factor", [0.01, 3.0])
def test_clipping_is_optaxs(factor):
    gradient = {"a": factor * jnp.arange(12.0).reshape(3, 4), "b": -factor * jnp.ones(5)}
    ours, theirs = clip_by_norm(1.0), optax.clip_by_global_norm(1.0)
    found, wanted = ((t.update(gradient, t.init(gradient)))[0] for t in (ours, theirs))
    chex.assert_trees_all_close(found, wanted, rtol=1e-6)


def test_moments_log_and_evaluate_and_end_at_the_last_step():
    found = list(moments(CONFIG, 0))
    assert [moment.step for moment in found if moment.log] == [20, 40, 60]
    assert [moment.step for moment in found if moment.evaluate] == [20, 40, 60]
    assert [moment.step for moment in moments(CONFIG, 40)] == [60]
    uneven = list(moments(dataclasses.replace(CONFIG, steps=50, evaluations=3), 0))
    assert [moment.step for moment in uneven if moment.evaluate] == [17, 33, 50]
    assert uneven[-1].log and uneven[-1].evaluate


def test_a_pass_shows_every_network_once_and_each_pass_another_order():
    members = Shown(jnp.arange(11.0)[:, None], jnp.arange(11))
    pick = jax.jit(lambda step: _pick(jax.random.key(0), members, step, 3))
    passes = [[int(item) for step in range(3 * number, 3 * number + 3) for item in pick(jnp.int32(step)).items] for number in range(40)]
    assert all(len(set(shown)) == 9 for shown in passes)
    assert len({tuple(shown) for shown in passes}) > 35
    assert set().union(*passes) == set(range(11))
    np.testing.assert_array_equal(pick(jnp.int32(5)).flats[:, 0], pick(jnp.int32(5)).items)


def test_fewer_networks_than_a_step_takes_are_shown_several_times():
    members = Shown(jnp.arange(3.0)[:, None], jnp.arange(3))
    shown = _pick(jax.random.key(0), members, jnp.int32(4), 8).items
    assert sorted(np.bincount(shown)) == [2, 3, 3]


def test_noise_is_on_half_of_the_networks_and_bounded_by_their_layers_deviation():
    networks = Shown(jnp.ones((8, 5000)), jnp.zeros(8, jnp.int32))
    deviation = jnp.where(jnp.arange(5000) < 2500, 1.0, 10.0)
    found = _disturb(jax.random.key(0), networks, deviation, 0.5)
    noise = np.asarray(found.flats - networks.flats)
    np.testing.assert_array_equal(noise[::2], 0)
    sizes = noise[1::2, :2500].std(1)
    assert (0 < sizes).all() and (sizes < 0.52).all() and len({round(float(size), 3) for size in sizes}) == 4
    np.testing.assert_allclose(noise[1::2, 2500:].std(1), 10 * sizes, rtol=0.1)
