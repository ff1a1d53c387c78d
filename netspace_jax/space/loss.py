"""What NetSpace is trained to minimise: the behaviour of generated networks (docs/method.md, Objectives)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Batch, Dataset, ExampleInputs, RunNetwork, one_task, take, task_axis
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Reading, log_uniform_count


@flax.struct.dataclass
class Group:
    """Flat parameters of networks of one architecture, and the index of each by which its data is asked for."""

    parameters: Float[Array, "network size"]
    indices: Int[Array, "network"]


@flax.struct.dataclass
class Losses:
    """The terms of one step, each a mean over networks; `total` is what is minimised (docs/method.md, eq. 19)."""

    total: Float[Array, ""]
    behaviour: Float[Array, ""]
    architecture: Float[Array, ""]
    interpolation: Float[Array, ""]


def loss_of_step(
    netspace: NetSpace,
    dataset: Dataset,
    groups: dict[int, Group],
    batches: Sequence[Batch],
    *,
    config: NetSpaceConfig,
    teacher: RunNetwork | None,
    readings: Mapping[int, Reading] = MappingProxyType({}),
) -> tuple[Float[Array, ""], Losses]:
    """Loss of one step and its terms.

    Args:
      groups: by architecture id, the step's networks, the same number of each.
      readings: by architecture id, how the encoder reads each network of the step; by default on the probes.
    """
    behaviour, architecture, interpolation = (jnp.zeros(()) for _ in range(3))
    embeddings, wanted = {}, {}
    count = sum(len(group.indices) for group in groups.values())
    batch_of = dict(zip(groups, batches, strict=True))
    taught = teacher(batches[0].inputs) if teacher else None
    for which, group in groups.items():
        found = jax.vmap(
            lambda flat, reading, which=which: jnp.stack(netspace.embeddings_of(flat, which, reading=reading)),
            out_axes=1,
        )(group.parameters, readings.get(which))
        embeddings[which] = found[-1]
        wanted[which] = taught if teacher else _outputs(netspace, dataset, group.parameters, batch_of[which], which)
        # The encoder's embedding and every corrected one have a loss: with one at the end alone it learns less.
        for z in found:
            share = count * len(found)
            behaviour += _behaviour(netspace, dataset, config, z, which, batch_of[which], wanted[which]) / share
            architecture += _misread(netspace, z, which) / share
    for low, high in boundary_pairs(len(netspace.architectures)) if config.interpolation else ():
        for between in range(low + 1, high):
            share = (between - low) / (high - low)

            def mix(a, b, share=share):
                return (1 - share) * a + share * b

            z = mix(embeddings[low], embeddings[high])
            target = wanted[low] if teacher else mix(wanted[low], wanted[high])
            interpolation += _behaviour(netspace, dataset, config, z, between, batch_of[low], target) / count
            interpolation += _misread(netspace, z, between) / count
    total = behaviour + architecture + interpolation
    return total, Losses(total, behaviour, architecture, interpolation)


def boundary_pairs(architectures: int) -> tuple[tuple[int, int], ...]:
    """Pairs of architecture ids whose embeddings are interpolated: those further apart than max(1, A − 2).

    The paper's implementation reads what it interpolates as the architecture that its head predicts, an argmax; here it
    is read as the known one in between, so that shapes are static (docs/method.md, eq. 16).
    """
    minimum = max(1, architectures - 2)
    ids = range(architectures)
    return tuple((low, high) for low in ids for high in ids[low + 1 :] if high - low > minimum)


def sample(
    dataset: Dataset, key: PRNGKeyArray, step: Int[Array, ""], drawn: PyTree, groups: tuple[Group, ...], size: int
) -> list[Batch]:
    """The step's training batch for each group of networks: one shared by all, or one for each network.

    Args:
      drawn: of data that is shared, what `draw` gave for the step.
    """
    if one_task(dataset):
        return [take(dataset, key, drawn, size)] * len(groups)
    batches = []
    for group_key, group in zip(jax.random.split(key, len(groups)), groups, strict=True):
        keys = jax.random.split(group_key, len(group.indices))
        batches.append(jax.vmap(lambda key, member: dataset.of(member).sample(key, step, size))(keys, group.indices))
    return batches


def sample_readings(dataset: Dataset, key: PRNGKeyArray, step: Int[Array, ""], group: Group, most: int) -> Reading:
    """For each network of a step some training inputs of its own task, on which a set encoder reads it.

    Their number is log-uniform from 1 to `most`, and half of the networks answer in the form that true targets have:
    the encoder is to read networks by their answers and tasks by examples alike. Data that knows how examples of its
    tasks come says so itself (`ExampleInputs`).
    """

    def one(key, member):
        data = dataset.of(member)
        if isinstance(data, ExampleInputs):
            return Reading(**data.example_inputs(jax.random.fold_in(key, step), most)._asdict())
        input_key, count_key, form_key = jax.random.split(key, 3)
        inputs = data.sample(input_key, step, most).inputs
        return Reading(inputs, log_uniform_count(count_key, len(inputs)), jax.random.bernoulli(form_key))

    return jax.vmap(one)(jax.random.split(jax.random.fold_in(key, step), len(group.indices)), group.indices)


def _outputs(netspace, dataset, flats, batch, architecture_id):
    return jax.vmap(netspace.architectures[architecture_id].apply, (0, task_axis(dataset)))(flats, batch.inputs)


def _behaviour(netspace, dataset, config, z, architecture_id, batch, wanted) -> Float[Array, ""]:
    """Sum over networks of how far what embeddings generate is from what is wanted of them (eq. 14 and 15)."""
    behaviour = netspace.behaviour
    flats = jax.vmap(lambda z: netspace.generate(z, architecture_id))(z)
    outputs = _outputs(netspace, dataset, flats, batch, architecture_id)
    if config.teaching == "self":
        return jax.vmap(behaviour.imitation_loss)(wanted, outputs).sum()
    imitation = jax.vmap(behaviour.imitation_loss, (None, 0))(wanted, outputs)
    labels = jax.vmap(behaviour.fit_loss, (0, task_axis(dataset)))(outputs, batch.targets)
    return ((1 - config.label_weight) * imitation + config.label_weight * labels).sum()


def _misread(netspace, z, architecture_id) -> Float[Array, ""]:
    """Cross-entropy of the architecture head, summed over networks (eq. 11)."""
    if len(netspace.architectures) == 1:
        return jnp.zeros(())
    logits = jax.vmap(netspace.classify)(z)
    return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.full(len(z), architecture_id)).sum()
