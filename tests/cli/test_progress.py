"""Progress bars show how far each stage is, and its loss."""

import io

from netspace_jax.cli.progress import bars


def test_the_bars_show_progress_and_loss(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with bars() as callbacks:
        callbacks.zoo(40, 100, 0.5)
        callbacks.zoo(60, 100, float("nan"))
        callbacks.netspace(10, 40, 2.0)
        callbacks.netspace(40, 40, 1.0)
        for name in ("zoo", "reconstruct"):
            callbacks.section(name, 2)
    assert "100%" in shown.getvalue() and "loss=0.5" in shown.getvalue()
    assert "40/40" in shown.getvalue() and "loss=1" in shown.getvalue() and "nan" not in shown.getvalue()
    assert "2/2" in shown.getvalue()
    assert all(name in shown.getvalue() for name in ("zoo:", "NetSpace:", "report:"))


def test_a_stage_that_has_nothing_to_do_shows_no_bar(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with bars() as callbacks:
        callbacks.section("zoo", 1)
    assert "NetSpace" not in shown.getvalue() and "report" in shown.getvalue()
