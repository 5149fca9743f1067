"""The gallery of single images: filters, a grid, and a card with all that is known of one image."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..store import RunDir
from .asset import asset
from .embedded import as_json
from .gallery_data import gallery_data
from .options import PageOptions

PLAIN = 24
"""Images that are there without JavaScript."""
DATA = "<!--gallery-data-->"
"""Where the page takes the data; its own text cannot say this, because it is escaped."""
SHOWN = re.compile(r'<img [^>]*?src="data:image/(?:png|webp);base64,([^"]+)"')


@final
@dataclass(frozen=True)
class GallerySection:
    """What the page takes in."""

    markup: Markup
    style: str
    script: str
    data: dict[str, Any]

    def filled(self, page: str) -> str:
        """The page with the data of the gallery; a picture that stands in the page is named by its place among those there."""
        places: dict[str, int] = {}
        for place, picture in enumerate(SHOWN.findall(page)):
            places.setdefault(picture, place)
        pictures = [places.get(picture, picture) for picture in self.data["pictures"]]
        return page.replace(DATA, as_json(self.data | {"pictures": pictures}))


def gallery_section(
    runs: Sequence[RunDir], options: PageOptions, tint_of: Callable[[str], str]
) -> GallerySection | None:
    """The gallery of the audits and comparisons of one page; None without pictures, or where they are not wanted."""
    data = gallery_data(runs, tint_of) if options.images else None
    if data is None:
        return None
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    markup = environment.from_string(asset("gallery.html")).render(data=data, figures=_plain(data))
    return GallerySection(Markup(markup), asset("gallery.css"), asset("gallery.js"), data)


def picture_uri(picture: str) -> str:
    """A data URI of a base64 picture, whose first letters tell PNG from WebP."""
    return f"data:image/{'png' if picture.startswith('iVBOR') else 'webp'};base64,{picture}"


def _plain(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The first images as figures: errors of the first model first, surest first."""
    truth, predicted, sure = data["truth"], data["predicted"], data["confidence"]
    order = sorted(range(len(truth)), key=lambda i: (truth[i] == predicted[0][i], -sure[0][i], -data["loss"][0][i]))
    return [
        {
            "id": data["ids"][i],
            "uri": picture_uri(data["pictures"][data["thumb"][i]]),
            "truth": data["classes"][truth[i]] if truth[i] >= 0 else "not known",
            "answers": [_answer(data, model, i) for model in range(len(predicted)) if predicted[model][i] >= 0],
        }
        for i in order[:PLAIN]
    ]


def _answer(data: dict[str, Any], model: int, i: int) -> dict[str, Any]:
    predicted, sure = data["predicted"][model][i], data["confidence"][model][i]
    return {
        "name": data["models"][model]["name"],
        "tint": data["models"][model]["tint"],
        "mark": "✔" if predicted == data["truth"][i] else "✘",
        "predicted": data["classes"][predicted],
        "sure": f"{sure / 10:.0f} %" if sure >= 0 else "",
    }
