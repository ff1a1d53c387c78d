"""Shapes of a run as files of meshes."""

import logging

import jax.numpy as jnp
import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields.mesh_export import MeshOptions, meshes
from netspace_jax.domains.fields.shapes import mesh_of
from tests import tiny
from tests.domains.fields.small import NAME, run_of_shapes


@pytest.mark.parametrize("suffix", ["ply", "obj", "glb"])
def test_mesh_files_read_back(tmp_path, suffix):
    run = run_of_shapes()
    written = meshes(run, MeshOptions(tmp_path / "new", suffix, resolution=12, count=2))
    names = [f"test{i}-{label}.{suffix}" for i in range(2) for label in ("siren", "generated")]
    assert written == [str(tmp_path / "new" / name) for name in names]
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(names)
    expected = mesh_of(run.space.architectures[0], run.networks(0, "test").parameters[0], 12)
    for path in written[:2]:  # the space gives every network back
        back = trimesh.load_mesh(path, process=False)
        np.testing.assert_allclose(back.vertices, expected.vertices, atol=1e-6)
        np.testing.assert_array_equal(back.faces, expected.faces)


def test_a_network_without_a_surface_has_no_file_and_is_named(tmp_path, caplog):
    run = run_of_shapes()
    outside = tiny.held(run.dataset, {(NAME, "test"): jnp.zeros((3, 26)).at[:, -1].set(1)})
    with caplog.at_level(logging.WARNING):
        assert meshes(tiny.again(run, zoo=outside), MeshOptions(tmp_path, resolution=8, count=1)) == []
    assert "test0-siren.ply: no surface" in caplog.text and not [*tmp_path.iterdir()]
