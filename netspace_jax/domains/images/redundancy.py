"""How redundant are networks? What is kept of them by embeddings of growing size, and from zoos of growing size."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from netspace_jax.checks import check_netspace
from netspace_jax.config import RunConfig
from netspace_jax.fit import fit_space
from netspace_jax.metrics.reconstruction import reconstruct
from netspace_jax.report import Section, figures
from netspace_jax.rules import Count
from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class RedundancyOptions:
    """How redundancy is measured."""

    embeddings: tuple[Count, ...] = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    """Sizes of embeddings."""
    members: tuple[Count, ...] = (32, 64, 128, 256, 512)
    """Numbers of networks that NetSpace is trained on; all of the zoo's come last."""
    steps: Count = 1000
    """Training steps of NetSpace for each point of the curves; a whole run takes more."""


def redundancy(run: Run, options: RedundancyOptions) -> Section:
    """How redundant are networks? Gap and agreement against the size of the embedding, and of the training set."""
    architecture_id = run.trained_ids[0]
    whole = len(run.networks(architecture_id, "train").members)
    counts = sorted({min(count, whole) for count in (*options.members, whole)})
    # All are checked before the first trains: not every autoencoder takes every size.
    points = {
        "embedding": {
            size: _changed(run, steps=options.steps, embedding=size, train_members=whole) for size in options.embeddings
        },
        "members": {count: _changed(run, steps=options.steps, train_members=count) for count in counts},
    }
    size = run.space.architectures[architecture_id].size
    labels = {"embedding": f"{{}} values for {size} parameters", "members": "{} networks trained on"}
    metrics, rows, curves = {}, [], {}
    for name, configs in points.items():
        measured = [_measured(run, architecture_id, config) for config in configs.values()]
        values = np.array(list(configs))
        curves[name] = (values, np.array(measured))
        for value, (gap, agreement) in zip(values, measured, strict=True):
            metrics |= {f"redundancy/{name}_{value}_gap": gap, f"redundancy/{name}_{value}_agreement": agreement}
            rows.append((labels[name].format(value), f"{gap:.3f}", f"{agreement:.3f}"))
    figure, _ = figures.against_size(
        [
            ("size of the embedding", *curves["embedding"]),
            ("networks that NetSpace was trained on", *curves["members"]),
        ]
    )
    text = (
        f"Each point is a NetSpace of its own, trained for {options.steps} steps on the same zoo and measured on test "
        f"members; where the embedding varies all {whole} training members are used, and where these vary it has "
        f"{run.config.netspace.embedding} values. {enough('values', *curves['embedding'])} "
        f"{enough('networks', *curves['members'])}"
    )
    header = ("what is varied", "gap", "agreement")
    return Section("redundancy", "How redundant are networks?", text, metrics, figure, (header, *rows))


def enough(unit: str, sizes: Int[np.ndarray, "n"], curve: Float[np.ndarray, "n 2"]) -> str:
    """The size from which on agreement is as high as at any, but for a hundredth, in a sentence."""
    agreement = curve[:, 1]
    best = agreement.max()
    first = int(np.flatnonzero(agreement >= best - 0.01)[0])
    text = f"The highest agreement, {best:.3f}, comes with {sizes[agreement.argmax()]} {unit}; "
    if sizes[first] == sizes.max():
        return text + f"fewer than {sizes[first]} cost more than a hundredth of it."
    return text + f"{sizes[first]} have all of it but a hundredth ({agreement[first]:.3f})."


def _changed(run: Run, **changes: int) -> RunConfig:
    """The run's configuration with other settings, all networks in memory, and nothing beside what is varied."""
    netspace = dataclasses.replace(run.config.netspace, validations=1, resident=0, rank=0, **changes)
    check_netspace(netspace, run.config.zoo, {a.name: a.size for a in run.space.architectures})
    return dataclasses.replace(run.config, netspace=netspace)


def _measured(run: Run, architecture_id: int, config: RunConfig) -> tuple[float, float]:
    """Gap and agreement on test members of a NetSpace on the same zoo with another configuration."""
    space = fit_space(run.zoo, run.space.behaviour, run.dataset, config.netspace)
    networks, original = run.networks(architecture_id, "test"), run.evaluated(architecture_id, "test")
    found = reconstruct(
        space,
        run.dataset,
        networks.parameters,
        original,
        architecture_id=architecture_id,
        members=networks.indices,
    )
    return found.gap, float(found.agreement.mean())
