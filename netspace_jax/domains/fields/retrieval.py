"""Retrieval: the pictures most like one, found among networks by their embeddings."""

import numpy as np

from netspace_jax.domains.fields.dataset import FieldData, PictureTruth
from netspace_jax.domains.fields.gallery import gallery
from netspace_jax.domains.fields.members import features_of, items_of, true_values
from netspace_jax.domains.fields.pictures import nearest_rows
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.runs import Run

NEAREST = 5
QUERIES = 6  # shown


def retrieval(run: Run[FieldData[PictureTruth]]) -> Section:
    """The nearest pictures to each test picture: by embeddings, by pixels and by weights."""
    truth, features = run.dataset.truth, features_of(run)
    labels = {split: np.asarray(truth.classes)[items_of(run, split)] for split in ("train", "test")}
    names = {"embedding": "embedding", "pixels": "inputs", "weights": "flat"}
    nearest = {}
    for name, source in names.items():
        train, test = features[source]
        nearest[name] = nearest_rows(test, train, NEAREST)
    metrics, rows = {}, []
    for name, places in nearest.items():
        precision = float((labels["train"][places] == labels["test"][:, None]).mean())
        pairs = zip(places, nearest["pixels"], strict=True)
        shared = float(np.mean([len({*by_this} & {*by_pixels}) / NEAREST for by_this, by_pixels in pairs]))
        metrics |= {f"retrieval/{name}_precision": precision, f"retrieval/{name}_as_pixels": shared}
        rows.append((name, f"{precision:.3f}", f"{shared:.3f}"))
    queries, training = true_values(run, "test"), true_values(run, "train")
    grid = [truth.images(np.stack([queries[i], *training[nearest["embedding"][i]]])) for i in range(QUERIES)]
    figure = gallery(grid, [""] * QUERIES, ["asked for", *(f"nearest {i + 1}" for i in range(NEAREST))])
    text = (
        f"For {len(queries)} test networks the {NEAREST} nearest of {len(training)} training networks: the share that "
        "have the same class, and the share that are also among the nearest by pixels. By embeddings "
        f"{metrics['retrieval/embedding_precision']:.3f} have the same class: beside pixels that is "
        f"{relation(metrics['retrieval/embedding_precision'], metrics['retrieval/pixels_precision'])}, beside weights "
        f"{relation(metrics['retrieval/embedding_precision'], metrics['retrieval/weights_precision'])}."
    )
    header = ("by", f"same class among {NEAREST}", "also nearest by pixels")
    return Section("retrieval", "Pictures alike", text, metrics, figure, (header, *rows))
