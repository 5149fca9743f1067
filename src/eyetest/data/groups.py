"""Pictures that belong together (a patient's, a scene's): each has a group, and none lies in two splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from ..errors import DataError
from ..types import SPLITS
from .picture import Picture


def require_groups(name: str, group: str, pictures: Iterable[Picture]) -> None:
    """Raise DataError where a picture has no group."""
    for picture in pictures:
        if group not in picture.facts:
            known = ", ".join(picture.facts) or "none"
            raise DataError(
                f"{name} has no column {group!r} to group images by; its further columns are: {known}. Name one of them, or "
                "leave the group out. Class folders get columns from a metadata.csv (docs/how-to/groups.md)."
            )
        if picture.facts[group] in (None, "") or picture.facts[group] != picture.facts[group]:
            raise DataError(
                f"{name}: {picture.name} has no {group}. Every image needs one; give images that stand alone a value of "
                "their own."
            )


def require_apart(name: str, group: str, split: Mapping[str, Iterable[Picture]]) -> None:
    """Raise DataError where a group lies in two splits, or the test split holds only one."""
    found = {part: {str(picture.facts[group]) for picture in split[part]} for part in SPLITS}
    for first, second in combinations(found, 2):
        shared = sorted(found[first] & found[second])
        if shared:
            raise DataError(
                f"{name}: {group} {shared[0]} (and {len(shared) - 1:,} more) lies both in {first} and in {second}. What was "
                "learned of them there helps here, so the numbers would be too good. Move each into one split, give all "
                "images without splits (eyetest keeps groups whole), or leave the group out and bear that in mind."
            )
    if len(found["test"]) < 2:
        raise DataError(
            f"{name}: the test split holds one {group} only; at least two were expected, because nothing can be said of "
            "others from one. Give more, or leave the group out."
        )
