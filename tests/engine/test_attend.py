from __future__ import annotations

import numpy as np
import pytest
import torch

from eyetest import flow
from eyetest.engine.attend import share
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar


def test_the_share_of_a_region_counts_positive_evidence_only():
    maps = torch.tensor([[[4.0, 1], [-2, 1]]])
    region = torch.tensor([[1.0, 0], [0, 1]])
    assert share(maps, region)[0] == pytest.approx(0.833333, abs=1e-6)


def test_a_uniform_map_has_the_share_of_the_area():
    region = torch.zeros(32, 32)
    region[3:17, 5:30] = 1
    assert share(torch.ones(2, 8, 8), region)[1] == pytest.approx(float(region.mean()))


def test_without_evidence_the_share_is_nothing():
    assert share(-torch.ones(1, 8, 8), torch.ones(32, 32))[0] == 0


def test_an_audit_knows_where_its_maps_look(tiny, tmp_path):
    torch.manual_seed(0)
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    run = flow.audit(classifier, tiny, checks=["EXP001", "EXP002"], out=tmp_path / "run")
    finding = run["EXP002"]
    assert finding.status in ("ok", "inconclusive")
    assert finding.estimate("object_share").n == len(tiny.test)
    ids, columns = run.scores("EXP002")
    assert len(ids) == len(tiny.test)
    assert np.isfinite(columns["object"]).all()
    other = flow.audit(classifier, tiny, checks=["ACC001", "EXP001", "EXP002"], out=tmp_path / "other")
    again = flow.audit(classifier, tiny, checks=["ACC001", "EXP001", "EXP002"], out=tmp_path / "again")
    compared = flow.compare(other, again, out=tmp_path / "compare")["CMP018"]
    assert compared.estimate("object_share").value == 0
    if finding.status == "inconclusive":
        assert compared.status == "inconclusive"
