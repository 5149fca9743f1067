"""The words of the page, each in a sentence or two."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "n": "How many images a number rests on.",
    "interval": (
        "The values that are compatible with what was seen: a 95 % interval holds the true value in 95 of 100 such audits. "
        "The method of each interval is in the table under its finding."
    ),
    "points": "Percentage points: from 80 % to 83 % are 3 points.",
    "concern": "Something credibly speaks against the model; the interval does not reach the harmless side.",
    "cannot tell": "The interval holds both the harmless and the worrying answer. It does not mean that all is well.",
    "not applicable": "The data or the run lack what this question needs.",
    "cue": "A part of an image that may carry the class: colours, a band of texture, the background, the border.",
    "transplant": "An image with one cue taken from another image, the donor, and the rest kept.",
    "donor": "The image that lends its cue.",
    "reliance": (
        "Accuracy with a cue taken from an image of the same class, minus accuracy with it taken from another class: "
        "the accuracy that hangs on the cue agreeing with the class."
    ),
    "capture": "How much more often an image is answered with the class of the donor than with a third class: the cue is taken as evidence.",
    "Fourier amplitude": "How strong each spatial frequency is in an image, without where it is.",
    "map": "A picture of what an explanation method says mattered for an answer.",
    "stamp": (
        "Whether maps of a method may be believed for this model: trust, do not trust, or cannot tell, after tests such as "
        "whether the map changes when the model is destroyed."
    ),
    "confidence": "The probability that the model gives its own answer.",
    "calibration": "Whether among answers with 90 % confidence 90 % are right.",
    "ECE": "Expected calibration error: the mean distance of confidence and accuracy over bins of confidence. Debiased: less what chance alone makes.",
    "temperature": "One number by which all logits are divided, so that the confidence fits the accuracy; it changes no answer.",
    "AURC": "Area under the risk–coverage curve: the mean error rate over all shares of images that it may answer, surest first. Lower is better.",
    "AUGRC": "Area under the generalised risk–coverage curve: the average risk of a silent failure. Lower is better.",
    "slice": "A group of images that can be described, such as dark images of one class.",
    "paired": "Both models saw the same images, and the interval is that of their difference on each image; B − A throughout.",
    "seed": "The number that fixes the random choices of a training. Another seed is another training of the same recipe.",
    "fingerprint": "A short hash: same fingerprint, same data or weights.",
}
