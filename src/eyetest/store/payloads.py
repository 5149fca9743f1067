"""Payloads as named arrays, as tables that a person can read, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..types import (
    ARMS,
    Attention,
    DonorTable,
    Features,
    HumanVotes,
    InputTrials,
    Lookalikes,
    MapSet,
    PixelHashes,
    Predictions,
    ProbeArm,
    Probes,
    Properties,
    Swaps,
    TrustTrial,
    image_ids,
)

Annotation = Attention | Features | HumanVotes | Properties | Lookalikes | PixelHashes | InputTrials | TrustTrial
A = TypeVar("A", Attention, Features, HumanVotes, Properties, Lookalikes, PixelHashes, InputTrials, TrustTrial)
Tensors = dict[str, np.ndarray]
Columns = dict[str, Any]


def prediction_columns(predictions: Predictions) -> Columns:
    """One row an image; without probabilities where only classes were given."""
    columns: Columns = {"id": list(predictions.ids), "predicted": predictions.predicted}
    if predictions.given != "classes":
        of_label = {"p_label": np.exp(-predictions.loss), "loss": predictions.loss}
        columns |= {"p_predicted": predictions.confidence} | of_label
    columns["correct"] = predictions.correct
    return columns


def annotation_tensors(payload: Annotation) -> tuple[Tensors, dict[str, str]]:
    """Arrays by their field names, those of a mapping as field.key, and words."""
    tensors: Tensors = {}
    header = {}
    for field in dataclasses.fields(payload):
        value = getattr(payload, field.name)
        if value is None:
            continue
        if isinstance(value, str):
            header[field.name] = value
        elif isinstance(value, Mapping):
            tensors |= {f"{field.name}.{key}": one for key, one in value.items()}
        else:
            tensors[field.name] = value
    return tensors, header


def annotation_of(kind: type[A], tensors: Tensors, header: Mapping[str, str]) -> A:
    """The annotation of such arrays and words."""
    values: dict[str, Any] = dict(header)
    for key, tensor in tensors.items():
        field, dot, part = key.partition(".")
        if dot:
            values.setdefault(field, {})[part] = tensor
        else:
            values[field] = tensor
    return kind(**values)


def donor_columns(table: DonorTable, split: str, pool: str) -> Columns:
    """Which image lends its cues to which, one row a draw, arm and image."""
    draws, _, n = table.donors.shape
    return {
        "id": list(image_ids(split, table.rows)) * (2 * draws),
        "draw": np.repeat(np.arange(draws), 2 * n),
        "arm": [arm for _ in range(draws) for arm in ARMS for _ in range(n)],
        "donor": list(image_ids(pool, table.donors.ravel())),
        "donor_class": table.classes.ravel(),
    }


def donor_tensors(table: DonorTable) -> Tensors:
    """The same as arrays."""
    tensors = {"rows": table.rows, "donors": table.donors, "classes": table.classes}
    return tensors | {"left_out": np.array([table.left_out])}


def donors_of(tensors: Tensors) -> DonorTable:
    """The donor table of such arrays."""
    return DonorTable(tensors["rows"], tensors["donors"], tensors["classes"], int(tensors["left_out"][0]))


def swap_tensors(labels: np.ndarray, answers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Tensors:
    """Labels, logits (r 2 n k) and distances (r 2 n), all transplants by key."""
    tensors = {f"{key}.logits": logits for key, (logits, _) in answers.items()}
    tensors |= {f"{key}.distance": distance for key, (_, distance) in answers.items()}
    return tensors | {"labels": labels}


def swap_names(key: str) -> tuple[str, str, str]:
    """Names of the arrays that the swaps of one transplant are made of."""
    return f"{key}.logits", f"{key}.distance", "labels"


def swaps_of(key: str, table: DonorTable | None, parts: Sequence[Tensors]) -> Swaps | None:
    """The swaps of one transplant over all parts that are done, or None if one lacks them."""
    names = swap_names(key)
    if table is None or not parts or any(len(part) < len(names) for part in parts):
        return None
    logits, distance = (np.concatenate([part[name] for part in parts], 2) for name in names[:2])
    done = logits.shape[2]
    known = DonorTable(table.rows[:done], table.donors[..., :done], table.classes[..., :done], table.left_out)
    return Swaps(known, np.concatenate([part["labels"] for part in parts]), logits, distance)


def probe_tensors(probes: Probes) -> Tensors:
    """Who was asked, who lent, and what was answered, by cue."""
    tensors = {"rows": probes.rows, "predicted_class": probes.predicted_class, "contender": probes.contender}
    tensors |= {"donors": probes.donors, "classes": probes.classes, "left_out": np.array([probes.left_out])}
    tensors |= {f"{cue}.answers": answers for cue, answers in zip(probes.cues, probes.answers, strict=True)}
    return tensors | {f"{cue}.confidence": sure for cue, sure in zip(probes.cues, probes.confidence, strict=True)}


def probe_columns(probes: Probes, pool: str) -> Columns:
    """One row a draw, arm and image."""
    arms, draws, n = probes.donors.shape
    columns: Columns = {
        "id": list(image_ids("test", probes.rows)) * (arms * draws),
        "arm": [arm for arm in probes.arms for _ in range(draws * n)],
        "draw": np.tile(np.repeat(np.arange(draws), n), arms),
        "donor": list(image_ids(pool, probes.donors.ravel())),
        "donor_class": probes.classes.ravel(),
    }
    return columns | {cue: answers.ravel() for cue, answers in zip(probes.cues, probes.answers, strict=True)}


def probes_of(tensors: Tensors, arms: tuple[ProbeArm, ...], cues: tuple[str, ...]) -> Probes:
    """The probe of such arrays, with those of the cues that it has."""
    known = tuple(cue for cue in cues if f"{cue}.answers" in tensors)
    shape = (len(known), *tensors["donors"].shape)
    return Probes(
        tensors["rows"],
        tensors["predicted_class"],
        tensors["contender"],
        arms,
        tensors["donors"],
        tensors["classes"],
        known,
        np.array([tensors[f"{cue}.answers"] for cue in known], dtype=np.int64).reshape(shape),
        np.array([tensors[f"{cue}.confidence"] for cue in known], dtype=np.float32).reshape(shape),
        int(tensors["left_out"][0]),
    )


def map_tensors(maps: MapSet) -> Tensors:
    """The raw maps, and how reliable each is where that is known."""
    tensors = {"rows": maps.rows, "classes": maps.classes, "values": maps.values}
    return tensors | ({} if maps.reliability is None else {"reliability": maps.reliability})


def maps_of(tensors: Tensors) -> MapSet:
    """The maps of such arrays."""
    return MapSet("test", tensors["rows"], tensors["classes"], tensors["values"], tensors.get("reliability"))
