"""Pictures of a run as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

EXACT = 64
"""Pixels a side up to which a picture is embedded as it is; larger ones (photos) as lossy WebP, a fifth of the bytes."""
QUALITY = 80


def data_uri(folder: Path, name: str) -> str:
    """A picture of a run; empty if it is missing or points out of the run."""
    path = inside(folder, name)
    if path is None:
        return ""
    with Image.open(path) as image:
        if max(image.size) <= EXACT:
            return _uri((image.format or "png").lower(), path.read_bytes())
        return _lossy(image)


def overlaid(folder: Path, image: str, layer: str) -> str:
    """A map over its grey image; empty if one of them is missing or points out of the run.

    Maps of older runs hold the image already and are shown as they are.
    """
    below, above = inside(folder, image), inside(folder, layer)
    if above is None:
        return ""
    with Image.open(above) as drawn:
        if drawn.mode != "RGBA":
            return _lossy(drawn)
        if below is None:
            return ""
        with Image.open(below) as picture:
            size = (max(picture.width, drawn.width), max(picture.height, drawn.height))
            grey = picture.convert("L").convert("RGBA").resize(size, Image.Resampling.NEAREST)
        return _lossy(Image.alpha_composite(grey, drawn.resize(size, Image.Resampling.BILINEAR)).convert("RGB"))


def inside(folder: Path, name: str) -> Path | None:
    """The file of a run; None if it is missing or points out of the run."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _lossy(image: Image.Image) -> str:
    small = io.BytesIO()
    image.save(small, format="WEBP", quality=QUALITY)
    return _uri("webp", small.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
