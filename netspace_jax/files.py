"""Small files, written so that a reader never sees half of one."""

import json
import os
from pathlib import Path
from typing import Any

from netspace_jax.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name and then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def read_json(path: Path) -> Any:
    """Content of a JSON file.

    Raises:
      InputError: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error})") from error
