"""A new task in the page: what examples of it say, as programs there, and images or rows to take examples from."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from netspace_jax.behaviour import as_supervised
from netspace_jax.dataset import Batch
from netspace_jax.explorer.programs import Programs
from netspace_jax.explorer.view import Tasks, View
from netspace_jax.metrics.outputs import outputs_on
from netspace_jax.space import Space
from netspace_jax.space.adaptation import left_out_loss
from netspace_jax.space.batched import generate_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs

PAIRS = 16  # examples, at most, of which a task is read in the page
_CHECKED = 5  # examples of the first task, from which the page finds a network to compare with Python's


def adapts(space: Space, view: View) -> bool:
    """Whether a page of this space can find networks of new tasks."""
    return space.calibration is not None and view.tasks is not None


def add_task_programs(programs: Programs, space: Space, decoder: NetSpace, kept: list[int]) -> None:
    """From examples to the posterior, and their mean loss where each is left out in turn, for each architecture kept.

    Args:
      decoder: the space, cut to these architectures.
    """
    behaviour = as_supervised(space.behaviour)
    outputs = jax.ShapeDtypeStruct((PAIRS, *space.architectures[0].output_shape), jnp.float32)
    pairs = Pairs(
        jnp.zeros((PAIRS, *behaviour.input_shape), behaviour.input_dtype),
        jnp.zeros(jax.eval_shape(behaviour.answers, outputs).shape),
        jnp.zeros(PAIRS),
    )
    calibration = space.calibration
    assert calibration is not None

    def posterior(*examples):
        given = Pairs(*examples)
        # By a product, since pages know no gathering.
        chosen = jax.nn.one_hot(calibration.row(given.weight.sum()), len(calibration.counts))
        return decoder.embed_task(given), chosen @ calibration.deviation, chosen @ calibration.loss

    programs.add("embed_task", posterior, *pairs)
    for i in kept:
        programs.add(f"left_out/{i}", lambda *examples, i=i: left_out_loss(decoder, Pairs(*examples), i), *pairs)


def task_arrays(space: Space, tasks: Tasks, kept: list[int]) -> dict[str, np.ndarray]:
    """Examples and test inputs of the tasks, and outputs of a network that Python found for the first of them."""
    inputs = np.asarray(tasks.examples.inputs, np.float16)
    test_inputs = np.asarray(tasks.tests.inputs, np.float16)
    return {
        "taskInputs": inputs,
        "taskTargets": np.asarray(tasks.examples.targets),
        "taskTestInputs": test_inputs,
        "taskTestTargets": np.asarray(tasks.tests.targets),
        "taskOutputs": _outputs_of_first(space, tasks, kept[0]),
    }


def _outputs_of_first(space: Space, tasks: Tasks, architecture_id: int) -> Float[np.ndarray, "n outputs"]:
    """Outputs on some test inputs of the first task, by the network that some examples of it give."""
    examples, tests = (Batch(*(values[0] for values in part)) for part in (tasks.examples, tasks.tests))
    inputs, shown = (_rounded(part.inputs[:_CHECKED]) for part in (examples, tests))
    answers = as_supervised(space.behaviour).target_answers(jnp.asarray(examples.targets[:_CHECKED]))
    with jax.default_matmul_precision("float32"):
        z = space.embed_task(Pairs(inputs, answers, jnp.ones(len(inputs))))
    flats = generate_many(space, architecture_id, np.asarray(z)[None])
    return np.asarray(outputs_on(space.architectures[architecture_id], flats, np.asarray(shown))[0])


def _rounded(inputs: Shaped[Array, "n *input"]) -> Float[Array, "n *input"]:
    """As the page holds them."""
    return jnp.asarray(np.asarray(inputs, np.float16).astype(np.float32))
