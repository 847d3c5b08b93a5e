"""Which part of a quantized model is slow: attribution, the sentence, and a pair that runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bokehflow.benchmarks.dot_products import eight_bit_dot_products
from bokehflow.benchmarks.report.count_parts import Pair, count_parts, find_pair, try_to_count
from bokehflow.benchmarks.report.files import report_markdown
from bokehflow.benchmarks.report.node_parts import (
    CONVERSIONS,
    EIGHT_BIT_PRODUCTS,
    FLOAT_PRODUCTS,
    NETWORK,
    PARTS,
    RENDERER,
    SCANS,
    UNKNOWN,
    UPSAMPLING,
    EightBits,
    eight_bits_of,
    milliseconds_by_part,
    part_of,
)
from bokehflow.benchmarks.report.page import render_page
from bokehflow.benchmarks.report.slow_parts import PartTime, SlowParts, Uncounted
from bokehflow.export import Artifact
from bokehflow.layers.segments import TemporalConfig
from bokehflow.runtimes.openvino_counters import ExecutedNode
from tests.benchmarks.report.samples import (
    int8_row,
    made_report,
    manifest,
    quantized_by,
    reference_row,
)
from tests.tolerances import UNATTRIBUTED

LAYER = "network.blocks.0.scan.project/matmul_1"
DEPTHWISE = "network.blocks.0.local.depthwise/conv_1/WithoutBiases"

MULTIPLY = "network.blocks.0.scan/mul_1"
TOUCHED = EightBits(frozenset({LAYER}), frozenset({MULTIPLY}))


def node(kind: str, name: str, *origins: str, kernel: str = "jit_avx2_f32") -> ExecutedNode:
    """One that took a millisecond."""
    return ExecutedNode(name, kind, kernel, origins, 1.0)


@pytest.mark.parametrize(
    ("executed", "part"),
    [
        (node("MatMul", LAYER, LAYER), EIGHT_BIT_PRODUCTS),
        (node("GroupConvolution", DEPTHWISE, DEPTHWISE), FLOAT_PRODUCTS),
        (node("FullyConnectedCompressed", "network.modulation.read/matmul_1"), FLOAT_PRODUCTS),
        (node("Convolution", "network.refine.first/conv_1"), RENDERER),
        (node("Reorder", f"{LAYER}_abcd_acdb_network/reshape_1"), CONVERSIONS),
        (node("Reorder", "Multiply_3_abcd_aBcd8b_renderer.blur/averagepool_7"), RENDERER),
        (node("Subgraph", "a", "network.blocks.0.scan/reshape_2/fq_output_0"), CONVERSIONS),
        (node("Subgraph", "FakeQuantize_7", "FakeQuantize_7"), CONVERSIONS),
        (node("Subgraph", "a", f"{LAYER}/DequantizationMultiply", MULTIPLY), CONVERSIONS),
        (node("Subgraph", "a", MULTIPLY, "network.blocks.0.scan/mul_2"), CONVERSIONS),
        (node("Subgraph", "a", "network.blocks.0.scan/mul_2"), SCANS),
        (node("GatedDeltaNet", "Loop_3", "Loop_3"), SCANS),
        (node("Gather", "network.blocks.0.scan/gather_1"), SCANS),
        (node("Subgraph", "upsample/div_4"), UPSAMPLING),
        (node("Transpose", "Transpose_9", "Transpose_9"), UNKNOWN),
        (node("Transpose", "Transpose_10", "Transpose_10"), NETWORK),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_every_node_has_its_part(executed: ExecutedNode, part: str) -> None:
    assert part_of(executed, TOUCHED, {"Transpose_10": "network.stem"}) == part


def test_what_the_compiler_put_in_belongs_to_what_it_reads() -> None:
    added = dataclasses.replace(node("Transpose", "Transpose_9"), after=(MULTIPLY,))
    assert part_of(added, TOUCHED, {}) == SCANS


def test_kernels_and_names_tell_what_8_bits_touch() -> None:
    nodes = [
        node("MatMul", LAYER, LAYER, kernel="jit_gemm_I8"),
        node("GroupConvolution", DEPTHWISE, DEPTHWISE, kernel="brgconv_avx2_dw_f32"),
        node("FullyConnected", "network/matmul_9", kernel="jit_gemm_i8"),
        node("Subgraph", "a", f"{LAYER}/DequantizationMultiply", MULTIPLY, "Multiply_3"),
        node("Subgraph", "b", "network.fusions.0/add_2"),
    ]
    assert eight_bits_of(nodes, [LAYER, DEPTHWISE]) == TOUCHED


def test_parts_add_up_to_all_nodes() -> None:
    nodes = [node("MatMul", LAYER), node("Transpose", "a"), node("MatMul", DEPTHWISE)]
    found = milliseconds_by_part(nodes, TOUCHED, {})
    assert tuple(found) == PARTS
    assert (found[EIGHT_BIT_PRODUCTS], found[UNKNOWN], found[FLOAT_PRODUCTS]) == (1.0, 1.0, 1.0)
    assert sum(found.values()) == 3.0


def slow_parts(products_ms: float, time_ratio: float | None = None) -> SlowParts:
    """Products that took 100 ms in float32; quantizers that were not there."""
    parts = (
        PartTime(EIGHT_BIT_PRODUCTS, 100.0, products_ms),
        PartTime(CONVERSIONS, 0.0, 30.0),
        PartTime(SCANS, 300.0, 300.0),
    )
    return SlowParts("a_fp32_openvino", 5, parts, 30, 24, (), time_ratio)


def test_the_sentence_names_what_rises_most() -> None:
    assert slow_parts(90.0).sentence == (
        "8 bits are not faster: 1.05 times by OpenVINO's counters (400 to 420 ms). Most is lost in "
        f"{CONVERSIONS}, 0.0 to 30.0 ms; most is saved in {EIGHT_BIT_PRODUCTS}, 100.0 to 90.0 ms. "
        "24 of 30 quantized layers run in 8 bits; the processor has no 8-bit dot products."
    )
    assert f"Most is lost in {EIGHT_BIT_PRODUCTS}, 100.0 to 150.0 ms; no part falls." in (
        slow_parts(150.0).sentence
    )


def test_the_sentence_says_that_8_bits_are_faster() -> None:
    assert slow_parts(50.0).sentence.startswith(
        "8 bits are faster: 0.95 times by OpenVINO's counters (400 to 380 ms)."
    )
    faster = SlowParts("a", 5, (PartTime(SCANS, 3.0, 2.0),), 1, 1, ())
    assert f"No part rises; most is saved in {SCANS}, 3.0 to 2.0 ms." in faster.sentence


def test_whole_frames_decide_where_they_were_timed() -> None:
    slower = slow_parts(50.0, time_ratio=1.1)
    assert slower.sentence.startswith(
        "8 bits are not faster: 1.10 times float32's time, 0.95 times"
    )
    assert slow_parts(90.0, time_ratio=0.9).is_faster


@pytest.mark.parametrize(
    ("text", "flags", "words"),
    [
        ("flags\t\t: fpu avx2 fma\n", (), "has no 8-bit dot products."),
        (
            "processor : 0\nflags : avx2 avx512_vnni amx_int8\n",
            ("avx512_vnni", "amx_int8"),
            "has 8-bit dot products (avx512_vnni, amx_int8).",
        ),
        ("Features\t: fp asimddp\n", ("asimddp",), "has 8-bit dot products (asimddp)."),
        ("processor : 0\n", None, "has 8-bit dot products is unknown."),
        (None, None, "has 8-bit dot products is unknown."),
    ],
    ids=["avx2", "amx", "arm", "says nothing", "no file"],
)
def test_dot_products_are_what_linux_says(
    tmp_path: Path, text: str | None, flags: tuple[str, ...] | None, words: str
) -> None:
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    assert eight_bit_dot_products(path) == flags
    sentence = dataclasses.replace(slow_parts(90.0), dot_products=flags).sentence
    assert sentence.endswith(words)


def test_table_and_sentence_are_in_all_three_files() -> None:
    row = dataclasses.replace(int8_row(), slow_parts=slow_parts(90.0))
    report = made_report(rows=(reference_row(), row))
    sentence = f"#2 onnx int8: {slow_parts(90.0).sentence}"
    text = report_markdown(report)
    assert sentence in text
    assert f"| {CONVERSIONS} | 0.0 | 30.0 | +30.0 |" in text
    assert "| all | 400.0 | 420.0 | +20.0 |" in text
    page = render_page(report, [])
    assert sentence.replace("'", "&#39;") in page
    assert f'<th scope="row">{CONVERSIONS}</th><td>0.0</td>' in page
    found = report.document()["rows"][1]["slow_parts"]
    assert found["sentence"] == slow_parts(90.0).sentence
    assert found["parts"][1] == {"part": CONVERSIONS, "float_ms": 0.0, "quantized_ms": 30.0}
    assert report.document()["rows"][0]["slow_parts"] is None


def test_a_count_that_went_wrong_says_why(tmp_path: Path) -> None:
    absent = Artifact(tmp_path / "absent", manifest(target="openvino"))
    found = try_to_count(Pair(absent, absent), None)
    assert isinstance(found, Uncounted)
    assert "absent" in found.reason
    report = made_report(rows=(reference_row(), dataclasses.replace(int8_row(), slow_parts=found)))
    assert f"#2 onnx int8: {found.sentence}" in report_markdown(report)
    assert "where its time goes was not counted: OpenVINO cannot load" in render_page(report, [])
    assert report.document()["rows"][1]["slow_parts"] == {
        "reason": found.reason,
        "sentence": found.sentence,
    }


def test_only_a_quantized_openvino_artifact_with_a_twin_is_counted() -> None:
    recipe = quantized_by(layers=[LAYER])
    made = Artifact(Path("q"), manifest(target="openvino", precision="int8", quantization=recipe))
    twin = Artifact(Path("f"), manifest(target="openvino", artifact_sha256="3" * 64))
    other = Artifact(Path("o"), manifest())
    still = manifest(target="openvino", artifact_sha256="4" * 64, temporal=TemporalConfig("off"))
    assert find_pair(made, [other, Artifact(Path("s"), still), twin]) == Pair(made, twin)
    assert find_pair(made, [Artifact(Path("s"), still)]) is None
    source = dataclasses.replace(
        made.manifest, quantization=dataclasses.replace(recipe, source_sha256="5" * 64)
    )
    older = Artifact(Path("a"), manifest(target="openvino", artifact_sha256="5" * 64))
    chosen = Artifact(Path("q"), source)
    assert find_pair(chosen, [twin, older]) == Pair(chosen, older)
    assert find_pair(made, [other]) is None
    assert find_pair(twin, [twin]) is None
    assert find_pair(None, [twin]) is None


def test_a_pair_that_runs_is_attributed(artifacts: dict[str, Artifact]) -> None:
    pytest.importorskip("openvino")
    twin = artifacts["openvino"]
    # The same file twice: which layers are said to be quantized matters to the counting alone.
    recipe = quantized_by(layers=[LAYER])
    made = Artifact(twin.path, dataclasses.replace(twin.manifest, quantization=recipe))
    found = count_parts(Pair(made, twin), None, frames=2, warm_up=1)
    times = {part.part: part.float_ms for part in found.parts}
    assert (found.layers, found.layers_in_8_bits) == (1, 0)
    assert times[EIGHT_BIT_PRODUCTS] == 0.0
    assert min(times[part] for part in (FLOAT_PRODUCTS, SCANS, NETWORK, UPSAMPLING, RENDERER)) > 0
    assert times[UNKNOWN] < UNATTRIBUTED * found.float_ms
