"""What a domain tells the explorer: how one of its networks is shown, and what can be asked of it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float

from netspace_jax.dataset import Batch, Split

CURVES = """
page.panel = (root, page) => {
  root.innerHTML = '<canvas width="640" height="320" role="img" aria-label="Outputs on the probes"></canvas>'
    + '<p class="note">Each line is one output of the network on the probe inputs, in their order.</p>';
  return { show: (network) => page.curves(root.querySelector("canvas"), network.run(page.arrays.probes.data)) };
};
"""


class Tasks(NamedTuple):
    """Tasks that are new to a space, each with inputs to take examples from and others to try its network on.

    Attributes:
      examples: inputs of shape (task, n, *input) with their targets.
      tests: the same, of other inputs.
    """

    names: Sequence[str]
    examples: Batch
    tests: Batch


@dataclasses.dataclass(frozen=True)
class View:
    """How the networks of a domain are shown in the explorer.

    Attributes:
      script: JavaScript that sets `page.panel`, a function of an element and the page, which fills the element and
        returns an object whose `show(network)` draws a network: `network.run(inputs)` gives its outputs.
      question: what a visitor may ask here, in one sentence.
      batch: inputs that networks run on at a time; the page cuts and fills up what it is given.
      examples: inputs and targets on which the page scores every network that it shows.
      labels: from an architecture's id and a split to the class of each of its members, a colour of the map.
      loss: of an aim and a network's outputs on `loss_inputs`, what a search in the page makes smaller.
      aims: what searches are for: one for all, or one for each test member of the first architecture, of which a search
        takes that of the member nearest to where it starts.
      tasks: new tasks, for which a page finds networks where the space reads tasks. The script then sets
        `page.adaptPanel` as well, a function of an element and the page, and `page.answer`, from a target to an answer.
    """

    script: str = CURVES
    question: str = "What does the network at this point say of its inputs?"
    batch: int = 64
    arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    examples: Batch | None = None
    labels: Callable[[int, Split], Sequence[str]] | None = None
    loss: Callable[[Float[Array, "n outputs"], Float[Array, "n outputs"]], Float[Array, ""]] | None = None
    loss_inputs: np.ndarray | None = None
    aims: np.ndarray | None = None
    tasks: Tasks | None = None
