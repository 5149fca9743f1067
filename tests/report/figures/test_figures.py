"""Figures: well-formed, escaped, at the right place, of bounded size, and without colours of their own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from eyetest.records import Block, Counts, Curve, Estimate, Finding, Forest, Grid, Histogram, Matrix, Note, Series
from eyetest.report import figures
from eyetest.report.figures import axes, forest, lines, text
from eyetest.stats import Interval

EVIL = "<script>alert(1)</script>\"'&\x00\u202e\ud800 עברית 👩‍🔬 " + "w" * 200


def estimate(name: str, value: float = 0.5, unit: str = "fraction") -> Estimate:
    return Estimate(
        name=name, value=value, low=value - 0.1, high=value + 0.1, n=1234, unit=unit, better="lower", method="Wilson"
    )


def finding(*estimates: Estimate) -> Finding:
    about = {"code": "ACC001", "name": "n", "title": "t", "question": "q", "status": "ok", "headline": "h"}
    return Finding(**about, limits=(), estimates=estimates)


def curve(*series: Series, **fields: object) -> Curve:
    return Curve(title="t", x_label="x", y_label="y", series=series, **fields)


def matrix(labels: tuple[str, ...], counts: tuple[tuple[int, ...], ...]) -> Matrix:
    return Matrix(title="t", row_label="truth", column_label="answer", labels=labels, counts=counts)


def blocks(name: str) -> list[tuple[Block, Finding]]:
    """One of every kind that is drawn, with `name` wherever a name goes."""
    about = finding(estimate(f"e[{name}]"), estimate("b", -0.3))
    band = Series(name=name, x=(0.0, 1.0), y=(0.0, 1.0), low=(-0.1, 0.9), high=(0.1, 1.1))
    words = {"title": name, "x_label": name}
    drawn = (
        Curve(**words, y_label=name, series=(band, band), mark_x=1.0, mark_label=name, diagonal=True, y_unit=name),
        Matrix(title=name, row_label=name, column_label=name, labels=(name, "b"), counts=((1, 2), (0, 0))),
        Forest(**words, estimates=(f"e[{name}]", "b")),
        Grid(title=name, estimates=(("b", f"e[{name}]"),)),
        Histogram(**words, edges=(0.0, 0.5, 1.0), series=(Counts(name=name, counts=(1, 2)), Counts(name="b", counts=(0, 0)))),
    )  # fmt: skip
    return [(block, about) for block in drawn]


def models(name: str) -> list[tuple[str, str, list[Estimate]]]:
    found = [estimate("colour.reliance", 0.2), estimate("fine.reliance", -0.01)]
    return [(name, "tint-0", found), ("b", "tint-1", found[:1])]


def pictures(name: str) -> list[str]:
    several = [(name, "tint-0", curve(Series(name=name, x=(1.0,), y=(2.0,)), mark_x=1.0)), ("b", "tint-1", curve())]
    drawn = [
        figures.draw(block, about, lambda row, column: f"#truth={row}&predicted={column}")
        for block, about in blocks(name)
    ]
    return [
        *drawn,
        figures.cues(models(name)),
        figures.training(several),
        figures.scatter([(name, 0.5, Interval(0.4, 0.3, 0.6))], name, name),
    ]


def tree(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def inside(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Elements of a name, in whatever namespace."""
    return [one for one in root.iter() if one.tag.rpartition("}")[2] == name]


def titles(picture: str) -> list[str]:
    return [one.text or "" for one in tree(picture).iter("title")]


def test_every_kind_is_drawn_and_has_its_values():
    assert {block.kind for block, _ in blocks("a")} == figures.DRAWN
    for block, about in blocks("a"):
        table = figures.values(block, about)
        assert table is not None
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
    with pytest.raises(ValueError, match="a note is not drawn"):
        figures.draw(Note(text="x"), finding())
    assert figures.values(Note(text="x"), finding()) is None


def test_hostile_names_are_text_cut_to_their_room_and_whole_on_hover():
    for picture in pictures(EVIL):
        assert "<script" not in picture
        assert "\x00" not in picture
        root = tree(picture)
        assert not inside(root, "script")
        names = [(one.text or "") for one in inside(root, "text")]
        assert names
        assert all(len(name) < 80 for name in names)
        grid = "rows of parts" in root.get("aria-label", "")  # names its parts by their place
        assert grid or any("w" * 200 in (one.text or "") for one in inside(root, "title"))


def test_the_page_gives_the_colours():
    *drawn, alone = pictures("a")
    for picture in drawn:
        assert not re.search(r"#[0-9a-fA-F]{3}|rgb|style=|<style", picture.replace("#truth", ""))
        assert {one.get("fill") for one in tree(picture).iter()} == {None}
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b", figures.STYLE)
    assert set(re.findall(r"var\(--([a-z]+)", figures.STYLE)) == {"ink", "soft", "line", "tint", "card", "paper"}
    assert all(colour in alone for colour in figures.COLOURS)
    assert "var(--ink)" not in alone


def test_every_class_has_its_rule():
    used = {
        name for picture in pictures("a") for found in re.findall(r'class="([^"]*)"', picture) for name in found.split()
    }
    assert {name for name in used if not name.startswith("tint-")} <= {
        "f-main",
        *re.findall(r"\.([a-z][a-z0-9-]*)", figures.STYLE),
    }


def test_a_mark_says_value_interval_images_method_and_code():
    about = finding(estimate("accuracy[frog]", 0.9))
    said = titles(figures.draw(Forest(title="t", x_label="accuracy", estimates=("accuracy[frog]",)), about))
    assert said == ["frog: 90.0 % (80.0 % to 100.0 %, 95 % interval), n = 1,234; Wilson; ACC001"]
    line = Series(name="bins", x=(0.5,), y=(0.25,), low=(0.2,), high=(0.3,))
    block = curve(line, x_unit="fraction", y_unit="fraction")
    assert titles(figures.draw(block, about)) == ["bins: x 50.0 %, y 25.0 % (20.0 % to 30.0 %); ACC001"]
    counted = Histogram(
        title="t",
        x_label="confidence",
        x_unit="fraction",
        edges=(0.0, 0.5, 1.0),
        series=(Counts(name="wrong", counts=(1, 3)),),
    )
    assert "wrong, confidence 50 to 100 %: 3 of 4 (75.0 %); ACC001" in titles(figures.draw(counted, about))
    cell = titles(figures.draw(matrix(("a", "b"), ((3, 1), (0, 0))), about))
    assert cell == ["truth a, answer a: 3 of 4 (75.0 %); ACC001", "truth a, answer b: 1 of 4 (25.0 %); ACC001"]


def test_values_land_where_the_axis_says():
    drawn = tree(figures.draw(curve(Series(name="l", x=(0.0, 5.0, 10.0), y=(0.0, 1.0, 2.0))), finding()))
    dots = [(float(one.get("cx")), float(one.get("cy"))) for one in drawn.iter("circle")]
    paths = [one.get("d") for one in drawn.iter("path") if one.get("class") == "f-grid"]
    level, upright = ([tuple(map(float, pair)) for pair in re.findall(r"M([\d.]+) ([\d.]+)", path)] for path in paths)
    assert dots[0] == (upright[0][0], level[0][1])
    assert dots[2] == (upright[-1][0], level[-1][1])
    assert dots[1][0] == pytest.approx((dots[0][0] + dots[2][0]) / 2, abs=0.1)


def test_a_forest_of_differences_holds_its_zero():
    differences = [estimate("accuracy[a]", 0.3, "fraction (B − A)"), estimate("accuracy[b]", 0.4, "fraction (B − A)")]
    block = Forest(title="t", x_label="difference", estimates=("accuracy[a]", "accuracy[b]"))
    drawn = tree(figures.draw(block, finding(*differences)))
    zero = next(one for one in drawn.iter("path") if one.get("class") == "f-zero")
    names = {one.text: one for one in drawn.iter("text")}
    assert float(names["0"].get("x")) == pytest.approx(float(re.findall(r"M([\d.]+)", zero.get("d"))[0]))
    assert {"difference (points)", "+30.00", "+40.00"} <= set(names)
    plain = figures.draw(block, finding(estimate("accuracy[a]"), estimate("accuracy[b]")))
    assert "f-zero" not in plain


def test_different_units_keep_their_words():
    block = Forest(title="t", x_label="difference", estimates=("a", "b"))
    drawn = tree(
        figures.draw(block, finding(estimate("a", 0.3, "fraction (B − A)"), estimate("b", 0.4, "nats (B − A)")))
    )
    assert {"difference", "+30.00 points", "+0.400"} <= {one.text for one in drawn.iter("text")}


def test_a_figure_leaves_out_what_its_title_says():
    assert forest.shared_prefix(("grad_cam-predicted.steady", "grad_cam-predicted.complete")) == "grad cam-predicted."
    assert forest.shared_prefix(("colour.reliance", "fine.reliance")) == ""
    assert forest.shared_prefix(("colour.reliance",)) == ""
    assert forest.shared_prefix(("accuracy[a.b]", "accuracy[a.c]")) == ""


@pytest.mark.parametrize(
    "series",
    [
        (),
        (Series(name="a", x=(), y=()),),
        (Series(name="a", x=(0.0,), y=(0.0,)),),
        (Series(name="a", x=(1.0, 1.0), y=(3.0, 3.0), low=(3.0, 3.0), high=(3.0, 3.0)),),
        (Series(name="a", x=(-1e9, 1e9), y=(-1e-9, -2e-9)),),
    ],
)
def test_nothing_one_point_and_constants_are_drawn_without_nan(series):
    for diagonal in (False, True):
        picture = figures.draw(curve(*series, diagonal=diagonal), finding())
        tree(picture)
        assert not re.search(r"\bnan\b|\binf\b", picture)


def test_empty_blocks_are_drawn():
    for block in (
        matrix((), ()),
        matrix(("a",), ((0,),)),
        Forest(title="t", x_label="x", estimates=()),
        Grid(title="t", estimates=()),
        Histogram(title="t", x_label="x", edges=(), series=()),
        Histogram(title="t", x_label="x", edges=(0.0, 1.0), series=(Counts(name="a", counts=(0,)),)),
    ):
        picture = figures.draw(block, finding())
        tree(picture)
        assert not re.search(r"\bnan\b|\binf\b", picture)
        figures.values(block, finding())
    assert figures.cue_values([("a", "tint-0", [])]).rows == ()
    tree(figures.cues([("a", "tint-0", [])]))


def test_a_hundred_classes_stay_light_whatever_their_names():
    counts = tuple(tuple(1 + (7 * i + 3 * j) % 50 for j in range(100)) for i in range(100))
    for name in ("class", "x" * 200):
        block = matrix(tuple(f"{name} {k}" for k in range(100)), counts)
        picture = figures.draw(block, finding(), lambda row, column: f"#truth={row}&predicted={column}")
        assert len(picture.encode()) <= 300_000
        assert "<a " in picture
        shown = [one for one in tree(picture).iter("text") if (one.text or "").startswith(name[:5])]
        assert 20 <= len(shown) <= 80  # every so many, on both sides
    table = figures.values(block, finding())
    assert len(table.rows) == 100


def test_empty_cells_are_left_out_and_only_given_links_are_links():
    block = matrix(("a", "b"), ((3, 1), (0, 4)))
    drawn = tree(figures.draw(block, finding()))
    assert len([one for one in drawn.iter("rect") if one.get("class") == "f-cell"]) == 3
    assert not list(drawn.iter("a"))
    assert drawn.get("role") == "img"
    linked = tree(figures.draw(block, finding(), lambda row, column: f"#truth={row}" if row != column else None))
    assert [one.get("href") for one in linked.iter("a")] == ["#truth=a"]
    assert linked.get("role") == "group"  # what lies in an img cannot be reached


def test_long_lines_are_thinned_and_keep_their_extremes():
    y = [0.0] * 10_000
    y[1234], y[8000] = 5.0, -5.0
    kept = lines.points(Series(name="a", x=tuple(map(float, range(10_000))), y=tuple(y)))
    assert len(kept) <= lines.MOST
    assert {(1234.0, 5.0), (8000.0, -5.0)} <= {(p.x, p.y) for p in kept}
    assert (kept[0].x, kept[-1].x) == (0.0, 9999.0)


def test_all_text_lies_inside_the_picture():
    for name in ("a", "a name of some length", "W" * 200):
        for picture in pictures(name)[:-1]:
            root = tree(picture)
            wide = float(root.get("width"))
            for group in root.iter():
                for one in group.findall("text"):
                    if "transform" in one.attrib:
                        continue
                    anchor = one.get("text-anchor") or group.get("text-anchor") or "start"
                    reach = text.width(one.text, {"f-small": 10.0, "f-strong": 15.0}.get(one.get("class"), 12.0))
                    begin = float(one.get("x")) - {"start": 0, "middle": reach / 2, "end": reach}[anchor]
                    assert begin >= -1, one.text
                    assert begin + reach <= wide + 1, one.text


def test_rows_of_a_cue_carry_the_tint_of_their_model():
    drawn = tree(figures.cues(models("a")))
    marks = [one.get("class") for one in drawn.iter("g") if one.find("title") is not None and one.get("class")]
    assert marks == ["tint-0", "tint-0", "tint-1"]
    assert [row[:2] for row in figures.cue_values(models("a")).rows] == [
        ("colour", "a"),
        ("colour", "b"),
        ("fine", "a"),
    ]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.0, 1.0), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ((-3.0, 7.0), (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0)),
        ((1.0, 1.0), (0.9, 0.92, 0.94, 0.96, 0.98, 1.0)),
        ((), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
    ],
)
def test_ticks_are_round_and_hold_the_values(values, ticks):
    scale = axes.scale(values, 0.0, 330.0)
    assert scale.ticks == pytest.approx(ticks)
    assert (scale(scale.low), scale(scale.high)) == (0, 330)


def test_text_is_cut_to_its_room():
    assert text.shortened("short", 100.0) == "short"
    cut = text.shortened("w" * 200, 100.0)
    assert cut.endswith("…")
    assert text.width(cut) <= 100
