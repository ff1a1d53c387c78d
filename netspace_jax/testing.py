"""Checks that a domain is one: what the rest of the package asks of it, for the tests of whoever writes it.

Each raises an `AssertionError` that says which promise is broken. `check_domain` makes all of them on a small run:

    from netspace_jax import preset, testing

    def test_waves(tmp_path):
        testing.check_domain(testing.shrink(preset("waves")), tmp_path)
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree, Shaped

from netspace_jax import jobs
from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, behaviour_from, describe_behaviour
from netspace_jax.config import RunConfig
from netspace_jax.dataset import Dataset, IndexedDataset, Split, evaluation_key, one_task
from netspace_jax.domain import domain
from netspace_jax.errors import InputError
from netspace_jax.runs import Run, open_run
from netspace_jax.space import load
from netspace_jax.zoo.plan import untrained

SIZE = 8
"""Inputs of a batch and of the probes on which a domain is checked."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def shrink(config: RunConfig, **zoo: Any) -> RunConfig:
    """A configuration that trains in seconds, which shows that all parts work and no more.

    Args:
      zoo: fields of the zoo that have other values, such as how much data there is.
    """
    fields: dict[str, Any] = {"members": (24,) * len(config.zoo.architectures), "steps": 4, "chunk": 8}
    fields |= {"validation": 4, "test": 4, **({"min_steps": 1} if config.zoo.stops == "log-uniform" else {}), **zoo}
    netspace = dataclasses.replace(
        config.netspace,
        networks=4,
        batch=16,
        hidden=16,
        embedding=8,
        probes=SIZE,
        steps=3,
        validations=1,
        rank=0,
        corrections=0,
    )
    refine = dataclasses.replace(config.refine, steps=min(config.refine.steps, 2))
    return dataclasses.replace(config, zoo=dataclasses.replace(config.zoo, **fields), netspace=netspace, refine=refine)


def check_domain(config: RunConfig, directory: Path) -> Run:
    """Check behaviour, data and training of a domain, and a run of it from nothing to a report.

    Args:
      config: small, as `shrink` makes it: all of it is trained.
      directory: an empty one, in which the zoo and the run are made.

    Returns:
      The finished run, for checks of one's own.

    Raises:
      AssertionError: a promise is broken; the message says which.
    """
    own = domain(config.domain)
    dataset = own.load(config.zoo).dataset
    check_dataset(dataset)
    check_behaviour(own.behaviour_of(config.netspace, dataset.behaviour), dataset, config.zoo.architectures[0])
    check_training(config, dataset)
    return check_run(config, directory)


def check_dataset(dataset: Dataset) -> None:
    """Check the data of a zoo: a pytree of arrays, whose methods are pure functions of ONE network."""
    _require(isinstance(dataset, Dataset), "a dataset has all methods of the protocol")
    _require(isinstance(dataset.items, int) and dataset.items >= 1, "items is a number from 1")
    step, one = jnp.int32(3), dataset.of(0)
    _check_members(dataset, "sample", lambda data: data.sample(jax.random.key(0), step, SIZE))
    _check_members(dataset, "examples", lambda data: data.examples("test"))
    _check_members(dataset, "probes", lambda data: data.probes(SIZE))
    batch = one.sample(jax.random.key(0), step, SIZE)
    _same(batch, one.sample(jax.random.key(0), step, SIZE), "the same key and step give the same batch")
    if isinstance(one, IndexedDataset):
        _same(batch, one.take(one.draw(jax.random.key(0), step, SIZE)), "take of what draw gives is the sample")
    _require(0 < len(batch.inputs) <= SIZE, "a batch has as many inputs as were asked for, or all there are")
    examples = {split: one.examples(split) for split in SPLITS}
    for name, (inputs, targets) in {"sample": batch, **examples}.items():
        _check_inputs(dataset.behaviour, inputs, name)
        _require(all(len(leaf) == len(inputs) for leaf in jax.tree.leaves(targets)), f"{name}: a target for each input")
    if one_task(dataset):
        _check_disjoint({split: np.asarray(batch.inputs) for split, batch in examples.items()})
    probes = one.probes(SIZE)
    _check_inputs(dataset.behaviour, probes, "probes")
    _same(probes[: SIZE // 2], one.probes(SIZE // 2), "fewer probes are the first of more")
    for split in SPLITS:
        metric, chance = dataset.behaviour.metric, one.chance(split)
        _require(metric.low <= chance <= metric.high, f"chance is a score from {metric.low} to {metric.high}")


def check_behaviour(behaviour: Behaviour, dataset: Dataset, architecture: str) -> None:
    """Check how networks are described, compared and scored, on untrained networks of an architecture."""
    again = behaviour_from(json.loads(json.dumps(describe_behaviour(behaviour))))
    _require(again == behaviour and hash(again) == hash(behaviour), "a behaviour comes back from its fields in JSON")
    _check_prepare(behaviour)
    network, data = behaviour.architecture(architecture), dataset.of(0)
    flats = jnp.stack([network.finish(network.init(jax.random.key(seed))) for seed in range(3)])
    outputs = jax.jit(jax.vmap(network.apply, (0, None)))(flats, data.probes(SIZE))
    _require(jnp.issubdtype(outputs.dtype, jnp.floating), "outputs are floats")
    _require(outputs.shape[1] == SIZE and outputs.shape[-1] == behaviour.outputs, "each input has `outputs` values")
    for flat, together in zip(flats, outputs, strict=True):
        _close(network.apply(flat, data.probes(SIZE)), together, "a network computes the same alone and vmapped")
    _check_features("describe", behaviour.describe, outputs)
    _check_features("residual", lambda out: behaviour.residual(outputs[0], out), outputs)
    _close(behaviour.residual(outputs[0], outputs[0]), 0.0, "the residual of a network to itself is zero")
    _check_comparison(behaviour, network, flats, data.probes(SIZE))
    for member, flat in enumerate(flats):
        run = functools.partial(network.apply, flat)
        first, again = (float(dataset.of(member).score(run, evaluation_key(member), "test")) for _ in range(2))
        _require(first == again, "the same key gives the same score")
        _require(behaviour.metric.low <= first <= behaviour.metric.high, "a score is within the metric's range")


def check_training(config: RunConfig, dataset: Dataset) -> None:
    """Check how ONE network trains: two steps at once and one after another, and its score."""
    architecture = dataset.behaviour.architecture(config.zoo.architectures[0])
    training = domain(config.domain).training(architecture, config.zoo)
    member = jax.tree.map(lambda leaf: leaf[0], untrained(config.zoo, architecture.name, 1)).replace(stop=jnp.int32(2))
    advance, steps = jax.jit(training.advance), [jnp.int32(step) for step in range(3)]
    first = jax.jit(training.start)(member, dataset)
    after = advance(first, dataset, steps[0], steps[2])
    cut = advance(advance(first, dataset, steps[0], steps[1]), dataset, steps[1], steps[2])
    jax.tree.map(lambda a, b: _close(a, b, "steps at once are steps one after another"), cut.variables, after.variables)
    flat, outcome = jax.jit(training.finish)(after, dataset)
    metric = dataset.behaviour.metric
    _require(flat.shape == (architecture.size,) and bool(outcome.finite), "a trained network is finite parameters")
    _require(metric.low <= float(outcome.score_test) <= metric.high, "a member's score is within the metric's range")


def check_run(config: RunConfig, directory: Path) -> Run:
    """Check a run from nothing to a report, all of whose sections come about, and its space saved and loaded."""
    place = directory / "runs" / config.name
    try:
        jobs.train(config, place, directory / "zoos", explorer=False)
    except InputError as error:
        raise AssertionError(f"a run ends with a report of all its sections: {error}") from error
    run = open_run(place, directory / "zoos")
    metric, scores = run.dataset.behaviour.metric, run.zoo.scores(run.space.names[0])
    _require(((scores >= metric.low) & (scores <= metric.high)).all(), "members' scores are within the metric's range")
    space, first = load(place / "space"), run.networks(0, "test").parameters[0]
    _close(space.encode(first), run.space.encode(first), "a space that was loaded embeds as it did")
    space.save(directory / "saved")
    _close(load(directory / "saved").encode(first), space.encode(first), "a space that was saved embeds as it did")
    return run


def _check_members(dataset: Dataset, name: str, function: Callable[[Dataset], PyTree]) -> None:
    """A method of the data of several members at once, compiled, gives what it gives of each alone."""
    members = jnp.arange(min(dataset.items, 3), dtype=jnp.int32)
    together = jax.jit(lambda data: jax.vmap(lambda member: function(data.of(member)))(members))(dataset)
    for member in members.tolist():
        at_member = jax.tree.map(lambda leaf, member=member: leaf[member], together)
        jax.tree.map(lambda a, b: _close(a, b, f"{name} is the same vmapped"), at_member, function(dataset.of(member)))


def _check_inputs(behaviour: Behaviour, inputs: Shaped[Array, "n *input"], name: str) -> None:
    _require(inputs.shape[1:] == behaviour.input_shape, f"{name}: inputs have the behaviour's input_shape")
    _require(inputs.dtype == jnp.dtype(behaviour.input_dtype), f"{name}: inputs have the behaviour's input_dtype")
    _require(bool(np.isfinite(inputs).all()), f"{name}: inputs are finite")


def _check_disjoint(splits: dict[str, np.ndarray]) -> None:
    """No input of one split is in another, unless the two are the same: data of which nothing is held out."""
    for a, b in (("train", "test"), ("train", "validation"), ("validation", "test")):
        if splits[a].shape == splits[b].shape and (splits[a] == splits[b]).all():
            continue
        common = {row.tobytes() for row in splits[a]} & {row.tobytes() for row in splits[b]}
        _require(not common, f"no input is in both {a} and {b}; {len(common)} are")


def _check_prepare(behaviour: Behaviour) -> None:
    """A user's inputs keep their shape, get the data type, and are refused where they have another shape."""
    prepared = behaviour.prepare(np.zeros((3, *behaviour.input_shape), behaviour.input_dtype))
    _check_inputs(behaviour, prepared, "prepare")
    *outer, last = behaviour.input_shape
    try:
        behaviour.prepare(np.zeros((3, *outer, last + 1), behaviour.input_dtype))
    except InputError:
        return
    raise AssertionError("prepare refuses inputs of another shape by an InputError")


def _check_features(name: str, function: Callable[[Array], Array], outputs: Float[Array, "network n *output"]) -> None:
    """A description has one size for all networks, and is finite, of a network that says the same everywhere too."""
    features = [function(out) for out in (*outputs, jnp.zeros_like(outputs[0]))]
    _require(features[0].ndim == 1 and len({one.shape for one in features}) == 1, f"{name} gives a vector of one size")
    _require(all(bool(np.isfinite(one).all()) for one in features), f"{name} is finite")


def _check_comparison(
    behaviour: Behaviour,
    network: Architecture,
    flats: Float[Array, "network size"],
    probes: Shaped[Array, "probe *input"],
) -> None:
    """Nothing imitates a network better than itself, and it agrees with itself."""
    target, other = network.apply(flats[0], probes), network.apply(flats[1], probes)
    imitation = jax.value_and_grad(lambda flat: behaviour.imitation_loss(target, network.apply(flat, probes)))
    (least, at_itself), (worse, at_other) = imitation(flats[0]), imitation(flats[1])
    _require(bool(np.isfinite([least, worse]).all()), "the imitation loss is finite")
    _require(float(least) <= float(worse), "no network imitates a network better than itself")
    _close(at_itself, 0.0, "where a network imitates itself the imitation loss has no slope", atol=1e-3)
    _require(
        bool(np.isfinite(at_other).all()) and bool((at_other != 0).any()), "elsewhere it has one, and a finite one"
    )
    _close(behaviour.agreement(target, target), 1.0, "a network agrees with itself")
    agreement = float(behaviour.agreement(target, other))
    _require(0 <= agreement <= 1, "agreement is a share")
    _close(behaviour.agreement(other, target), agreement, "two networks agree as much either way round")


def _require(holds: Any, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken: {promise}")


def _same(a: PyTree, b: PyTree, promise: str) -> None:
    jax.tree.map(lambda one, other: _require(np.array_equal(one, other), promise), a, b)


def _close(found: Any, expected: Any, promise: str, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=atol, err_msg=f"broken: {promise}")
