"""New tasks in a real browser: what examples say is Python's, and clicks find the network and show it."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.support.ui import Select, WebDriverWait

from netspace_jax.domains.images.explorer import view
from netspace_jax.explorer.page import ExploreOptions
from netspace_jax.explorer.page import page as explorer_page
from netspace_jax.explorer.tasks import PAIRS
from netspace_jax.space.adaptation import Calibration, adapt
from netspace_jax.space.modules import SetEncoder
from netspace_jax.space.observation import Pairs, observe_task
from tests import tiny


@pytest.fixture(scope="module")
def run():
    """A run whose space reads tasks by a set encoder with random parameters."""
    base = tiny.trained()
    size, classes = base.space.embedding_size, tiny.CLASSES
    encoder = SetEncoder(size, 8, hidden=8, features=4, constant=1 / classes)
    example = observe_task(Pairs(jnp.zeros((2, *tiny.SHAPE)), jnp.zeros((2, classes)), jnp.ones(2)))
    params = encoder.init(jax.random.key(3), example)["params"]
    deviation = jnp.linspace(0.1, 0.4, 3 * size).reshape(3, size)[::-1]
    calibration = Calibration(jnp.array([1.0, 3.0, 10.0]), deviation, jnp.array([0.0, 9.0, 8.0]))
    parameters = {**base.space.params, "encoder": params}
    space = dataclasses.replace(base.space, encoder=encoder, params=parameters, calibration=calibration)
    return tiny.again(base, space=space)


@pytest.fixture(scope="module")
def page(browser, run, tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explore.html"
    path.write_text(explorer_page(run, view(run))[0], encoding="utf-8")
    browser.get(path.as_uri())
    until(browser, lambda: body(browser, "ready") == "yes")
    return browser


def until(browser, condition):
    WebDriverWait(browser, 20).until(lambda _: condition())


def body(browser, name):
    return browser.find_element("tag name", "body").get_attribute(f"data-{name}")


def tasks_of(run):
    tasks = view(run).tasks
    assert tasks is not None
    return tasks


def first_examples(run, count):
    """As the page holds and fills them."""
    examples = tasks_of(run).examples
    inputs = jnp.asarray(examples.inputs[0][:PAIRS], jnp.float16).astype(jnp.float32)
    answers = run.dataset.behaviour.target_answers(jnp.asarray(examples.targets[0][:PAIRS]))
    return Pairs(inputs, answers, (jnp.arange(PAIRS) < count).astype(jnp.float32))


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 4])
def test_what_examples_say_is_pythons(page, run, count):
    script = """const { inputs, targets } = page.task(0), length = inputs.length / targets.length;
        const examples = Array.from({ length: arguments[0] }, (_, i) => (
          { input: inputs.slice(i * length, (i + 1) * length), answer: page.answer(targets[i]) }));
        const said = page.posteriorOf(examples);
        return [Array.from(said.mean), Array.from(said.deviation), page.leftOutLoss(0, examples), said.expectedLoss];"""
    found = page.execute_script(script, count)
    expected = adapt(run.space, run.space.calibration, first_examples(run, count))
    for computed, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(computed, value, rtol=1e-4, atol=1e-4)


def test_the_ring_is_one_standard_deviation_on_the_map(page):
    """Of embeddings drawn from the posterior as they lie on the map: two in three are inside in one direction."""
    size = page.execute_script("return page.arrays.z.shape[1]")
    deviation = np.linspace(0.5, 1.5, size)
    script = "return [page.ring(new Float32Array(arguments[0].length), arguments[0]), [...page.arrays.axes.data]]"
    ring, axes = page.execute_script(script, deviation.tolist())
    axes = np.reshape(axes, (2, size))
    covariance = axes * deviation**2 @ axes.T
    ring = np.asarray(ring) - np.mean(ring, 0)
    distance = np.einsum("ni,ij,nj->n", ring, np.linalg.inv(covariance), ring)
    np.testing.assert_allclose(distance, 1, rtol=1e-3)


def test_clicks_find_the_network_of_a_task(page, run):
    """Each further example moves it; its accuracy is Python's; drawings count as examples."""
    shown, more = int(body(page, "shown")), page.find_element("id", "more")
    for count in (1, 2, 3):
        more.click()
        until(page, lambda count=count: body(page, "examples") == str(count))
    until(page, lambda: int(body(page, "shown")) > shown and "mean loss" in page.find_element("id", "familiar").text)
    z = run.space.embed_task(first_examples(run, 3))
    inputs, targets = (values[0] for values in tasks_of(run).tests)
    outputs = run.space.architectures[0].apply(run.space.generate(z, 0), jnp.asarray(inputs))
    assert float(body(page, "adapted")) == pytest.approx(float(run.dataset.behaviour.score(outputs, targets)), abs=0.03)
    assert page.find_element("id", "found").text.startswith("From 3 examples: accuracy")
    assert len(page.execute_script("return page.posterior.means")) == 3
    tile = page.find_elements("css selector", "#examples button")[1]
    assert tile.get_attribute("aria-pressed") == "true"
    tile.click()
    until(page, lambda: body(page, "examples") == "2")
    page.find_element("id", "none").click()
    assert page.execute_script("return page.posterior") is None
    Select(page.find_element("id", "task")).select_by_visible_text("your own drawings")
    page.find_element("id", "clear").click()
    page.find_element("id", "drawn").click()
    assert "empty" in page.find_element("id", "found").text and body(page, "examples") == "0"
    field = page.find_element("id", "draw")
    page.execute_script("arguments[0].scrollIntoView()", field)
    ActionChains(page).click_and_hold(field).move_by_offset(20, 30).release().perform()
    Select(page.find_element("id", "label")).select_by_visible_text("2")
    page.find_element("id", "drawn").click()
    until(page, lambda: body(page, "examples") == "1")
    assert not page.find_element("id", "beside").is_displayed()
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_page_too_small_for_an_encoder_has_no_new_tasks(run):
    text, _ = explorer_page(run, view(run))
    without, _ = explorer_page(tiny.again(run, space=dataclasses.replace(run.space, calibration=None)), view(run))
    middle = (len(text.encode()) + len(without.encode())) / 2e6
    small, _ = explorer_page(run, view(run), ExploreOptions(megabytes=middle))
    found = [json.loads(one.split('id="data">')[1].split("</script>")[0])["tasks"] for one in (text, without, small)]
    assert found[0]["pairs"] == PAIRS and found[1:] == [None, None]
