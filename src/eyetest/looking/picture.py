"""Draw what was seen in one image: the image, and a row of maps a method on one scale, beside its stamp."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..engine.pictures import colours, overlay
from .maps import Maps
from .record import Aim, Looked, LookedMap, LookedMethod

TILE = 192
"""Pixels of a side of every map."""
TEXT, GAP, MARGIN = 330, 20, 28
"""Width of the words of a row, space between tiles, space around the page, in pixels."""
AIMS: tuple[Aim, ...] = ("predicted", "contender", "contrast")
WIDTH = 2 * MARGIN + TEXT + len(AIMS) * (TILE + GAP)
INK, SOFT, LINE, PAPER = "#1c1c1c", "#5c5c5c", "#dddddd", "#ffffff"
TINTS = {"trust": "#00704f", "cannot tell": "#0072b2", "do not trust": "#b34700", "": "#5c5c5c"}
"""Of a stamp's word; the word says it all."""
UNSTAMPED = "not stamped"


def draw(looked: Looked, pixels: np.ndarray, maps: Mapping[str, Maps]) -> Image.Image:
    """The whole picture; `pixels` uint8 3 h w, `maps` by method."""
    page = Page()
    image = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    _head(page, looked, image)
    for method in sorted(looked.methods, key=_rank):
        if not method.problem:
            _row(page, method, image, maps[method.method], audited=looked.audited)
    _missing(page, [method for method in looked.methods if method.problem])
    return page.cut()


@final
class Page:
    """A sheet of paper that is filled from top to bottom."""

    def __init__(self) -> None:
        self.sheet = Image.new("RGB", (WIDTH, 1000), PAPER)
        self.y = MARGIN

    def reach(self, height: int) -> ImageDraw.ImageDraw:
        """A pen for the next `height` pixels; the sheet grows as needed."""
        if self.y + height + MARGIN > self.sheet.height:
            taller = Image.new("RGB", (WIDTH, 2 * (self.y + height + MARGIN)), PAPER)
            taller.paste(self.sheet)
            self.sheet = taller
        return ImageDraw.Draw(self.sheet)

    def cut(self) -> Image.Image:
        """What is filled of it."""
        return self.sheet.crop((0, 0, WIDTH, self.y + MARGIN))


def _rank(method: LookedMethod) -> int:
    """Trusted methods come first, and those without a stamp after all that were tried."""
    stamp = method.maps[0].stamp if method.maps else ""
    return list(TINTS).index(stamp)


def _head(page: Page, looked: Looked, image: np.ndarray) -> None:
    pen, left, top = page.reach(TILE + 200), MARGIN + TILE + GAP, page.y
    page.sheet.paste(_enlarged(image), (MARGIN, top))
    y = _write(pen, (left, top), f"{looked.model} answers {looked.predicted}", 26)
    sure = f"{_percent(looked.confidence)} sure"
    other = f"runner-up {looked.runner_up}, {_percent(looked.runner_up_confidence)}"
    y = _write(pen, (left, y + 2), f"{sure}; {other}", 18)
    if looked.truth is not None:
        right = "right" if looked.truth == looked.predicted else "wrong"
        y = _write(pen, (left, y + 2), f"label: {looked.truth} ({right})", 18)
    y = _write(pen, (left, y + 8), looked.image + (f" of {looked.data}" if looked.data else ""), 15, SOFT)
    y = _write(pen, (left, y), looked.resized, 15, SOFT) if looked.resized else y
    told = "Grey: nothing or evidence against. Colour: evidence for the question above, on one scale for each method."
    y = _write(pen, (left, y + 8), told, 15, SOFT)
    if not looked.audited:
        y = _write(
            pen, (left, y), "No method is stamped here: run eyetest audit to put the maps to the test.", 15, SOFT
        )
    page.y = max(y, top + TILE) + GAP


def _row(page: Page, method: LookedMethod, image: np.ndarray, maps: Maps, *, audited: bool) -> None:
    pen = page.reach(TILE + 400)
    pen.line((MARGIN, page.y, WIDTH - MARGIN, page.y), fill=LINE)
    top = page.y + 12
    lefts = {aim: MARGIN + TEXT + GAP + place * (TILE + GAP) for place, aim in enumerate(AIMS)}
    asked = max(_write(pen, (lefts[one.aim], top), one.question, 15, width=TILE + GAP - 6) for one in method.maps)
    below = [_tile(page, pen, (lefts[one.aim], asked + 3), method, one, image, maps[one.aim]) for one in method.maps]
    if "contrast" not in maps:
        _write(
            pen, (lefts["contrast"], asked + 3), "It explains one class, not a difference of two.", 14, SOFT, width=TILE
        )
    page.y = max(*below, _words(page, pen, (MARGIN, top), method, audited=audited)) + 14


def _tile(
    page: Page,
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    method: LookedMethod,
    found: LookedMap,
    image: np.ndarray,
    values: np.ndarray,
) -> int:
    """A map with its largest value below it; where it ends."""
    left, top = at
    if found.evidence:
        drawn = overlay(image, values, 0.0, method.high, TILE)
        page.sheet.paste(_fitted(greyed(drawn) if method.distrusted else drawn), at)
    else:
        pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), outline=LINE, width=2)
        _write(pen, (left + 12, top + TILE // 2 - 12), "no positive evidence", 17, width=TILE - 16)
    said = f"; {found.stamp or UNSTAMPED}" if method.maps[0].stamp and found.aim != "predicted" else ""
    return _write(pen, (left, top + TILE + 3), f"largest {found.largest:.3g}{said}", 14, SOFT)


def _words(page: Page, pen: ImageDraw.ImageDraw, at: tuple[int, int], method: LookedMethod, *, audited: bool) -> int:
    """Name, stamp with its reason, scale and tests of this image; where they end."""
    left, y = at
    y = _write(pen, at, method.method.replace("_", " "), 22, width=TEXT)
    main = next(one for one in method.maps if one.aim == "predicted")
    y = _stamp(pen, (left, y + 6), main.stamp)
    if main.stamp_reason:
        y = _write(pen, (left, y + 3), f"Such a map {main.stamp_reason}.", 14, width=TEXT)
    if not main.stamp and audited:
        y = _write(
            pen, (left, y + 3), f"eyetest audit --stamp {method.method} puts it to the test.", 14, SOFT, width=TEXT
        )
    y = _scale(page, pen, (left, y + 8), method)
    y = _write(pen, (left, y + 6), f"evidence for the answer: {'yes' if main.evidence else 'no'}", 15, width=TEXT)
    return _write(pen, (left, y), _sensitive(method), 15, width=TEXT)


def _stamp(pen: ImageDraw.ImageDraw, at: tuple[int, int], stamp: str) -> int:
    """The word in a frame."""
    left, top = at
    word, tint = stamp or UNSTAMPED, TINTS[stamp]
    wide = pen.textlength(word, _font(16))
    pen.rounded_rectangle((left, top, left + wide + 16, top + 26), 6, outline=tint, width=2)
    pen.text((left + 8, top + 4), word, fill=tint, font=_font(16))
    return top + 28


def _scale(page: Page, pen: ImageDraw.ImageDraw, at: tuple[int, int], method: LookedMethod) -> int:
    left, top = at
    ramp = np.tile(np.linspace(0, 1, 130), (12, 1))
    bar = (1 - ramp[..., None]) * 136 + ramp[..., None] * colours(ramp)
    drawn = bar.round().astype(np.uint8)
    page.sheet.paste(Image.fromarray(greyed(drawn) if method.distrusted else drawn), (left, top + 4))
    y = _write(pen, (left + 138, top), f"0 to {method.high:.3g} {method.unit}", 15, width=TEXT - 138)
    whose = "as in the audit's report" if method.shared_scale else "the largest value of these three"
    return _write(pen, (left, y), f"full colour: {whose}", 14, SOFT, width=TEXT)


def _sensitive(method: LookedMethod) -> str:
    if method.target_sensitive is None:
        return "changes with the class: cannot tell, a map is flat"
    said = "yes" if method.target_sensitive else "no"
    return f"changes with the class: {said} (correlation {method.correlation:.2f})"


def _missing(page: Page, methods: list[LookedMethod]) -> None:
    if not methods:
        return
    pen = page.reach(120 + 120 * len(methods))
    pen.line((MARGIN, page.y, WIDTH - MARGIN, page.y), fill=LINE)
    page.y = _write(pen, (MARGIN, page.y + 12), "Without maps", 18) + 4
    for method in methods:
        said = f"{method.method.replace('_', ' ')}: {method.problem}"
        page.y = _write(pen, (MARGIN, page.y), said, 15, SOFT, width=WIDTH - 2 * MARGIN) + 3


def greyed(drawn: np.ndarray) -> np.ndarray:
    """The picture without colour and paler, uint8 h w 3: a map that failed its tests."""
    grey = np.asarray(Image.fromarray(drawn).convert("L"), dtype=np.float64)[..., None]
    return np.repeat(np.rint(0.55 * grey + 0.45 * 235).astype(np.uint8), 3, axis=2)


def _enlarged(image: np.ndarray) -> Image.Image:
    """Every pixel a square, so that what the model saw is what is seen."""
    return _fitted(image, Image.Resampling.NEAREST)


def _fitted(image: np.ndarray, how: Image.Resampling = Image.Resampling.BILINEAR) -> Image.Image:
    height, width = image.shape[:2]
    share = TILE / max(height, width)
    return Image.fromarray(image).resize((round(width * share), round(height * share)), how)


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    size: int,
    tint: str = INK,
    *,
    width: int | None = None,
) -> int:
    """Words in lines of at most `width` pixels (to the edge of the page without it); where they end."""
    left, y = at
    room, font = width or WIDTH - MARGIN - left, _font(size)
    for line in _broken(pen, plain(text), font, room):
        pen.text((left, y), line, fill=tint, font=font)
        y += round(1.3 * size)
    return y


def _broken(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def plain(text: str) -> str:
    """The text in the letters that the built-in font has: accents are dropped, other letters become a question mark."""
    known = {"–": "-", "—": "-", "−": "-", "→": "to", "×": "x", "’": "'", "ß": "ss"}
    spelled = "".join(known.get(letter, letter) for letter in text)
    bare = [one for one in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(one)]
    return "".join(bare).encode("ascii", "replace").decode()


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
