"""What the recipes need of a file format. One implementation a format, each in its own files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.runtimes import Session

Judge = Callable[[Session, Sequence[int]], tuple[float, list[float]]]
"""How good a model is on some of the held-out scenes, together and each; higher is better."""
M = TypeVar("M")


class Format(Protocol[M]):
    """Models of one format. Nothing is changed in place: what is given back is a copy."""

    def read(self, path: Path) -> M:
        """The model of an artifact."""
        ...

    def with_8bit_weights(self, model: M) -> M:
        """Weights in 8 bits wherever they still are floats; arithmetic as it was."""
        ...

    def with_8bit_layers(self, model: M, samples: SampleSet) -> M:
        """Weights and activations in 8 bits, ranges from all samples."""
        ...

    def floats_by_nncf(self, model: M, samples: SampleSet, judge: Judge) -> list[str]:
        """Layers that NNCF's accuracy control leaves in float; judge: of what it tries."""
        ...

    def reverted(self, quantized: M, original: M, layers: Collection[str]) -> M:
        """The quantized model with some layers reading floats again."""
        ...

    def quantized_layers(self, model: M) -> list[str]:
        """Layers that read 8-bit activations. Raises CheckError where anything else does."""
        ...

    def with_noise_outputs(self, quantized: M, original: M) -> M:
        """Further outputs NOISE and SIGNAL for every quantized layer (`layers`)."""
        ...

    def with_scan_outputs(self, model: M, original: M) -> M:
        """Further outputs SCAN for every block."""
        ...

    def write(self, model: M, path: Path, metadata: Mapping[str, str]) -> None:
        """Write an artifact, as small as it can be."""
        ...

    def open(self, model: M, folder: Path) -> Session:
        """A session of the model as it is, which goes through a temporary folder."""
        ...

    def open_written(self, path: Path) -> Session:
        """A session of what `write` wrote."""
        ...


def as_written(form: Format[M], model: M, folder: Path) -> Session:
    """A session of the artifact that would be written of a model: what ships is what is judged.

    folder: a temporary one.
    """
    path = folder / "written"
    form.write(model, path, {})
    return form.open_written(path)
