"""What a configuration is, in eight digits: the names of zoos and of results hold them."""

import dataclasses
from typing import Any

from netspace_jax.config import NetSpaceConfig, RefineConfig, ZooConfig
from netspace_jax.files import canonical_json, sha256

NOT_IN_DIGEST = ("data_dir", "chunk")
"""Fields of a zoo that change none of its networks: where its data lies, and how many train together."""


def digest(config: ZooConfig | NetSpaceConfig | RefineConfig, *extra: str) -> str:
    """Eight hexadecimal digits that stand for every field of a configuration that can change a result.

    Fields that have their default do not count, so that a field added later does not change the digest, and 128 is
    128.0, since flags make the one of what presets write as the other.
    """
    fields = {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.name not in NOT_IN_DIGEST and getattr(config, field.name) != field.default
    }
    return sha256(canonical_json([fields, *extra]))[:8]


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
