"""Blocks that are drawn, as static SVG. Names of classes and models are data here, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vl_convert

from ..records import Curve, Estimate, Finding, Forest, Grid, Matrix
from ..stats import Interval

WIDTH = 390
GREY = "#767676"
_CONFIG = {
    "font": "Helvetica, Arial, sans-serif",
    "background": "white",
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#e8e8e8"},
    "legend": {"labelFontSize": 12, "title": None, "orient": "top"},
    "view": {"stroke": None},
}
DIFFERENCE = "(B − A)"
"""How the unit of a difference ends."""
Spec = dict[str, Any]


def svg(spec: Spec) -> str:
    """The picture of a Vega-Lite specification."""
    picture: str = vl_convert.vegalite_to_svg({"$schema": _SCHEMA, "config": _CONFIG} | spec)
    return picture


_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def curve(block: Curve, colour: str) -> str:
    """Lines with bands; the last line in the model's colour, the others grey."""
    points = [
        {"line": line.name, "x": x, "y": y} | _band(line.low, line.high, index)
        for line in block.series
        for index, (x, y) in enumerate(zip(line.x, line.y, strict=True))
    ]
    names = [line.name for line in block.series]
    tints = [GREY] * (len(names) - 1) + [colour]
    shown: Spec = {"field": "line", "type": "nominal", "scale": {"domain": names, "range": tints}}
    if len(names) == 1:
        shown |= {"legend": None}
    x = {
        "field": "x",
        "type": "quantitative",
        "title": block.x_label,
        "axis": {"tickMinStep": 1 if block.mark_x else 0},
    }
    y = {"field": "y", "type": "quantitative", "title": block.y_label, "scale": {"zero": False}}
    layers: list[Spec] = []
    if any(line.low for line in block.series):
        ends = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
        layers.append({"mark": {"type": "rule", "opacity": 0.6}, "encoding": {"x": x, "color": shown} | ends})
    layers.append({"mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": y, "color": shown}})
    if block.diagonal:
        line = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
        layers.append(
            {"data": line, "mark": {"type": "line", "strokeDash": [4, 4], "color": GREY}, "encoding": {"x": x, "y": y}}
        )
    if block.mark_x is not None:
        layers += _mark(block.mark_x, block.mark_label)
    return svg({"data": {"values": points}, "width": WIDTH, "height": 240, "layer": layers})


def matrix(block: Matrix, colour: str) -> str:
    """Counts as a heat map; the shade is the share of the row."""
    cells = [
        {"row": row, "column": column, "n": n, "share": n / max(sum(counts), 1)}
        for row, counts in zip(block.labels, block.counts, strict=True)
        for column, n in zip(block.labels, counts, strict=True)
    ]
    order = list(block.labels)
    place = {
        "x": {
            "field": "column",
            "type": "nominal",
            "sort": order,
            "title": block.column_label,
            "axis": {"labelAngle": -40},
        },
        "y": {"field": "row", "type": "nominal", "sort": order, "title": block.row_label},
    }
    shade = {"field": "share", "type": "quantitative", "scale": {"range": ["white", colour]}, "legend": None}
    ink = {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "#222"}
    number = {"field": "n", "type": "quantitative", "format": ","}
    layers = [
        {"mark": "rect", "encoding": place | {"color": shade}},
        {"mark": {"type": "text", "fontSize": 10}, "encoding": place | {"text": number, "color": ink}},
    ]
    side = max(38 * len(order), 200)
    return svg({"data": {"values": cells}, "width": side, "height": max(26 * len(order), 120), "layer": layers})


def forest(block: Forest, finding: Finding, colour: str) -> str:
    """Estimates with their intervals on one axis."""
    chosen = [finding.estimate(name) for name in block.estimates]
    shared = _shared_prefix(block.estimates)
    rows = [{"name": _label(e).removeprefix(shared), "value": e.value, "low": e.low, "high": e.high} for e in chosen]
    y = {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "title": None}
    difference = any(e.unit.endswith(DIFFERENCE) for e in chosen)
    axis = {"type": "quantitative", "title": block.x_label, "scale": {"zero": difference}}
    ends = {"x": {"field": "low"} | axis, "x2": {"field": "high"}, "y": y}
    layers: list[Spec] = [
        {"mark": {"type": "rule", "color": colour, "strokeWidth": 2}, "encoding": ends},
        {
            "mark": {"type": "point", "filled": True, "size": 60, "color": colour},
            "encoding": {"x": {"field": "value"} | axis, "y": y},
        },
    ]
    if difference:
        zero = {"mark": {"type": "rule", "strokeDash": [4, 4], "color": GREY}, "encoding": {"x": {"datum": 0}}}
        layers.insert(0, zero)
    return svg({"data": {"values": rows}, "width": WIDTH, "height": max(22 * len(rows), 60), "layer": layers})


def grid(block: Grid, finding: Finding, colour: str) -> str:
    """Estimates as parts of the image: shade and number, in points."""
    cells = [
        {"row": r, "column": c, "value": 100 * e.value, "text": f"{100 * e.value:.1f}", "range": _range(e)}
        for r, names in enumerate(block.estimates)
        for c, e in enumerate(finding.estimate(name) for name in names)
    ]
    place = {
        "x": {"field": "column", "type": "ordinal", "axis": None},
        "y": {"field": "row", "type": "ordinal", "axis": None},
    }
    most = max(*(100 * finding.estimate(name).value for names in block.estimates for name in names), 1.0)
    scale = {"domain": [0, most], "range": ["white", colour], "clamp": True}
    ink = {"condition": {"test": f"datum.value > {0.6 * most}", "value": "white"}, "value": "#222"}
    shade = {"field": "value", "type": "quantitative", "scale": scale, "legend": None}
    layers = [
        {"mark": {"type": "rect", "stroke": "#ccc"}, "encoding": place | {"color": shade}},
        {
            "mark": {"type": "text", "fontSize": 13, "dy": -6},
            "encoding": place | {"text": {"field": "text"}, "color": ink},
        },
        {
            "mark": {"type": "text", "fontSize": 9, "dy": 9},
            "encoding": place | {"text": {"field": "range"}, "color": ink},
        },
    ]
    side = max(62 * len(block.estimates), 200)
    return svg({"data": {"values": cells}, "width": side, "height": side, "layer": layers})


def cues(models: Sequence[tuple[str, str, Sequence[Estimate]]]) -> str:
    """What each model (name, colour, estimates of reliance) uses, on one axis, the most relied on first."""
    rows: list[Spec] = [
        {"cue": cue_label(e), "model": name, "value": 100 * e.value, "low": 100 * e.low, "high": 100 * e.high}
        for name, _, estimates in models
        for e in estimates
    ]
    strongest: dict[str, float] = {}
    for row in rows:
        strongest[row["cue"]] = max(strongest.get(row["cue"], -100.0), row["value"])
    names = [name for name, _, _ in models]
    order = sorted(strongest, key=lambda cue: -strongest[cue])
    y = {"field": "cue", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 260}}
    offset = {"field": "model", "type": "nominal", "sort": names}
    colour: Spec = {
        "field": "model",
        "type": "nominal",
        "scale": {"domain": names, "range": [tint for _, tint, _ in models]},
    }
    if len(names) == 1:
        colour |= {"legend": None}
    x = {"type": "quantitative", "title": "points of accuracy that hang on the cue agreeing with the class"}
    shared = {"y": y, "yOffset": offset, "color": colour}
    layers: list[Spec] = [
        {"mark": {"type": "rule", "strokeDash": [4, 4], "color": GREY}, "encoding": {"x": {"datum": 0}}},
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": shared | {"x": {"field": "low"} | x, "x2": {"field": "high"}},
        },
        {"mark": {"type": "point", "filled": True, "size": 55}, "encoding": shared | {"x": {"field": "value"} | x}},
    ]
    height = max(14 * len(names) + 10, 22) * len(strongest)
    return svg({"data": {"values": rows}, "width": WIDTH + 120, "height": height, "layer": layers})


def scatter(points: Sequence[tuple[str, float, Interval]], x_label: str, y_label: str) -> str:
    """Measured values with their intervals against true ones, coloured by group, with the line where both agree."""
    rows = [{"group": group, "x": true, "y": y, "low": low, "high": high} for group, true, (y, low, high) in points]
    x = {"field": "x", "type": "quantitative", "title": x_label}
    y = {"field": "y", "type": "quantitative", "title": y_label}
    ends = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
    colour = {"field": "group", "type": "nominal"}
    agreed = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
    layers: list[Spec] = [
        {"data": agreed, "mark": {"type": "line", "strokeDash": [4, 4], "color": GREY}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "opacity": 0.5}, "encoding": {"x": x, "color": colour} | ends},
        {"mark": {"type": "point", "filled": True}, "encoding": {"x": x, "y": y, "color": colour}},
    ]
    return svg({"data": {"values": rows}, "width": WIDTH, "height": WIDTH, "layer": layers})


def cue_label(estimate: Estimate) -> str:
    """`colour.reliance` is shown as `colour`; what may well be the object says so."""
    key = estimate.name.partition(".")[0].replace("_", " ")
    return f"{key} (may be the object)" if estimate.better == "neither" else key


def _range(e: Estimate) -> str:
    return f"{100 * e.low:.1f} to {100 * e.high:.1f}"


def _shared_prefix(names: Sequence[str]) -> str:
    """`grad cam-predicted.` where all names begin so: the title says it."""
    starts = {name.partition(".")[0] if "." in name and "[" not in name else "" for name in names}
    return f"{starts.pop()}.".replace("_", " ") if len(names) > 1 and len(starts) == 1 and "" not in starts else ""


def _label(estimate: Estimate) -> str:
    """`accuracy[frog]` is shown as `frog`."""
    return estimate.name.partition("[")[2].rstrip("]") or estimate.name.replace("_", " ")


def _band(low: tuple[float, ...], high: tuple[float, ...], index: int) -> Spec:
    return {"low": low[index], "high": high[index]} if low and high else {}


def _mark(x: float, label: str) -> list[Spec]:
    at = {"x": {"datum": x}}
    text = {"type": "text", "text": label, "align": "right", "dx": -5, "baseline": "top", "fontSize": 11, "color": GREY}
    return [
        {"mark": {"type": "rule", "strokeDash": [2, 2], "color": GREY}, "encoding": at},
        {"mark": text, "encoding": at | {"y": {"value": 4}}},
    ]
