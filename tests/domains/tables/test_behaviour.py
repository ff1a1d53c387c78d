"""What networks on rows compute: numbers in units of their spread, or classes; raw rows in, answers out."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pandas
import pytest

from netspace_jax import testing
from netspace_jax.behaviour import behaviour_from, describe_behaviour
from netspace_jax.domain import preset
from netspace_jax.domains.tables.behaviour import RowClassification, RowRegression
from netspace_jax.domains.tables.loading import load
from netspace_jax.errors import InputError
from netspace_jax.space.network import Network

ENCODING = {
    "input_shape": (2,),
    "columns": ("x", "colour"),
    "kinds": ("number", "category"),
    "categories": ("", "red"),
    "fills": (4.0, 0.0),
    "means": (3.0, 0.0),
    "stds": (2.0, 1.0),
}
REGRESSION = RowRegression(**ENCODING, target="price", mean=100.0, std=10.0)
CLASSES = RowClassification(**ENCODING, target="sold", labels=("no", "yes"))
ROWS = pandas.DataFrame({"x": [5.0, None], "colour": ["red", "blue"], "price": [90, 120], "sold": ["yes", "no"]})


@pytest.mark.parametrize("behaviour", [REGRESSION, CLASSES])
def test_raw_rows_are_prepared_by_their_names(behaviour):
    np.testing.assert_allclose(behaviour.prepare(ROWS), [[1, 1], [0.5, 0]])
    np.testing.assert_allclose(behaviour.prepare(ROWS.to_dict("list")), [[1, 1], [0.5, 0]])
    array = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(behaviour.prepare(array), array)
    assert behaviour_from(json.loads(json.dumps(describe_behaviour(behaviour)))) == behaviour


def test_a_network_out_of_a_space_takes_raw_rows():
    architecture = REGRESSION.architecture("mlp-3")
    flat = jnp.arange(architecture.size, dtype=jnp.float32) / architecture.size
    network = Network(architecture, REGRESSION, flat, jnp.zeros(2))
    np.testing.assert_allclose(network(ROWS), architecture.apply(flat, jnp.array([[1, 1], [0.5, 0]])), rtol=1e-6)


def test_a_card_says_what_goes_in_and_what_comes_out():
    assert REGRESSION.inputs_in_words == "x (4 where missing); 1 if colour is red, else 0"
    assert REGRESSION.outputs_in_words.endswith("multiply by 10, then add 100")
    assert CLASSES.outputs_in_words == "logits of sold being no, yes"


def test_numbers_are_learned_in_standard_deviations():
    inputs, targets = REGRESSION.batch(ROWS)
    np.testing.assert_array_equal(targets, [90, 120])
    np.testing.assert_allclose(REGRESSION.target_answers(targets), [[-1], [2]])
    outputs = jnp.array([[-1.0], [1.0]])
    assert float(REGRESSION.fit_loss(outputs, targets)) == 0.5
    assert float(REGRESSION.score(outputs, targets)) == 0.5
    np.testing.assert_allclose(REGRESSION.values(outputs), [90, 110])
    np.testing.assert_allclose(REGRESSION.example_losses(outputs, targets), [0, 1])
    assert float(REGRESSION.agreement(outputs, outputs + jnp.array([[0.05], [0.2]]))) == 0.5


def test_the_mean_of_all_tasks_explains_nothing():
    targets = 100 + 10 * np.random.default_rng(0).normal(size=10_000)
    assert abs(float(REGRESSION.score(jnp.zeros((10_000, 1)), jnp.asarray(targets, jnp.float32)))) < 0.05


def test_classes_are_named():
    assert CLASSES.classes == CLASSES.outputs == 2 and CLASSES.constant_answer == 0.5
    np.testing.assert_array_equal(CLASSES.batch(ROWS).targets, [1, 0])
    with pytest.raises(InputError, match="'perhaps' is no class; there are no, yes"):
        CLASSES.batch(ROWS.assign(sold="perhaps"))


def test_classes_are_given_by_label_or_place_and_rows_may_contradict_each_other():
    inputs = CLASSES.prepare(ROWS.iloc[[0, 0]])
    for targets in (["yes", "no"], [1, 0]):
        np.testing.assert_array_equal(CLASSES.check_examples(inputs, targets), [1, 0])
    for targets, said in ((["yes"], "1,"), (["yes", "maybe"], "'maybe' is no class"), ([2, 0], "among no, yes")):
        with pytest.raises(InputError, match=said):
            CLASSES.check_examples(inputs, targets)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS.drop(columns="price"), "no column 'price'"),
        (ROWS.assign(price=[1, None]), "'price': a row has no value"),
        (ROWS.drop(columns="x"), "no column 'x'"),
    ],
)
def test_examples_that_do_not_fit_are_named(rows, said):
    with pytest.raises(InputError, match=said):
        REGRESSION.batch(rows)


@pytest.mark.long
def test_classes_of_rows_keep_what_a_behaviour_promises():
    data = load(dataclasses.replace(preset("tables").zoo, dataset="made", target="colour", members=(8,))).dataset
    assert isinstance(data.behaviour, RowClassification) and data.behaviour.labels == ("blue", "red")
    testing.check_dataset(data)
    testing.check_behaviour(data.behaviour, data, "mlp-8-8")
