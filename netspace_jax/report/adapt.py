"""The network of a new task from a file of examples, as files that others read, with a card of what is known of it."""

import dataclasses
import warnings
from pathlib import Path

from netspace_jax.domain import domain
from netspace_jax.errors import InputError
from netspace_jax.rules import Natural
from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class AdaptOptions:
    """Which examples, and where the network goes."""

    examples: str = ""
    """A `.npz` with arrays x and y; of images also a folder with a folder for each class; of tables a CSV or Parquet
    file."""
    count: Natural = 0
    """Examples to use, the first of them; 0 for all."""
    architecture: str = ""
    """Name of an architecture; by default the first that the space was trained on."""
    out: Path = Path("adapted")
    """A new or empty folder for the network."""


def adapt_to_file(run: Run, options: AdaptOptions) -> list[str]:
    """The network of a new task from examples of it (--examples FILE), in five formats with a card.

    Raises:
      InputError: no file is given, it cannot be read, or its examples are none of a task of this space.
    """
    if not options.examples:
        raise InputError("name examples: python eval adapt RUN --examples FILE.npz, or a folder (docs/adaptation.md)")
    inputs, targets = domain(run.config.domain).read_examples(
        run.dataset.behaviour, Path(options.examples).expanduser()
    )
    inputs, targets = inputs[: options.count or None], targets[: options.count or None]
    architecture = options.architecture or run.space.names[run.trained_ids[0]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted = run.space.adapt(inputs, targets, architecture)
    posterior, count = adapted.posterior, len(targets)
    known = {
        "mean loss of an example left out": float(posterior.loss),
        "highest to be expected of a task like those of the zoo": float(posterior.expected_loss),
        "certainty: agreement of networks that the examples allow": float(adapted.certainty(inputs)),
    }
    name = Path(options.examples).stem
    adapted.network.export(
        options.out,
        title=f"A {architecture} for {name}",
        origin=f"Found by the space of the run {run.config.name} from {count} examples of {name}; none of its "
        f"parameters was trained on them.",
        scores=known,
    )
    lines = [f"warning: {warning.message}" for warning in caught]
    return [*lines, f"{options.out}: " + ", ".join(f"{name} {value:.3f}" for name, value in known.items())]
