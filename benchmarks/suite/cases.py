"""What the suite measures, one row a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.export import as_target
from bokehflow.export.lowering.choice import AUTO, LOWERINGS, find_lowering
from bokehflow.export.targets import Target
from bokehflow.specs import FULL_HD, MOBILE_FRAME, MOBILE_NETWORK, Size

Kind = Literal["artifact", "floor", "network part"]
OPENVINO_PRECISIONS = ("fp32", "bf16")
THREADS = (1, 2)
TWO = 2
CHUNKED = "chunked"
FULL_SIZES = (Size(288, 512), Size(576, 1024), Size(720, 1280), FULL_HD)
"""Frames whose network size is their own: cost against pixels."""
OFTEN, SELDOM = Settings(iterations=10, warmup=2), Settings(iterations=5, warmup=1, profile=0)
"""For a row that takes a second a frame, and for one that takes several: half an hour for all."""
ON_GPU = Settings(iterations=100, warmup=10)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model to be made. kind: the exported artifact; the same without scans; or the part of the
    artifact before the renderer."""

    kind: Kind
    target: Target
    scan: str
    frame: Size = MOBILE_FRAME
    network: Size = MOBILE_NETWORK

    @property
    def name(self) -> str:
        """Unique, and fit for a file."""
        kind = self.kind.replace(" ", "-")
        return f"{kind}_{self.target}_{self.scan}_{self.frame}_net{self.network}"


@dataclass(frozen=True, slots=True)
class Case:
    """One row: a model in a runtime. on_gpu: it needs a CUDA device."""

    group: str
    model: ModelSpec
    runtime: str
    settings: Settings
    on_gpu: bool = False

    @property
    def key(self) -> str:
        """Unique, and fit for a file."""
        arguments = "".join(f"_{v}" for _, v in sorted(self.settings.arguments.items()))
        return f"{self.model.name}_{self.runtime}{arguments}_{self.settings.threads or 'all'}t"


def auto_scan(target: str) -> str:
    """The lowering that `auto` means for a target."""
    return find_lowering(AUTO, target).name


def _settings(often: Settings, threads: int | None, **arguments: str) -> Settings:
    return Settings(
        often.iterations, often.warmup, threads, often.timeout_s, often.profile, arguments
    )


def _cpu(group: str, model: ModelSpec, often: Settings, threads: int) -> list[Case]:
    """A model on its own engine; OpenVINO once with every precision hint."""
    if model.target == "openvino":
        return [
            Case(group, model, "openvino", _settings(often, threads, precision=precision))
            for precision in OPENVINO_PRECISIONS
        ]
    runtime = "coreml" if model.target == "coreml" else "onnxruntime"
    return [Case(group, model, runtime, _settings(often, threads))]


def _mobile(threads: int) -> list[Case]:
    cases: list[Case] = []
    for lowering in LOWERINGS:
        model = ModelSpec("artifact", as_target(lowering.target), lowering.name)
        cases += _cpu("mobile profile", model, OFTEN, threads)
    for target in ("onnx", "openvino"):
        cases += _cpu(
            "mobile profile", ModelSpec("floor", as_target(target), "none"), OFTEN, threads
        )
    eager = ModelSpec("artifact", "onnx", auto_scan("onnx"))
    cases.append(Case("mobile profile", eager, "torch", _settings(SELDOM, threads, scan=CHUNKED)))
    return cases


def _parts() -> list[Case]:
    """What `auto` means, and the chunked one for the number of its nodes."""
    scans = [("onnx", auto_scan("onnx")), ("onnx", CHUNKED), ("openvino", auto_scan("openvino"))]
    models = [ModelSpec("network part", as_target(target), scan) for target, scan in scans]
    return [case for model in models for case in _cpu("network part", model, OFTEN, TWO)]


def _sizes() -> list[Case]:
    cases: list[Case] = []
    for name in ("onnx", "openvino"):
        for size in FULL_SIZES:
            model = ModelSpec("artifact", as_target(name), auto_scan(name), size, size)
            cases += _cpu("full network size", model, SELDOM, TWO)
    return cases


def _gpu() -> list[Case]:
    cases = []
    for size in (MOBILE_FRAME, FULL_HD):
        model = ModelSpec("artifact", "onnx", auto_scan("onnx"), size, size)
        triton = {"device": "cuda", "precision": "fp16", "scan": "triton"}
        for arguments in (triton, {**triton, "graph": "on"}):
            settings = _settings(ON_GPU, None, **arguments)
            cases.append(Case("CUDA", model, "torch", settings, on_gpu=True))
        provider = _settings(ON_GPU, None, provider="CUDAExecutionProvider")
        cases.append(Case("CUDA", model, "onnxruntime", provider, on_gpu=True))
    return cases


def all_cases() -> list[Case]:
    """Every row, those that share a model one after the other."""
    cases = [case for threads in THREADS for case in _mobile(threads)]
    return cases + _parts() + _sizes() + _gpu()
