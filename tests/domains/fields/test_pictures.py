"""Sections about pictures: figures by hand, in a space that gives every network back."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.config import SearchConfig
from netspace_jax.domains.fields.compression import at_level, compression, jpeg, rounded
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.explorer import view
from netspace_jax.domains.fields.loading import load
from netspace_jax.domains.fields.pictures import (
    SuperOptions,
    nearest_rows,
    pictures,
    psnr,
    samples,
    super_resolution,
    walk,
)
from netspace_jax.domains.fields.probing import probe_accuracy
from netspace_jax.domains.fields.reading import ReadingOptions, reading
from netspace_jax.domains.fields.retrieval import retrieval
from netspace_jax.explorer.page import page
from netspace_jax.explorer.search import search_step
from netspace_jax.metrics.outputs import outputs_of
from tests.domains.fields.small import NAME, file_of_images, flats_for, run_of


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = file_of_images(tmp_path_factory.mktemp("images") / "bars.npz")
    config = FieldZooConfig(dataset=path, kind="pictures", members=(80,), batch=30)
    data = load(config).dataset
    return run_of(data, "pictures", flats_for(data.behaviour, 80), 60)


def test_psnr_by_hand():
    truth = np.zeros((2, 10, 1), np.float32)
    np.testing.assert_allclose(psnr(truth + np.array([0.2, 0.02])[:, None, None], truth), [20, 40], rtol=1e-5)


@pytest.mark.long
def test_a_space_that_gives_networks_back_has_their_psnr(run):
    metrics = pictures(run).metrics
    test = run.networks(0, "test")
    wanted = run.dataset.values(np.arange(60, 80))
    own = outputs_of(run.dataset, run.space.architectures[0], test.parameters, test.indices)
    assert metrics["pictures/psnr_members"] == pytest.approx(psnr(own, wanted).mean())
    assert metrics["pictures/psnr_generated"] == pytest.approx(metrics["pictures/psnr_members"])
    assert metrics["pictures/psnr_refined"] >= metrics["pictures/psnr_generated"] - 1e-3


def test_each_networks_own_held_out_points_may_judge_its_refinement(run):
    judged = dataclasses.replace(run.config.refine, judged_on="validation")
    own = dataclasses.replace(run, config=dataclasses.replace(run.config, refine=judged))
    found = own.refined(0)
    assert found.embedding.shape == own.reconstruction(0, "test").embedding.shape
    np.testing.assert_allclose(found.generated_score, found.score, atol=0.05)


def test_walks_by_embeddings_are_walks_by_weights_where_embeddings_are_weights(run):
    metrics = walk(run).metrics
    assert metrics["walk/embeddings_nearest_psnr"] == pytest.approx(metrics["walk/weights_nearest_psnr"], rel=1e-3)
    assert metrics["walk/fading_nearest_psnr"] > metrics["walk/weights_nearest_psnr"]  # the networks are untrained


def test_nearest_rows_are_those_of_least_distance():
    rng = np.random.default_rng(0)
    known, values = rng.normal(size=(9, 4, 1)).astype(np.float32), rng.normal(size=(5, 4, 1)).astype(np.float32)
    distance = np.square(values[:, None] - known[None]).sum((2, 3))
    np.testing.assert_array_equal(nearest_rows(values, known, 3), distance.argsort(1)[:, :3])


@pytest.mark.long
def test_new_pictures_and_finer_ones_are_drawn(run):
    found = samples(run)
    assert found.figure is not None and 0 < found.metrics["samples/different_nearest"] <= 1
    finer = super_resolution(run, SuperOptions(times=2))
    assert finer.figure is not None and np.isfinite(list(finer.metrics.values())).all()


def test_retrieval_by_pixels_finds_the_class(run):
    metrics = retrieval(run).metrics
    assert metrics["retrieval/pixels_precision"] > 0.95 and metrics["retrieval/pixels_as_pixels"] == 1
    assert metrics["retrieval/weights_precision"] == pytest.approx(metrics["retrieval/embedding_precision"], abs=0.1)
    assert metrics["retrieval/weights_precision"] < 0.6  # untrained networks say nothing of their picture


def test_reading_pixels_is_right_and_reading_untrained_networks_is_not(run):
    metrics = reading(run, ReadingOptions(coordinates=())).metrics
    assert metrics["classify/inputs"] == metrics["classify/inputs_linear"] == 1
    assert metrics["classify/flat"] < 0.7 and metrics["classify/chance"] == pytest.approx(7 / 20, abs=0.06)


def test_learned_coordinates_read_what_networks_say(monkeypatch):
    """Networks whose last bias is the class: one coordinate is enough."""
    monkeypatch.setattr("netspace_jax.domains.fields.probing.STEPS", 200)
    architecture = architectures.build(NAME, (2,), 1)
    start = jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))
    labels = np.arange(60) % 2
    flats = start(jax.random.split(jax.random.key(0), 60)).at[:, -1].set(jnp.asarray(labels * 4.0 - 2))
    read = functools.partial(probe_accuracy, architecture, flats[:40], labels[:40], flats[40:], probes=1)
    assert read(labels[40:]) == 1
    assert read(1 - labels[40:]) == 0


def test_rounding_keeps_values_within_half_a_step():
    u = np.random.default_rng(0).uniform(-4, 4, (50, 3))
    for bits in (1, 3, 8):
        found = rounded(u, bits)
        assert np.abs(found - u).max() <= 4 / 2**bits + 1e-9 and len(np.unique(found)) <= 2**bits
    np.testing.assert_allclose(rounded(np.array([[-99.0, 99.0]]), 2), [[-3, 3]])


def test_jpeg_files_have_a_header_and_grow_with_quality():
    rng = np.random.default_rng(0)
    whole, scans = jpeg(rng.integers(0, 256, (3, 16, 16, 1)).astype(np.uint8))
    assert (np.diff(whole[:, 0]) > 0).all() and (np.diff(whole[:, 1]) > 0).all()
    assert (whole[:, 0] - scans[:, 0] > 8 * 100).all() and (scans[:, 0] > 0).all()
    middle = whole[3:5].mean(0)
    assert at_level(whole, middle[1]) == pytest.approx(middle[0])
    assert np.isnan(at_level(whole, 200.0))


def test_embeddings_that_are_weights_take_their_bits(run):
    found = compression(run)
    assert found.metrics["compression/bits"] == 6 * 48 and found.metrics["compression/decoder_bits"] == 0
    assert found.figure is not None


def test_a_search_in_the_page_goes_to_the_picture_that_a_test_network_holds(run):
    """Its loss is none at that network's own embedding, and falls from another's; the page has it as a program."""
    shown, region = view(run), run.space.statistics
    step = jax.jit(search_step(run.space, region, 0, shown))
    aim, embedding = jnp.asarray(shown.aims[3]), jnp.asarray(run.reconstruction(0, "test").embedding)
    zero, count = jnp.zeros(48), jnp.zeros((), jnp.int32)
    trust = float(SearchConfig().trust * jnp.square(region.standardise(embedding[3])).mean())
    assert step(region.standardise(embedding[3]), zero, zero, count, aim)[-1] == pytest.approx(trust, abs=1e-5)
    state, losses = (region.standardise(embedding[0]), zero, zero, count), []
    for _ in range(20):
        *state, loss = step(*state, aim)
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
    text, _ = page(run, shown)
    assert '"improve/0"' in text
