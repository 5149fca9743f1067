"""What the comparisons are called, what they ask, and what they do not say."""

from __future__ import annotations

CODES = {
    "ACC001": "CMP001",
    "FIT001": "CMP003",
    "FAIL001": "CMP004",
    "FAIL002": "CMP005",
    "FAIL003": "CMP006",
    "CAL001": "CMP007",
    "CAL002": "CMP008",
    "LAB002": "CMP010",
    "SLC001": "CMP011",
    "LAB001": "CMP009",
    "CUE001": "CMP012",
    "CUE002": "CMP013",
    "CUE003": "CMP014",
    "CUE004": "CMP015",
    "CUE005": "CMP016",
    "EXP002": "CMP018",
}
"""Which comparison repeats which check."""
NOT_COMPARED = {"DAT001", "EXP001"}
"""They ask whether an audit makes sense and which maps to trust, not how good a model is."""
CONFUSIONS = "ACC002"
"""It counts pairs of classes; its comparison CMP002 reads the answers themselves."""
MAIN = {
    "CMP001": ("accuracy",),
    "CMP003": ("gap",),
    "CMP004": ("confident_error_rate_at_coverage",),
    "CMP005": ("model_error",),
    "CMP006": ("explained",),
    "CMP007": ("ece_debiased",),
    "CMP008": ("augrc",),
    "CMP010": ("accuracy_gained", "duplicate_rate"),
    "CMP011": ("worst_gap",),
    "CMP009": ("label_error_rate",),
    "CMP012": ("colour.reliance",),
    "CMP013": ("fine.reliance_share", "fine.reliance"),
    "CMP014": ("background.reliance", "border.reliance_share", "border.reliance"),
    "CMP015": ("amplitude.reliance",),
    "CMP016": ("wrong_reasons",),
    "CMP018": ("object_share", "centre_share"),
}
"""The estimate that each comparison is about: the first that both audits have."""
TITLES = {
    "CMP001": ("Accuracy", "Is it more often right on the same images?"),
    "CMP002": ("Confusions", "Which class is now taken for which more often, and which less?"),
    "CMP003": ("Generalisation gap", "Is the gap between training and new images smaller?"),
    "CMP004": ("Confident errors", "Is it less often sure and wrong, at the same share of images?"),
    "CMP005": ("Error triage", "Is another share of its errors a matter of the labels and images, or its own?"),
    "CMP006": ("Error causes", "Is another share of its errors due to a misleading cue?"),
    "CMP007": ("Calibration", "Does its confidence fit its accuracy better?"),
    "CMP008": ("Selective risk", "If both may abstain, which one leaves less error?"),
    "CMP010": ("Duplicates", "Does less of its accuracy come from test images that are also in training?"),
    "CMP011": ("Weak slices", "Is the gap of its weakest group smaller?"),
    "CMP009": ("Label errors", "Does it contradict another share of the labels?"),
    "CMP012": ("Colour", "Does less accuracy hang on the colours?"),
    "CMP013": ("Texture", "Did reliance move between the bands of texture?"),
    "CMP014": (
        "Background and place",
        "Did reliance move from the background, or the border, to the object, or the centre?",
    ),
    "CMP015": ("Frequency", "Does less accuracy hang on the Fourier amplitude?"),
    "CMP016": ("Wrong reasons", "Do fewer right answers stand without the object?"),
    "CMP018": ("Attention", "Did the maps' weight move to the object, or the centre?"),
    "CMP090": ("Fixed and broken", "Which images did the change fix, and which did it newly break?"),
}
WORDS = {
    "CMP001": "accuracy",
    "CMP003": "gap between training and validation accuracy",
    "CMP004": "error rate among the surest 20 % of images",
    "CMP007": "debiased calibration error (ECE)",
    "CMP008": "average risk of silent failures (AUGRC)",
    "accuracy_gained": "accuracy that comes from duplicates",
    "duplicate_rate": "share of test images that are also in training or validation",
    "worst_gap": "error of the group that looked weakest, minus the error of images like it",
    "model_error": "share of errors that are the model's own",
    "label_error_rate": "share of labels that it contradicts",
    "explained": "share of errors with a misleading cue as a cause",
    "colour.reliance": "accuracy that hangs on the colours",
    "fine.reliance_share": "share of the finest band in the reliance on texture bands",
    "fine.reliance": "accuracy that hangs on the finest band",
    "background.reliance": "accuracy that hangs on the background",
    "border.reliance": "accuracy that hangs on the border",
    "border.reliance_share": "share of the border in the reliance on border and centre",
    "amplitude.reliance": "accuracy that hangs on the Fourier amplitude",
    "object_share": "share of the maps' positive evidence on the object",
    "centre_share": "share of the maps' positive evidence in the centre",
    "wrong_reasons": "right answers that stand without the object",
}
"""Of a comparison's main estimate, by code or by the estimate."""
CAUSE = "The difference has one cause only if the recipes differ in one thing; these may differ in several."
LIMITS = (
    "This compares two trained models on the same images; it says nothing about other trainings of the same recipes.",
    CAUSE,
)
SMOOTHING = "Label smoothing lowers every confidence, so the rate at a fixed confidence falls by renaming; the matched one is fair."
SHARES = (
    "Each model has its own errors: a model that loses its other errors keeps a larger share of those with a cause."
)
SHARES_SORTED = (
    "Each model has its own errors, so a share may move because the others went away; look at the counts too."
)
CONTRADICTED = (
    "Labels are the data's: where two models contradict different shares of them, the models differ, not the labels."
)
EXTRA_LIMITS = {
    "CMP004": (SMOOTHING,),
    "CMP005": (SHARES_SORTED,),
    "CMP006": (SHARES,),
    "CMP009": (CONTRADICTED,),
}
