"""A form of the scan is obeyed or refused, never replaced."""

import pytest
import torch

from bokehflow import Lens, ModelConfig, load_model
from bokehflow.errors import MissingDependencyError, SizeError, UnknownNameError, UsageError
from bokehflow.scan import SCAN_FORMS, ScanConfig, build_scan, chunk_scan_2d
from tests.scan.test_directions import HEIGHT, WIDTH, map_inputs
from tests.tolerances import FP32_EQUAL, SCAN_CHUNKED_FP32, relative_rms


@pytest.mark.parametrize("form", ["naive", "cpu", "triton"])
def test_every_form_computes_the_same(form: str) -> None:
    inputs = [x.float() for x in map_inputs()]
    try:
        scan = build_scan(ScanConfig(form))
    except MissingDependencyError as error:
        pytest.skip(str(error))
    o, final = scan(*inputs, HEIGHT, WIDTH)
    expected, expected_final = chunk_scan_2d(*inputs, HEIGHT, WIDTH)
    assert relative_rms(expected, o) < SCAN_CHUNKED_FP32
    assert relative_rms(expected_final, final) < SCAN_CHUNKED_FP32


def test_the_model_takes_the_compiled_scan() -> None:
    pytest.importorskip("numba")
    image = torch.rand(1, 3, 32, 48)
    chunked = load_model("nano")(image, Lens())
    compiled = load_model("nano", config=ModelConfig(scan=ScanConfig("cpu")))(image, Lens())
    torch.testing.assert_close(chunked.depth, compiled.depth, atol=0.0, rtol=FP32_EQUAL)


def test_triton_without_a_gpu_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    triton = pytest.importorskip("triton")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    monkeypatch.setattr(triton.knobs.runtime, "interpret", False)
    with pytest.raises(UsageError, match="no CUDA device"):
        load_model("nano", config=ModelConfig(scan=ScanConfig("triton")))


def test_unknown_forms_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=", ".join(SCAN_FORMS)):
        ScanConfig("fast")
    with pytest.raises(UnknownNameError, match="16"):
        ScanConfig(16)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        ScanConfig([])  # type: ignore[arg-type]


def test_settings_of_the_chunked_form_are_looked_at_when_made() -> None:
    for wrong in (3, 16.0, "16", None):
        with pytest.raises(SizeError, match=f"chunk_size={wrong!r}"):
            ScanConfig(chunk_size=wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="two_level"):
        ScanConfig(inter_chunk="two_levels")  # type: ignore[arg-type]
