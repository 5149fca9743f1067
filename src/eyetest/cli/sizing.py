"""Recipes at the size that fits this machine, and what training them will cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..data import Dataset
from ..flow import find_device
from ..training.profile import PATIENCE, PROFILES, estimate
from ..training.profile import profile as named_profile
from ..training.recipe import Recipe, changed
from ..training.recipe import recipe as named


def sized(
    source: Dataset,
    recipes: Sequence[str],
    profile: str | None,
    changes: Mapping[str, str],
    device: str,
    *,
    quiet: bool,
    seeds: int = 1,
) -> list[Recipe]:
    """The recipes at the profile's size; without a profile the measured throughput of all trainings decides, and says so."""
    bases = [named(name) for name in recipes]
    chosen = profile or _fitting(source, bases, device, quiet=quiet, seeds=seeds)
    return [changed(named_profile(chosen).apply(base), changes) for base in bases]


def show_training_plan(
    source: Dataset,
    recipes: Sequence[str],
    profile: str | None,
    changes: Mapping[str, str],
    device: str,
    as_json: bool,
    seeds: int = 1,
) -> None:
    """Print how long training each recipe would take here, as often as there are seeds."""
    plans = sized(source, recipes, profile, changes, device, quiet=as_json, seeds=seeds)
    seconds = {plan.name: round(seeds * _cost([plan], source, device), 1) for plan in plans}
    if as_json:
        print(json.dumps({"training_seconds": seconds}, indent=1))
        return
    for name, cost in seconds.items():
        times = f" {seeds} times" if seeds > 1 else ""
        print(f"train {name}{times}: about {cost / 60:.1f} min, then audit and compare")


def _fitting(source: Dataset, bases: Sequence[Recipe], device: str, *, quiet: bool, seeds: int) -> str:
    cost = {
        name: seeds * _cost([PROFILES[name].apply(base) for base in bases], source, device)
        for name in ("small", "full")
    }
    chosen, other = ("full", "small") if cost["full"] <= PATIENCE else ("small", "full")
    if not quiet:
        print(
            f"profile {chosen}: training takes about {cost[chosen] / 60:.0f} min here "
            f"(--profile {other}: about {cost[other] / 60:.0f} min)"
        )
    return chosen


def _cost(recipes: Sequence[Recipe], source: Dataset, device: str) -> float:
    return estimate(recipes, len(source.train), source.image_size, find_device(device))
