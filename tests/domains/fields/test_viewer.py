"""The viewer, driven in a real browser: the slider moves, and the picture changes as the meshes do."""

import io
import re

import numpy as np
import pytest
import trimesh
from PIL import Image

from netspace_jax.domains.fields import viewer

EMPTY = trimesh.Trimesh(np.zeros((0, 3)), np.zeros((0, 3), int), process=False)


def box(*half):
    return trimesh.creation.box(2 * np.array(half))


GROWING = viewer.MeshSequence(
    "embedding", tuple(box(size, size, size) for size in (0.2, 0.3, 0.4)), ("small", "middle", "big")
)
GAP = viewer.MeshSequence("weights", (box(0.1, 0.5, 0.3), EMPTY, box(0.5, 0.1, 0.3)))


def opened(browser, path, text):
    path.write_text(text, encoding="utf-8")
    browser.get(path.as_uri())
    return [Page(browser, element) for element in browser.find_elements("class name", "netspace-viewer")]


class Page:
    """One viewer on an open page."""

    def __init__(self, browser, root):
        self.browser, self.root = browser, root
        self.wait_for("0/0")

    def find(self, selector):
        return self.root.find_element("css selector", selector)

    def wait_for(self, shown):
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, 20).until(lambda _: self.root.get_attribute("data-shown") == shown)

    def press(self, selector, keys, shown=None):
        self.find(selector).send_keys(keys)
        if shown:
            self.wait_for(shown)

    def pixels(self):
        """The canvas without its frame; what was drawn last is on screen after two frames."""
        self.browser.execute_async_script(
            "const done = arguments[0];requestAnimationFrame(() => requestAnimationFrame(done));"
        )
        image = Image.open(io.BytesIO(self.find("canvas").screenshot_as_png)).convert("RGB")
        return np.asarray(image).astype(int)[4:-4, 4:-4]

    def area(self):
        """Pixels that show the shape, which is blue."""
        pixels = self.pixels()
        return int(np.count_nonzero(pixels[..., 2] - pixels[..., 0] > 15))


def keys():
    from selenium.webdriver.common.keys import Keys

    return Keys


def test_the_slider_changes_the_shape(browser, tmp_path):
    (page,) = opened(browser, tmp_path / "page.html", viewer.viewer_html([GROWING, GAP]))
    assert page.find("output").text == "embedding: step 1 of 3, small"
    before, areas = page.pixels(), [page.area()]
    for step in (1, 2):
        page.press("input", keys().ARROW_RIGHT, f"0/{step}")
        areas.append(page.area())
    assert page.find("output").text == "embedding: step 3 of 3, big"
    assert np.mean(np.abs(page.pixels() - before).max(-1) > 30) > 0.01
    # The area of a cube's picture goes as the square of its side, a little faster in perspective.
    assert areas[0] > 1000
    np.testing.assert_allclose(np.array(areas) / areas[0], [1, 9 / 4, 4], rtol=0.15)
    page.press("input", keys().HOME, "0/0")
    np.testing.assert_array_equal(page.pixels(), before)
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_other_sequences_gaps_and_turning(browser, tmp_path):
    (page,) = opened(browser, tmp_path / "page.html", viewer.viewer_html([GROWING, GAP]))
    first = page.pixels()
    page.root.find_elements("css selector", ".sequences button")[1].click()
    page.wait_for("1/0")
    assert page.find("output").text == "weights: step 1 of 3"
    high = page.pixels()
    assert np.any(high != first)
    page.press("input", keys().ARROW_RIGHT, "1/1")
    assert page.find(".note").is_displayed() and "No surface" in page.find(".note").text and page.area() == 0
    page.press("input", keys().ARROW_RIGHT, "1/2")
    assert not page.find(".note").is_displayed()
    flat = page.pixels()
    rows = [np.ptp(np.nonzero(pixels[..., 2] - pixels[..., 0] > 15)[0]) for pixels in (high, flat)]
    assert rows[0] > 1.5 * rows[1]  # a tall box, then a low one

    page.press("canvas", keys().ARROW_LEFT * 3)
    turned = page.pixels()
    assert np.any(turned != flat)
    page.press("canvas", "0")
    np.testing.assert_array_equal(page.pixels(), flat)
    from selenium.webdriver import ActionChains

    ActionChains(browser).drag_and_drop_by_offset(page.find("canvas"), 80, 20).perform()
    assert np.any(page.pixels() != flat)


def test_play_walks_to_the_end(browser, tmp_path):
    (page,) = opened(browser, tmp_path / "page.html", viewer.viewer_html([GROWING]))
    page.find(".play").click()
    page.wait_for("0/2")
    assert page.find(".play").text == "Play" and page.find("input").get_attribute("value") == "2"


def test_two_viewers_share_a_page_without_touching(browser, tmp_path):
    fragment = viewer.viewer_html([GROWING])
    one, two = opened(browser, tmp_path / "page.html", f"<h1>Report</h1>{fragment}<p>and</p>{fragment}")
    before = two.pixels()
    one.press("input", keys().END, "0/2")
    assert two.root.get_attribute("data-shown") == "0/0"
    np.testing.assert_array_equal(two.pixels(), before)


def test_nothing_comes_from_elsewhere_and_nothing_breaks_out(browser, tmp_path):
    label = "</script><script>document.title='taken'</script>"
    text = viewer.viewer_html([viewer.MeshSequence(label, (box(0.3, 0.3, 0.3),), (label,))])
    assert not re.search(r"https?:|\bsrc\s*=|@import|\burl\(", text)
    assert " id=" not in text
    (page,) = opened(browser, tmp_path / "page.html", text)
    assert browser.title != "taken" and label in page.find("output").get_attribute("textContent")
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_a_walk_of_real_size_stays_small():
    """Ten steps of 20,000 triangles on a wavy sheet: at most 10 bytes a triangle, where a plain file takes 36."""
    n = 101
    x, z = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
    corner = np.arange(n * n).reshape(n, n)
    a, b, c, d = (corner[i : n - 1 + i, j : n - 1 + j].reshape(-1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    waves = [np.sin(3 * x + i) * np.cos(2 * z) / 2 for i in range(10)]
    meshes = [trimesh.Trimesh(np.stack([x, y, z], -1).reshape(-1, 3), faces, process=False) for y in waves]
    assert len(viewer.viewer_html([viewer.MeshSequence("walk", tuple(meshes))])) < 10 * 10 * len(faces)


@pytest.mark.parametrize(
    "sequences", [[], [viewer.MeshSequence("a", ())], [viewer.MeshSequence("a", (EMPTY,), ("b", "c"))]]
)
def test_sequences_that_cannot_be_shown(sequences):
    with pytest.raises(ValueError, match="sequence"):
        viewer.viewer_html(sequences)
