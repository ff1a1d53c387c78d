"""What all tests run under: eight CPU devices, and JAX refusing silent broadcasts and keys used twice."""

import atexit
import functools
import gc
import importlib.metadata
import os
import shutil
import sys
import tempfile

# All this is read once, when JAX is imported, and holds for the commands that tests start too. Most of the time goes
# into compiling small programs. Without emitters of fusions they compile in less time and run slower; newer versions do
# not know that flag, and take no optimisation in its place (both together make a wrong gradient in JAX 0.10.2). Users
# get level 1 with emitters; that gradients are the same is tested. Programs met again are not compiled again.
# Parity to 1e-5 holds in full float32 only: a GPU is used where it is named.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    if importlib.metadata.version("jaxlib").startswith(("0.9.", "0.10."))
    else "--xla_backend_optimization_level=0",
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("NETSPACE_CACHE", "off")  # of samples of shapes: a user's own stays as it is
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="netspace-tests-")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

import filelock
import flax.linen as nn
import hypothesis
import jax
import optax
import pytest

import tests.typechecking  # noqa: F401 (pytest's option names it)
from tests.browser import browser  # noqa: F401 (a fixture)
from tests.commands import make_finished

jax.config.update("jax_num_cpu_devices", 8)
# Tracing makes many objects and few circles; where a line was written matters to no test.
gc.set_threshold(200_000, 20, 100)
jax.config.update("jax_traceback_in_locations_limit", 0)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")


def promoting(function):
    """A function of Optax or Flax, which mixes whole and real numbers, where this package may not."""

    @functools.wraps(function)
    def wrapped(*arguments, **named):
        with jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **named)

    return wrapped


optax.tree.bias_correction = promoting(optax.tree.bias_correction)
nn.avg_pool = promoting(nn.avg_pool)
for _name in ("cosine_decay_schedule", "piecewise_constant_schedule", "warmup_cosine_decay_schedule"):
    setattr(optax, _name, lambda *given, make=getattr(optax, _name), **named: promoting(make(*given, **named)))

# A slow machine is no failure, and the same examples everywhere make a failure one that others can see.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("suite")

LONG = (
    "test_end_to_end.py",
    "test_conformance.py",
    "test_benchmarks.py",
    "test_notebook.py",
    "test_end_to_end_others.py",
    "test_documents.py",
)


def pytest_collection_modifyitems(items):
    """The files that take longest come first, so that no worker is left alone with one of them at the end.

    Tests that are marked `long` take a minute or are of a tool beside the project: NETSPACE_LONG=1 runs them too.
    """
    if not os.environ.get("NETSPACE_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: NETSPACE_LONG=1 runs it"))
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """Where a finished tiny run of `digits` lies, made by its commands, once for all workers: tests only read it."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "finished-run"
    with filelock.FileLock(place.with_suffix(".lock")):
        if not place.exists():
            made = tmp_path_factory.mktemp("made")
            make_finished(made)
            made.rename(place)
    return place


@pytest.fixture(scope="module", autouse=True)
def lasting_objects_are_not_searched():
    """What is garbage goes with its file; what lives on no later collection walks through."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def figures_closed():
    """What a test drew; matplotlib warns of more than twenty figures that stay open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
