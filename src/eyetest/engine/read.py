"""What a run holds in answer to a need, or why it holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import MissingEvidence
from ..evidence import (
    Attend,
    Embed,
    Explain,
    History,
    Need,
    OutOfSample,
    Predict,
    Preflight,
    Probe,
    Swap,
    Trust,
)
from ..store import RunDir
from ..types import Attention, Features, TrustTrial
from .annotate import KINDS, annotation
from .attend import attend_key
from .execute import feature_key, map_key
from .plan import Work
from .preflight import kept
from .probe import probe_key
from .trust import trust_key

Found = tuple[Any, str]
"""The evidence, or None; and what is said where there is none."""
Reader = Callable[[Any, RunDir, Work], Found]
WORDS: dict[type[Need[Any]], str] = {
    History: "training history",
    Embed: "features",
    Explain: "explanation maps",
    Attend: "explanation maps of all test images",
    Trust: "maps of redrawn models and of changed images",
    Swap: "answers to images with swapped cues",
    Probe: "answers to images with cues of many donors",
    OutOfSample: "answers of models that were not trained on the image",
}
"""What a need asks of a model."""


def read(need: Need[Any], run: RunDir, work: Work) -> Any:
    """The evidence; MissingEvidence says why there is none."""
    reader: Reader = READERS.get(type(need), _unknown)
    found, missing = reader(need, run, work)
    if found is None:
        raise MissingEvidence(missing)
    return found


def read_saved(need: Need[Any], run: RunDir, work: Work) -> Any:
    """What a file of answers and the data alone can give."""
    if need == Predict() or type(need) in KINDS:
        return read(need, run, work)
    what = WORDS.get(type(need), type(need).__name__.lower())
    if isinstance(need, Predict):
        what = f"answers to {need.view.key} images of the {need.split} split"
    raise MissingEvidence(
        f"the file of predictions holds no {what}; audit the model itself: eyetest audit MODEL --data …"
    )


def _predictions(need: Predict, run: RunDir, work: Work) -> Found:
    known = run.has_predictions(work.key(need))
    missing = f"the model was not asked about {need.view.key} images of the {need.split} split; audit the model itself"
    return run.predictions(work.key(need), need.split) if known else None, missing


def _history(need: History, run: RunDir, work: Work) -> Found:
    return run.history(), "eyetest did not train this model, so there is no training history"


def _out_of_sample(need: OutOfSample, run: RunDir, work: Work) -> Found:
    missing = "there are no out-of-sample predictions; give --cross-validate 5 to train models for them"
    return run.out_of_sample(need.split), missing


def _preflight(need: Preflight, run: RunDir, work: Work) -> Found:
    return kept(run), "the model was not tried before the passes"


def _features(need: Embed, run: RunDir, work: Work) -> Found:
    missing = f"there are no features of the {need.split} images: the model has no last linear layer, or was not asked"
    return _kept(run, feature_key(need.split), Features), missing


def _attention(need: Attend, run: RunDir, work: Work) -> Found:
    return _kept(run, attend_key(need), Attention), f"{need.method} maps of the test images were not made"


def _trial(need: Trust, run: RunDir, work: Work) -> Found:
    return _kept(run, trust_key(need), TrustTrial), f"{need.method} maps were not put to the test"


def _maps(need: Explain, run: RunDir, work: Work) -> Found:
    return run.maps(map_key(need)), f"there are no {need.method} maps: the model allows none, or was not asked"


def _swaps(need: Swap, run: RunDir, work: Work) -> Found:
    none_lends = "no two classes have at least two validation images to lend them"
    why = "the data has no object masks" if need.transplant.needs_masks else none_lends
    return run.swaps(need.transplant.key), f"{need.transplant.words} could not be swapped: {why}"


def _probes(need: Probe, run: RunDir, work: Work) -> Found:
    cues = tuple(one.key for one in need.transplants)
    return run.probe(probe_key(need), need.arms, cues), "cues of single images were not tried"


def _annotation(need: Need[Any], run: RunDir, work: Work) -> Found:
    return annotation(run, need)


def _unknown(need: Need[Any], run: RunDir, work: Work) -> Found:
    return None, f"this version collects no {type(need).__name__.lower()} evidence"


def _kept(run: RunDir, name: str, kind: type[Any]) -> Any:
    return run.annotation(name, kind) if run.has_annotation(name) else None


READERS: dict[type[Need[Any]], Reader] = {
    Predict: _predictions,
    History: _history,
    OutOfSample: _out_of_sample,
    Preflight: _preflight,
    Embed: _features,
    Attend: _attention,
    Trust: _trial,
    Explain: _maps,
    Swap: _swaps,
    Probe: _probes,
    **dict.fromkeys(KINDS, _annotation),
}
"""By need: what reads its answer from a run."""
