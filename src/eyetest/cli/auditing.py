"""Commands that ask a model: audit, look, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from .exit_codes import DONE, FAILED
from .flags import NO_FLAGS, Count, Flag, ModelFlags, Names, Whole
from .given import load, seconds_of, set_threads
from .tracked import found


def audit(
    model: str | None = None,
    *,
    data: str,
    predictions: Path | None = None,
    group: str | None = None,
    flags: ModelFlags = NO_FLAGS,
    out: Path | None = None,
    checks: Names = None,
    skip: Names = None,
    stamp: Names = None,
    budget: str | None = None,
    cross_validate: Count | None = None,
    fold_recipe: str | None = None,
    seed: Whole = 0,
    device: str = "auto",
    threads: Count | None = None,
    human_labels: Path | None = None,
    plan: Flag = False,
    anyway: Flag = False,
    tracker: Names = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Audit one model, or its saved predictions: findings and a page.

    Parameters
    ----------
    model
        A run of `eyetest train`, a checkpoint (.safetensors, .pt, .pth) with --arch, an exported program (.pt2) or
        TorchScript, timm:NAME, torchvision:NAME, or file.py:factory.
    data
        A name (cifar10, planted) or a path.
    predictions
        Instead of a model: a parquet, CSV or npz file of its answers on the test images (docs/how-to/saved-predictions.md).
    group
        The column of patients or scenes: images of one stay in one split and are resampled together.
    stamp
        Explanation methods that are put to the test, or all; by default grad_cam and saliency. --plan says what it costs.
    budget
        Time for the passes, such as 90s or 5m; fewer images are read.
    human_labels
        How many people gave each test image each class: npy, npz, csv or parquet.
    cross_validate
        Train so many models on parts of the training images: a second opinion on labels (takes so many trainings).
    fold_recipe
        Recipe of those models; by default that of the audited run, or baseline where it is unknown.
    plan
        Print what the model is fed, passes and cost, and stop.
    anyway
        Go on where the model is fed so wrongly that figures would mean nothing (DAT001).
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from .finished import finished
    from .progress import shown

    set_threads(threads)
    seconds, told = seconds_of(budget), found(tracker)
    chosen: dict[str, Any] = {"checks": checks or (), "skip": skip or ()}
    if predictions is not None:
        from ..saved import audit_predictions

        _require_no_model(model, budget, plan)
        source = load(data, seed, group, human_labels)
        with shown(quiet) as progress:
            run = audit_predictions(predictions, source, **chosen, out=out, seed=seed, progress=progress)
        return finished(run, json, told)
    if model is None:
        raise UserError(
            "Neither a model nor predictions were given. Expected `audit MODEL`, or `audit --predictions FILE`."
        )
    from .. import flow as calls
    from .show import show_plan

    opened = calls.opened(model, flags.options())
    source = load(data, seed, group, human_labels, opened.image_size)
    chosen |= {
        "stamp": stamp or (),
        "budget": seconds,
        "cross_validate": cross_validate,
        "fold_recipe": fold_recipe,
        "device": device,
    }
    if plan:
        show_plan(calls.plan_audit(opened, source, **chosen), json)
        return DONE
    with shown(quiet) as progress:
        run = calls.audit(opened, source, **chosen, out=out, seed=seed, anyway=anyway, progress=progress)
    if seconds is not None and not json:
        print(f"budget of {seconds:g} s: {run.plan().note}")
    return finished(run, json, told)


def look(
    model: str,
    image: str,
    *,
    data: str | None = None,
    flags: ModelFlags = NO_FLAGS,
    methods: Names = None,
    audit: Path | None = None,
    out: Path | None = None,
    seed: Whole = 0,
    device: str = "auto",
    threads: Count | None = None,
    json: Flag = False,
) -> int:
    """One image: what is answered, and a picture of what every explanation method says, with its stamp.

    Parameters
    ----------
    model
        As `eyetest audit` takes it, with the same flags for what it is fed.
    image
        An id such as test-17 (with --data), or the path of a photo.
    data
        A name (cifar10, planted) or a path; the transplant map takes its patches from there.
    methods
        Explanation methods; by default all but the slow ones.
    audit
        An audit of this model, for the stamps; a study's models have theirs.
    out
        The picture, a PNG; by default look-<image>.png here.
    """
    from .. import flow as calls
    from ..looking.look import look as seen
    from .show import show_look

    set_threads(threads)
    picture = out or Path(f"look-{Path(image).stem}.png")
    opened = calls.opened(model, flags.options())
    source = load(data, seed, image_size=opened.image_size) if data else None
    found = seen(opened, image, source, methods or (), picture, audit=audit, seed=seed, device=device)
    show_look(found.looked, json)
    if not json:
        print(f"picture: {picture}")
    return DONE


def validate(
    *, quick: Flag = False, seed: Whole = 0, out: Path = Path("runs/validate"), json: Flag = False, quiet: Flag = False
) -> int:
    """The audit's own sensitivity and false alarms, on models with planted shortcuts. Exit code 1 below its targets.

    Parameters
    ----------
    quick
        11 models, minutes; without it over 150 models, more than an hour on two cores.
    out
        Directory of the exam; models that are done there are not trained again.
    """
    from ..validate import markdown
    from ..validate import validate as examine
    from .progress import shown
    from .show import print_json

    with shown(quiet) as progress:
        scores = examine(out, quick=quick, seed=seed, progress=progress)
    if json:
        print_json(scores)
    else:
        print(markdown(scores))
        print(f"{'passed' if scores['passed'] else 'below its targets'}; all numbers: {out / 'validation.json'}")
    return DONE if scores["passed"] else FAILED


def _require_no_model(model: str | None, budget: str | None, plan: bool) -> None:
    if model is not None:
        raise UserError(
            f"Both a model ({model}) and a file of predictions were given, and one of both was expected. Leave one out; to "
            "compare them, audit each and give both runs to `eyetest compare`."
        )
    if budget is not None or plan:
        raise UserError(
            "--budget and --plan are about passes of a model; saved predictions need none, and take seconds. Leave them out."
        )
