"""Populations: each network is what it would be alone, whatever trains beside it."""

import csv

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from safetensors.numpy import load_file

from netspace_jax import population
from netspace_jax.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
FEW = population.Options(steps=30, batch=8, chunk=4, devices=2)


class Net(nn.Module):
    outputs: int = 2

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Dropout(0.1, deterministic=not train)(nn.relu(nn.Dense(4)(x)))
        return nn.Dense(self.outputs)(x)


def train(*arguments, module=Net(), options=FEW, **keywords):
    return population.train(module, *arguments, options=options, **keywords)


@pytest.fixture(scope="module")
def sweep():
    rates, decay = np.array([0.0, 1e-3, 1e-2, 1e-2, 3e-2, 1e-1]), np.array([0, 0, 0, 1e-1, 0, 0])
    found = train(
        X, Y, optimizer=optax.adamw, hyperparameters={"learning_rate": rates, "weight_decay": decay}, seeds=[5] * 6
    )
    return found, rates, decay


def test_each_network_is_what_it_is_alone(sweep):
    found, rates, decay = sweep
    for which in (2, 4):
        alone = train(
            X,
            Y,
            optimizer=optax.adamw,
            hyperparameters={"learning_rate": rates[which : which + 1], "weight_decay": decay[which]},
            seeds=[5],
            options=population.Options(steps=30, batch=8, devices=1),
        )
        np.testing.assert_allclose(found.parameters[which], alone.parameters[0], rtol=1e-5, atol=1e-6)
        assert found.scores[which] == pytest.approx(alone.scores[0])
    assert np.abs(found.parameters[2] - found.parameters[3]).max() > 1e-4  # weight decay alone differs


@pytest.mark.long
def test_rates_do_what_rates_do(sweep):
    found, *_ = sweep
    still = train(X, Y, seeds=[5], hyperparameters={"learning_rate": 0.0})
    np.testing.assert_array_equal(found.parameters[0], still.parameters[0])
    assert found.scores[4] > 0.8 and found.best in (4, 5) and found.finite.all()
    assert repr(found) == "Population(6 × Net, 26 parameters each)"
    logits = found(X)
    np.testing.assert_allclose((logits.argmax(-1) == Y).mean(1), found.scores, atol=1e-6)
    one = Net().apply({"params": found.params(4)}, jnp.asarray(X))
    np.testing.assert_allclose(logits[4], one, rtol=1e-5, atol=1e-5)


def test_own_data_and_rows_of_shared_data_are_the_same():
    rows = np.stack([RNG.permutation(60)[:20] for _ in range(5)])
    shared = train(X, Y, rows=rows, held_out=(X[:10], Y[:10]))
    own = train(X[rows], Y[rows], own_data=True, held_out=(np.stack([X[:10]] * 5), np.stack([Y[:10]] * 5)))
    np.testing.assert_allclose(shared.parameters, own.parameters, rtol=1e-6)
    np.testing.assert_allclose(shared.scores, own.scores)
    assert len(np.unique(shared.parameters[:, 0])) == 5


@pytest.mark.long
def test_regression_and_a_loss_of_ones_own():
    y = X @ np.array([1.0, -2.0, 0.5], np.float32)
    options = population.Options(steps=300, batch=32)
    line = train(X, y, module=nn.Dense(1), networks=2, hyperparameters={"learning_rate": 3e-2}, options=options)
    assert line.scores.min() > 0.98
    np.testing.assert_allclose(line.params(0)["kernel"][:, 0], [1.0, -2.0, 0.5], atol=0.1)
    far = train(X, y, networks=2, module=Net(1), loss=lambda outputs, targets: jnp.abs(outputs[:, 0] - targets).max())
    assert (far.scores < 0).all()


def test_files_hold_every_network_and_what_it_was(sweep, tmp_path):
    found, rates, _ = sweep
    folder = found.save(tmp_path / "sweep")
    tensors = load_file(folder / "networks.safetensors")
    np.testing.assert_array_equal(tensors["Dense_0.kernel"][3], found.params(3)["Dense_0"]["kernel"])
    rows = list(csv.DictReader((folder / "networks.csv").read_text().splitlines()))
    np.testing.assert_allclose([float(row["learning_rate"]) for row in rows], rates, rtol=1e-6)
    np.testing.assert_allclose([float(row["score"]) for row in rows], found.scores, rtol=1e-6)
    with pytest.raises(InputError, match="not an empty directory"):
        found.save(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((X, Y), {}, "nothing says how many"),
        ((X, Y[:5]), {"networks": 2}, "give both as"),
        ((X, Y), {"networks": 2, "own_data": True}, r"\[network, n, …\]"),
        ((X, Y), {"networks": 2, "seeds": [1, 2, 3]}, "seeds 3, networks 2"),
        ((X, Y), {"hyperparameters": {"learning_rate": np.array([[1e-3]])}}, "learning_rate is a finite number"),
        ((X, Y), {"networks": 1, "hyperparameters": {"speed": 1.0}}, "do not fit the optimizer"),
        ((X, Y), {"rows": np.full((2, 3), 60)}, "rows choose among 60"),
        ((X, Y), {"networks": 1, "held_out": (X[:, :2], Y)}, "held_out"),
        (((255 * X).astype(np.uint8), Y), {"networks": 1}, "scale pixels first"),
        ((X, Y), {"networks": 1, "options": population.Options(steps=0)}, "steps must be at least 1"),
    ],
)
def test_what_does_not_fit_is_named(arguments, keywords, message):
    with pytest.raises(InputError, match=message):
        train(*arguments, **keywords)


def test_labels_outside_the_outputs_are_refused():
    for labels, first in ((Y + 1, 2), (Y - 1, -1)):
        with pytest.raises(InputError, match=f"targets: {first} is no class of 2 outputs"):
            train(X, labels, networks=2)
    with pytest.raises(InputError, match="give integers for classes"):
        train(X, Y.astype(float), networks=2)


def test_texts_are_labels():
    named = train(X, np.where(Y, "yes", "no"), networks=2)
    assert named.classes == ("no", "yes")
    np.testing.assert_array_equal(named.parameters, train(X, Y, networks=2).parameters)
    with pytest.raises(InputError, match="texts and numbers"):
        train(X, np.where(Y, "yes", "no"), networks=2, held_out=(X, Y))


@pytest.mark.parametrize("texts", [False, True])
def test_networks_may_have_unequally_many_examples(texts):
    """One that has as many as the longest is what it is alone; each is scored on its own examples, once each."""
    sizes, labels = (9, 60, 30), np.where(Y, "yes", "no") if texts else Y
    found = train([X[:size] for size in sizes], [labels[:size] for size in sizes], own_data=True)
    whole = train(X[None], Y[None], own_data=True, seeds=[1])
    np.testing.assert_allclose(found.parameters[1], whole.parameters[0], rtol=1e-5, atol=1e-6)
    for network, size in enumerate(sizes):
        right = found(X[:size])[network].argmax(-1) == Y[:size]
        assert found.scores[network] == pytest.approx(right.mean())
    with pytest.raises(InputError, match="network 1 has 60 inputs and targets of shape"):
        train([X[:9], X], [Y[:9], Y[:50]], own_data=True)


def test_networks_that_are_not_finite_have_no_score(caplog):
    rates = np.array([1e-2, 1e30, 1e-2])
    found = train(X, Y, optimizer=optax.sgd, hyperparameters={"learning_rate": rates})
    assert np.isnan(found.scores[1]) and np.isfinite(found.scores[[0, 2]]).all() and found.best != 1
    assert "1 of 3 networks have no finite outputs, and NaN as score: 1" in caplog.text
