"""From an encoded picture of any kind to RGB pixels of one size."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import DataError

SMALL = 48
"""Pixels; images up to this size are used at 32."""


def decode(source: Path | bytes, size: int, name: str) -> np.ndarray:
    """Upright RGB, uint8 3 size size: shorter side resized, centre cropped, alpha on white, 16 bits scaled to 8.

    Raises DataError, naming the image, if it cannot be read.
    """
    image = opened(source, name)
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1)


def fitting_size(source: Path | bytes, name: str) -> int:
    """32 for images up to 48 pixels, else 224: what models for such images expect."""
    return 32 if max(opened(source, name).size) <= SMALL else 224


def opened(source: Path | bytes, name: str) -> Image.Image:
    """The whole picture, upright and RGB, at its own size.

    Raises DataError, naming the image, if it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                return _rgb(ImageOps.exif_transpose(image))
    except (
        OSError,
        ValueError,
        SyntaxError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise DataError(
            f"The image {name} cannot be read ({error}). A whole picture of usual size was expected. Remove it, or copy "
            "it again."
        ) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535 if values.max() > 255 else 255
        return Image.fromarray(np.rint(values * (255 / top)).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        whole = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    return image.convert("RGB")
