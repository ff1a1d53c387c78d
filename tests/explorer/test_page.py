"""The explorer in a real browser: its outputs are Python's, and clicks and keys move from network to network."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from netspace_jax import architectures
from netspace_jax.config import SearchConfig
from netspace_jax.domains.images.explorer import view
from netspace_jax.explorer import packing
from netspace_jax.explorer.page import ExploreOptions
from netspace_jax.explorer.page import page as explorer_page
from netspace_jax.explorer.search import search_step
from netspace_jax.space.modules import LinearHead, ScaledDecoder
from tests import tiny

HIDDEN = 6


@pytest.fixture(scope="module")
def run():
    """A run whose space decodes by a perceptron with a skip and a change of low rank, two architectures in it."""
    base = tiny.trained((3, 4))
    rows, columns = ((3, 3, 4, 4), (4, 4, 4, 4)), ((16, 1, 3, 1), (16, 1, 4, 1))
    decoder = ScaledDecoder(tiny.PREP, HIDDEN, 2, skip=True, rank=2, rows=rows, columns=columns)
    size, prep = tiny.PREP[0] * tiny.PREP[1], jnp.ones(tiny.PREP)
    params = decoder.init(jax.random.key(1), jnp.zeros(size), 0.4 * prep, 0 * prep, 0)["params"]
    head = LinearHead(2)
    constants = base.space.constants.replace(scale=jnp.stack([0.4 * prep] * 2), shift=jnp.stack([0 * prep] * 2))
    space = base.space.replace(
        decoder=decoder,
        head=head,
        params={"encoder": {}, "decoder": params, "head": head.init(jax.random.key(2), jnp.zeros(size))["params"]},
        constants=constants,
    )
    return tiny.again(base, space=space)


@pytest.fixture(scope="module")
def page(browser, run, tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explore.html"
    text, bits = explorer_page(run, view(run))
    assert bits == packing.EXACT and "http://" not in text and "https://" not in text
    path.write_text(text, encoding="utf-8")
    browser.get(path.as_uri())
    until(browser, lambda: body(browser, "ready") == "yes")
    return browser


def until(browser, what):
    WebDriverWait(browser, 20).until(lambda _: what())


def body(browser, name):
    return browser.find_element("tag name", "body").get_attribute(f"data-{name}")


@pytest.mark.parametrize("which", [0, 1])
def test_outputs_are_pythons(page, run, which):
    """Any embedding, decoded and run here and there; on one input and on more than a batch."""
    images = np.asarray(run.dataset.examples("test").inputs)
    inputs = np.concatenate([images] * 3)
    for seed in range(3):
        z = np.asarray(jax.random.normal(jax.random.key(seed), (run.space.embedding_size,)))
        flat = run.space.generate(jnp.asarray(z), which)
        for x in (inputs, inputs[:1]):
            script = "return Array.from(page.decode(arguments[0], arguments[1]).run(Float32Array.from(arguments[2])))"
            found = page.execute_script(script, z.tolist(), which, x.ravel().tolist())
            wanted = jax.jit(run.space.architectures[which].apply)(flat, jnp.asarray(x))
            np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, atol=1e-4)


def test_a_click_a_key_and_a_walk(page):
    canvas, shown = page.find_element("id", "map"), int(body(page, "shown"))
    ActionChains(page).move_to_element_with_offset(canvas, 60, 40).click().perform()
    until(page, lambda: int(body(page, "shown")) > shown)
    before = page.find_element("id", "panel").get_attribute("data-logits")
    canvas.send_keys(Keys.ARROW_LEFT * 8)
    until(page, lambda: page.find_element("id", "panel").get_attribute("data-logits") != before)
    assert "on 40 test inputs" in page.find_element("id", "here").text
    assert not page.find_element("id", "adapt").is_displayed()  # its encoder reads no tasks
    page.find_element("id", "play").click()
    until(page, lambda: body(page, "doing") is None and page.find_element("id", "walk").get_attribute("value") == "100")
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_point_under_the_cursor_says_whose_it_is(page):
    """Its name, and its own score beside that of the network generated from it; and a search's words go with a move."""
    page.execute_script("document.getElementById('search').textContent = 'of a search'; page.path = [[0, 0], [1, 1]]")
    page.execute_script("page.visit(0)")
    until(page, lambda: body(page, "under") == page.execute_script("return page.data.name[0]"))
    shown = page.find_element("id", "here").text
    assert shown.startswith("At the point of perceptron3 ") and "(test)" in shown and "itself" in shown
    assert page.find_element("id", "search").text == "" and page.execute_script("return page.path.length") == 0


def test_what_is_drawn_is_asked_about(page):
    logits = page.find_element("id", "panel").get_attribute("data-logits")
    page.find_element("id", "clear").click()
    assert page.find_element("id", "says").text == "Nothing is drawn yet."
    ActionChains(page).click_and_hold(page.find_element("id", "draw")).move_by_offset(20, 30).release().perform()
    assert page.find_element("id", "panel").get_attribute("data-logits") != logits
    assert page.find_element("id", "says").text.startswith("This network says")


def test_a_search_is_the_programs(page, run):
    """One click; the loss falls, and the first step in the page is Python's own."""
    script = """const u = Float32Array.from(arguments[0]), zero = new Float32Array(u.length);
        const count = { shape: [], data: new Int32Array([0]) };
        return page.step(0, u, zero, zero, count).map((v) => Array.from(v.data));"""
    u = np.asarray(jax.random.normal(jax.random.key(5), (run.space.embedding_size,)))
    step = jax.jit(search_step(run.space, run.space.statistics, 0, view(run)))
    aim = jnp.asarray(view(run).aims[0])
    wanted = step(jnp.asarray(u), jnp.zeros_like(u), jnp.zeros_like(u), jnp.zeros((), jnp.int32), aim)
    found = page.execute_script(script, u.tolist())
    for own, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.reshape(own, np.shape(other)), other, atol=1e-4)
    assert np.abs(wanted[0] - u).max() <= 1.01 * SearchConfig().learning_rate
    page.find_element("id", "improve").click()
    until(page, lambda: int(body(page, "steps") or 0) >= 5)
    page.find_element("id", "improve").click()
    assert "loss" in page.find_element("id", "search").text


def test_a_small_file_leaves_architectures_out(run):
    text, bits = explorer_page(run, view(run), ExploreOptions(megabytes=10))
    size = len(text.encode()) / 1e6
    assert size < 10 and bits == packing.EXACT
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert data["kept"] == [0, 1] and data["left"] == []
    assert architectures.build("perceptron3", tiny.SHAPE, tiny.CLASSES).size == data["architectures"][0]["size"]
    text, _ = explorer_page(run, view(run), ExploreOptions(megabytes=0.8 * size))
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert data["kept"] == [0] and data["left"][0].startswith("perceptron4 ")
    assert len(text.encode()) / 1e6 <= 0.8 * size and data["megabytes"] < size
