"""What NNCF is handed."""

from __future__ import annotations

import weakref

import pytest

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.quantize.nncf_access import dataset, quiet_nncf


def test_one_sample_is_in_memory_at_a_time(
    tiny_samples: SampleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    images: list[weakref.ref[object]] = []
    make = SampleSet.feeds

    def noted(samples: SampleSet, index: int) -> object:
        assert sum(image() is not None for image in images) <= 1  # the one before, at most
        feeds = make(samples, index)
        images.append(weakref.ref(feeds["image"]))
        return feeds

    monkeypatch.setattr(SampleSet, "feeds", noted)
    with quiet_nncf() as nncf:
        handed = dataset(nncf, tiny_samples)
        for index, feeds in enumerate(handed.get_inference_data()):
            assert (feeds["image"] == make(tiny_samples, index)["image"]).all()
    assert len(images) == len(tiny_samples) > 2
