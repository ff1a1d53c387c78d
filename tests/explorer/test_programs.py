"""Programs for a page: what is written down of a traced function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.explorer.programs import Programs


def test_equations_are_numbered_after_inputs_and_constants_below_zero():
    programs = Programs()
    programs.add("line", lambda x, y: 2.0 * x + y, jnp.zeros(3), jnp.zeros(3))
    assert programs.programs["line"] == {
        "inputs": 2,
        "equations": [["mul", [-1, 0], [3], "f", []], ["add", [2, 1], [3], "f", []]],
        "results": [3],
    }
    np.testing.assert_array_equal(programs.arrays[0], np.float32(2.0))


def test_what_no_result_needs_is_left_out():
    programs = Programs()
    programs.add("half", lambda x: (jnp.sin(x), jnp.cos(x))[1], jnp.zeros(2))
    assert programs.programs["half"] == {"inputs": 1, "equations": [["cos", [0], [2], "f", []]], "results": [1]}


def test_a_reshape_that_also_transposes_is_written_as_both():
    """As networks of feature maps (height, channels, width, batch) have them where they are vmapped."""
    programs = Programs()
    programs.add("turned", lambda x: jax.lax.reshape(x, (6,), dimensions=(1, 0)), jnp.zeros((2, 3)))
    equations = programs.programs["turned"]["equations"]
    assert equations == [["transpose", [0], [3, 2], "f", [[1, 0]]], ["reshape", [1], [6], "f", []]]


def test_equal_constants_lie_once():
    programs = Programs()
    table = np.arange(4, dtype=np.float32)
    for name in ("one", "other"):
        programs.add(name, lambda x: x + table, jnp.zeros(4))
    assert len(programs.arrays) == 1 and programs.hold(table) == 0


def test_a_primitive_that_pages_lack_is_named():
    with pytest.raises(InputError, match="no page for this network: its primitive sort is not known there"):
        Programs().add("sorted", jnp.sort, jnp.zeros(3))
