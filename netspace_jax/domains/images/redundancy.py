"""How redundant are networks? What is kept of them by embeddings of growing size, and from zoos of growing size."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from netspace_jax.config import RunConfig
from netspace_jax.ops.devices import netspace_mesh
from netspace_jax.report import figures
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs import pipeline
from netspace_jax.runs.directory import RunDirectory
from netspace_jax.runs.pipeline import Trained

EMBEDDINGS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
MEMBERS = (32, 64, 128, 256, 512)
STEPS = 1000  # of NetSpace for each point of the curves; a whole run takes more


def _changed(trained: Trained, **changes) -> RunConfig:
    """The run's configuration with other settings, all networks being held in memory."""
    netspace = dataclasses.replace(trained.config.netspace, evaluations=1, resident=0, **changes)
    config = dataclasses.replace(trained.config, netspace=netspace)
    pipeline.check_run(config, trained.task)
    return config


def _measured(trained: Trained, directory: Path, config: RunConfig) -> tuple[float, float]:
    """Gap and agreement on test members of a NetSpace on the same zoo with another configuration."""
    run = RunDirectory(directory, config, False)
    pipeline.train_netspace(config, trained.zoo, trained.task, run, netspace_mesh())
    found = reconstruct_split(pipeline.open_run(config, directory, trained.zoo, trained.task), 0, "test")
    return found.gap, float(found.agreement.mean())


def redundancy(trained: Trained, embeddings: Sequence[int] = EMBEDDINGS, members: Sequence[int] = MEMBERS,
               steps: int = STEPS) -> Section:
    """Gap and agreement against the embedding's size, and against the number of networks trained on."""
    whole = len(pipeline.training_networks(trained.config.netspace, trained.zoo, trained.netspace.architectures[0].name).members)
    size = trained.netspace.architectures[0].size
    counts = sorted({min(count, whole) for count in (*members, whole)})
    # All are checked before the first trains: not every autoencoder takes every size.
    points = {"embedding": {value: _changed(trained, steps=steps, embedding=value, train_members=whole) for value in embeddings},
              "members": {value: _changed(trained, steps=steps, train_members=value) for value in counts}}
    metrics, rows, curves = {}, [], {}
    with tempfile.TemporaryDirectory() as place:
        for name, configs in points.items():
            found = [_measured(trained, Path(place) / f"{name}-{value}", config) for value, config in configs.items()]
            values = np.array(list(configs))
            curves[name] = (values, np.array(found))
            for value, (gap, agreement) in zip(values, found, strict=True):
                metrics |= {f"redundancy/{name}_{value}_gap": gap, f"redundancy/{name}_{value}_agreement": agreement}
                rows.append((f"{value} values for {size} parameters" if name == "embedding" else f"{value} networks trained on",
                             f"{gap:.3f}", f"{agreement:.3f}"))
    figure, _ = figures.against_size([("size of the embedding", *curves["embedding"]),
                                      ("networks that NetSpace was trained on", *curves["members"])])
    text = (f"Each point is a NetSpace of its own, trained for {steps} steps on the same zoo and measured on test members; "
            f"where the embedding varies all {whole} training members are shown, and where these vary it has "
            f"{trained.config.netspace.embedding} values.")
    return Section("redundancy", "How redundant are networks?", text, metrics, figure, (("what is varied", "gap", "agreement"), *rows))
