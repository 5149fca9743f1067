"""Pictures of a run as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

EXACT = 64
"""Pixels a side up to which a picture is embedded as it is; larger ones (maps, photos) as WebP, a fifth of the bytes."""
QUALITY = 80


def data_uri(folder: Path, name: str) -> str:
    """A picture of a run; empty if it is missing or points out of the run."""
    path = (folder / name).resolve()
    if not (path.is_relative_to(folder.resolve()) and path.is_file()):
        return ""
    with Image.open(path) as image:
        if max(image.size) <= EXACT:
            return _uri("png", path.read_bytes())
        small = io.BytesIO()
        image.save(small, format="WEBP", quality=QUALITY)
    return _uri("webp", small.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
