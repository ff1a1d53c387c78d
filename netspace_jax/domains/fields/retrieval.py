"""Retrieval: the pictures most like one, found among networks by their embeddings."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.neighbors import NearestNeighbors

from netspace_jax.domains.fields.dataset import FieldData, PictureTruth
from netspace_jax.domains.fields.gallery import gallery
from netspace_jax.domains.fields.members import items_of
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.runs import Run

NEAREST = 5
QUERIES = 6  # shown


def retrieval(run: Run[FieldData[PictureTruth]]) -> Section:
    """The nearest pictures to each test picture: by embeddings, by pixels and by weights."""
    truth, data = run.dataset.truth, run.dataset
    labels, items = np.asarray(truth.label), items_of(run, "train")
    tests = items_of(run, "test")
    known, queries = data.values(items), data.values(tests)
    ways = {
        "embedding": (np.asarray(run.space.embeddings[run.space.names[0]]), run.reconstruction(0, "test").embedding),
        "pixels": (known.reshape(len(known), -1), queries.reshape(len(queries), -1)),
        "weights": (run.networks(0, "train").parameters, run.networks(0, "test").parameters),
    }
    found = {name: nearest(*pair) for name, pair in ways.items()}
    metrics, rows = {}, []
    for name, places in found.items():
        same = labels[items[places]] == labels[tests][:, None]
        shared = np.mean([len({*a} & {*b}) / NEAREST for a, b in zip(places, found["pixels"], strict=True)])
        metrics |= {f"retrieval/{name}_precision": float(same.mean()), f"retrieval/{name}_as_pixels": float(shared)}
        rows.append((name, f"{same.mean():.3f}", f"{shared:.3f}"))
    grid = [truth.images(np.concatenate([queries[i : i + 1], known[found["embedding"][i]]])) for i in range(QUERIES)]
    titles = ["asked for", *(f"nearest {i + 1}" for i in range(NEAREST))]
    figure = gallery(grid, [""] * QUERIES, titles)
    text = (
        f"For {len(queries)} test networks the {NEAREST} nearest of {len(known)} training networks: the share that "
        "have the same class, and the share that are also among the nearest by pixels. By embeddings "
        f"{metrics['retrieval/embedding_precision']:.3f} have the same class: beside pixels that is "
        f"{relation(metrics['retrieval/embedding_precision'], metrics['retrieval/pixels_precision'])}, beside weights "
        f"{relation(metrics['retrieval/embedding_precision'], metrics['retrieval/weights_precision'])}."
    )
    header = ("by", f"same class among {NEAREST}", "also nearest by pixels")
    return Section("retrieval", "Pictures alike", text, metrics, figure, (header, *rows))


def nearest(
    known: Float[np.ndarray, "known features"], queries: Float[np.ndarray, "query features"]
) -> Int[np.ndarray, "query nearest"]:
    """Rows of the known points that are nearest to each query, by Euclidean distance of standardised features."""
    centre, spread = known.mean(0), known.std() + 1e-12
    model = NearestNeighbors(n_neighbors=min(NEAREST, len(known))).fit((known - centre) / spread)
    return model.kneighbors((queries - centre) / spread, return_distance=False)
