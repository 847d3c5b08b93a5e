"""What the scans refuse, and how plainly they say it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from bokehflow.cli import doctor
from bokehflow.errors import MissingDependencyError, NumericalError, SizeError, UsageError
from bokehflow.kernels import cpu_scan_2d, gated_delta_scan_2d
from bokehflow.kernels.checks import MAX_HEAD_SIZE
from tests.kernels.cases import Case, Scan

CASE = Case(2, 3)


def _inputs(device: torch.device, case: Case = CASE) -> list[Tensor]:
    return [x.detach().to(device) for x in case.inputs()]


@pytest.mark.parametrize("position", range(6), ids=["q", "k", "v", "log_decay", "beta", "state"])
def test_a_shape_that_does_not_fit(scan: Scan, device: torch.device, position: int) -> None:
    inputs = _inputs(device)
    inputs[position] = inputs[position].flatten(0, 1)
    with pytest.raises(SizeError, match="shape"):
        scan(*inputs, CASE.height, CASE.width)


def test_tokens_that_are_not_the_map(scan: Scan, device: torch.device) -> None:
    with pytest.raises(SizeError, match="expected"):
        scan(*_inputs(device), CASE.height, CASE.width + 1)


def test_segments_that_do_not_divide_the_map(scan: Scan, device: torch.device) -> None:
    with pytest.raises(SizeError, match="divides height and width"):
        scan(*_inputs(device), CASE.height, CASE.width, segments=2)


def test_heads_that_are_too_wide(scan: Scan, device: torch.device) -> None:
    case = Case(2, 3, value_size=MAX_HEAD_SIZE + 1)
    with pytest.raises(SizeError, match="1 to 64"):
        scan(*_inputs(device, case), case.height, case.width)


@pytest.mark.parametrize("position", range(1, 6), ids=["k", "v", "log_decay", "beta", "state"])
def test_mixed_dtypes(scan: Scan, device: torch.device, position: int) -> None:
    inputs = _inputs(device)
    inputs[position] = inputs[position].half()
    with pytest.raises(UsageError, match=r"torch\.float16 beside q's torch\.float32"):
        scan(*inputs, CASE.height, CASE.width)


def test_integers(scan: Scan, device: torch.device) -> None:
    inputs = [x.long() for x in _inputs(device)]
    with pytest.raises(UsageError, match=r"torch\.int64"):
        scan(*inputs, CASE.height, CASE.width)


def test_a_gradient_with_a_graph_of_its_own(scan: Scan, device: torch.device) -> None:
    inputs = [x.requires_grad_() for x in _inputs(device)]
    o, _ = scan(*inputs, CASE.height, CASE.width)
    with pytest.raises(UsageError, match="create_graph=True"):
        torch.autograd.grad(o.pow(2).sum(), inputs[0], create_graph=True)


def test_a_decay_that_is_nan_shows(scan: Scan, device: torch.device) -> None:
    inputs = _inputs(device)
    inputs[3][0, 1, 0, 0] = torch.nan
    o, _ = scan(*inputs, CASE.height, CASE.width)
    assert bool(o.isnan().any())


def test_mixed_devices(scan: Scan, device: torch.device) -> None:
    inputs = _inputs(device)
    inputs[2] = inputs[2].to("meta")
    with pytest.raises(UsageError, match="v is on meta"):
        scan(*inputs, CASE.height, CASE.width)


def test_a_growing_state_is_an_error_under_anomaly_detection(
    scan: Scan, device: torch.device
) -> None:
    inputs = _inputs(device)
    inputs[3] = inputs[3].abs() + 0.5
    scan(*inputs, CASE.height, CASE.width)
    with (
        torch.autograd.set_detect_anomaly(True, check_nan=False),
        pytest.raises(NumericalError, match="log_decay reaches"),
    ):
        scan(*inputs, CASE.height, CASE.width)


def test_the_cpu_scan_refuses_other_devices() -> None:
    scan: Scan = cpu_scan_2d
    with pytest.raises(UsageError, match="use the Triton scan"):
        scan(*_inputs(torch.device("meta")), CASE.height, CASE.width)


def test_without_a_gpu_the_triton_scan_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    triton = pytest.importorskip("triton")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    scan: Scan = gated_delta_scan_2d
    with triton.knobs.runtime.scope():
        triton.knobs.runtime.interpret = False
        with pytest.raises(UsageError, match="no CUDA device was found here"):
            scan(*_inputs(torch.device("cpu")), CASE.height, CASE.width)


@pytest.mark.parametrize(
    ("package", "scan", "module"),
    [
        ("triton", gated_delta_scan_2d, "bokehflow.kernels.triton_scan"),
        ("numba", cpu_scan_2d, "bokehflow.kernels.cpu_scan"),
    ],
    ids=["triton", "numba"],
)
def test_a_missing_package_is_named_as_doctor_does(
    monkeypatch: pytest.MonkeyPatch, package: str, scan: Scan, module: str
) -> None:
    for name in [n for n in sys.modules if n.startswith("bokehflow.kernels.")]:
        if not name.endswith("checks"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules["bokehflow.kernels"], module.rpartition(".")[2], raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    (known,) = (one for one in doctor.PACKAGES if one.name == package)
    with pytest.raises(MissingDependencyError, match=package) as caught:
        scan(*_inputs(torch.device("cpu")), CASE.height, CASE.width)
    assert caught.value.remedy == known.install_line


def test_importing_the_package_imports_no_compiler() -> None:
    code = (
        "import sys, torch; before = set(sys.modules); import bokehflow, bokehflow.kernels; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "assert not new & {'triton', 'numba', 'llvmlite'}, new"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
