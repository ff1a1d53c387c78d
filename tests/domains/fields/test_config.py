"""Flags of fields that have no effect on a kind are refused, and so are impossible ones."""

import dataclasses

import pytest

from netspace_jax.checks import check_values
from netspace_jax.domain import preset
from netspace_jax.domains.fields.config import check
from netspace_jax.domains.fields.loading import load
from netspace_jax.errors import InputError
from tests.domains.fields.small import file_of_images


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("chairs", {"views": 2}, "--zoo.views 2 has no effect with --zoo.kind shapes"),
        ("pictures", {"points": 7}, "--zoo.points 7 has no effect with --zoo.kind pictures"),
        ("signals", {"held_pictures": 7}, "--zoo.held-pictures 7 has no effect with --zoo.kind signals"),
        ("pictures", {"test": 7}, "--zoo.test 7 has no effect on pictures"),
        ("pictures", {"views": 0}, "--zoo.views must be at least 1"),
        ("pictures", {"views": 2, "shared_init": True}, "--zoo.views are networks that start apart"),
    ],
)
def test_a_flag_without_effect_is_refused(name, changes, said):
    config = preset(name)
    check(config)
    with pytest.raises(InputError, match=said):
        changed = dataclasses.replace(config, zoo=dataclasses.replace(config.zoo, **changes))
        check_values(changed)
        check(changed)


def test_a_batch_has_as_many_samples_as_a_picture(tmp_path, caplog):
    config = dataclasses.replace(preset("pictures").zoo, dataset=file_of_images(tmp_path / "bars.npz"), batch=31)
    assert load(config).config.batch == 30 and "--zoo.batch is 30" in caplog.text
    caplog.clear()
    assert load(dataclasses.replace(config, batch=30)).config.batch == 30 and not caplog.text
