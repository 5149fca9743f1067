"""What the user says of a model on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import ModelError
from ..models.contract import Data, Size


def input_size(values: Sequence[str] | None) -> Size | Data | None:
    """Height and width of `224`, of `192 256` or of `data`."""
    if values is None or list(values) == ["data"]:
        return "data" if values else None
    if len(values) in (1, 2) and all(one.isdecimal() and int(one) > 0 for one in values):
        return int(values[0]), int(values[-1])
    raise ModelError(
        f"--input-size {' '.join(values)} is no size; one number of pixels a side (224), height and width (192 256), or "
        "`data` was expected."
    )


def class_names(values: Sequence[str] | None) -> tuple[str, ...] | Data | None:
    """Names as given, or in a file: one a line, or JSON (a list, or names by index); `data` stays as it is.

    Raises ModelError if there is no such file, or it holds fewer than two names.
    """
    if values is None or list(values) == ["data"]:
        return "data" if values else None
    if len(values) > 1:
        return tuple(values)
    file = Path(values[0])
    if not file.is_file():
        raise ModelError(
            f"--classes {file} is no file; a file with one class name a line, two names or more, or `data` was expected."
        )
    try:
        text = file.read_text(encoding="utf-8")
        names = (
            _from_json(json.loads(text))
            if file.suffix == ".json"
            else tuple(filter(None, map(str.strip, text.splitlines())))
        )
    except (UnicodeDecodeError, json.JSONDecodeError, TypeError, ValueError) as error:
        raise ModelError(f"--classes {file} cannot be read ({error}); one class name a line was expected.") from error
    if len(names) < 2:
        raise ModelError(f"--classes {file} holds {len(names)} names; two or more were expected, one a line.")
    return names


def _from_json(content: list[str] | dict[str, str]) -> tuple[str, ...]:
    if isinstance(content, dict):
        content = [content[index] for index in sorted(content, key=int)]
    return tuple(str(name) for name in content)
