"""Selection metrics, by which the best checkpoint is chosen on validation members and validation inputs."""

from collections.abc import Callable, Mapping

import numpy as np

from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Dataset
from netspace_jax.metrics.interpolation import between_boundaries
from netspace_jax.metrics.outputs import Evaluated, evaluate, scores_of
from netspace_jax.metrics.reconstruction import reconstruct
from netspace_jax.space.batched import generate_many
from netspace_jax.space.loss import Group
from netspace_jax.space.netspace import NetSpace
from netspace_jax.zoo import Networks


def selection_metric(
    dataset: Dataset, validation: Mapping[int, Networks | Group], config: NetSpaceConfig
) -> Callable[[NetSpace], float]:
    """Agreement, minus the gap, or the score of generated networks; higher is better (docs/method.md, eq. 21).

    The score counts interpolated networks too, where interpolation is taught, as the paper does. The share of members
    that are read as another architecture is taken off: what is generated for them would not even have their shape.
    Members run when the first checkpoint is judged, and not again.
    """
    originals: dict[int, Evaluated] = {}

    def select(netspace: NetSpace) -> float:
        found = {}
        for i, networks in validation.items():
            flats, members = networks.parameters, networks.indices
            if i not in originals:
                originals[i] = evaluate(dataset, netspace.architectures[i], flats, members, "validation")
            found[i] = reconstruct(
                netspace, dataset, flats, originals[i], architecture_id=i, members=members, split="validation"
            )
        misread = float(np.mean([np.mean(r.read_as != i) for i, r in found.items()]))
        if config.select == "gap":
            values = [-r.gap for r in found.values()]
        elif config.select == "agreement":
            values = [np.mean(r.agreement) for r in found.values()]
        else:
            values = [np.mean(r.generated_score) for r in found.values()]
            for between in between_boundaries(netspace, found) if config.interpolation else ():
                flats = generate_many(netspace, between.architecture_id, between.embedding)
                architecture = netspace.architectures[between.architecture_id]
                values.append(np.mean(scores_of(dataset, architecture, flats, split="validation")))
        return float(np.mean(values)) - misread

    return select
