"""The commands of `bfx`, with an example of each."""

from __future__ import annotations

import typer

from bokehflow.cli import data
from bokehflow.cli.benchmark import benchmark
from bokehflow.cli.doctor import doctor
from bokehflow.cli.evaluate import evaluate
from bokehflow.cli.export import export
from bokehflow.cli.help_text import EVERY_COMMAND, JSON_FLAG, TRACEBACK_FLAG, example
from bokehflow.cli.info import info
from bokehflow.cli.pack import pack
from bokehflow.cli.quality import quality
from bokehflow.cli.quantize import quantize
from bokehflow.cli.render import render
from bokehflow.cli.report import report
from bokehflow.cli.train import export_weights, train
from bokehflow.cli.validate import validate

VERSION_FLAG = "--version"

app = typer.Typer(
    name="bfx",
    help="BokehFlow: depth and thin-lens bokeh for photos and video, and the toolchain around it.",
    epilog=EVERY_COMMAND,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def global_options(
    as_json: bool = typer.Option(
        False,
        JSON_FLAG,
        help="One JSON document on standard output, errors included; help is text.",
    ),
    show_traceback: bool = typer.Option(
        False, TRACEBACK_FLAG, help="Print the Python traceback of an error."
    ),
    version: bool = typer.Option(False, VERSION_FLAG, help="Print the version and exit."),
) -> None:
    """BokehFlow: depth and thin-lens bokeh for photos and video, and the toolchain around it."""


app.command("doctor", epilog=example("bfx doctor", "bfx doctor --json"))(doctor)
app.command("info", epilog=example("bfx info", "bfx info --variant small --json"))(info)
app.command(
    "export",
    epilog=example(
        "bfx export --variant nano --target all",
        "bfx export --target onnx --size 1080x1920 --network-size full",
    ),
)(export)
app.command(
    "quantize",
    epilog=example(
        "bfx quantize dist/bokehflow-nano_720x1280_net288x512_fp32.onnx --recipe int8-mixed",
        "bfx quantize dist/bokehflow-nano_720x1280_net288x512_fp32_openvino --calibration clip.mp4",
    ),
)(quantize)
app.command("pack", epilog=example("bfx pack dist/*_openvino dist/*.mlpackage"))(pack)
app.command(
    "validate",
    epilog=example(
        "bfx validate dist/bokehflow-nano_720x1280_net288x512_fp32.onnx",
        "bfx validate dist/*.onnx --images photos --frames 8",
    ),
)(validate)
app.command(
    "benchmark",
    epilog=example(
        "bfx benchmark dist/*.onnx --threads 2 -o benchmark.json",
        "bfx benchmark dist/*_openvino --runtime-arg precision=bf16",
        "bfx benchmark dist/*.onnx --device ssh://pi@raspberrypi --identity ~/.ssh/id_ed25519",
    ),
)(benchmark)
app.command(
    "report",
    epilog=example(
        "bfx report dist/*.onnx dist/*_openvino -o report.html",
        "bfx report dist/*_openvino --data data --images photos --latency benchmark.json --check",
    ),
)(report)
app.command(
    "quality",
    epilog=example("bfx quality -o benchmarks/results", "bfx quality --write-scenes scenes"),
)(quality)
app.command(
    "evaluate",
    epilog=example(
        "bfx evaluate --data data -o benchmarks/results",
        "bfx evaluate --weights nano.safetensors --data data --limit 24 --pairs motorcycle",
        "bfx evaluate --data data --snapshots runs/nano/snapshots --video bikes.mp4",
    ),
)(evaluate)
app.command(
    "render",
    epilog=example(
        "bfx render photo.jpg --depth photo.npy --f-number 1.8 --focus-m 1.5 -o bokeh.jpg",
        "bfx render photo.jpg --depth photo.png --focus-point 50%,40% --depth-out depth.npy",
        "bfx render clip.mp4 --autofocus --f-number 1.4",
        "bfx render frame.png --artifact dist/bokehflow-nano_720x1280_net288x512_fp32.onnx",
    ),
)(render)
app.command(
    "train",
    epilog=example(
        "bfx train configs/nano.toml --data data --out runs/nano --resume --minutes 10",
        "torchrun --nproc-per-node 8 --no-python bfx train configs/base.toml --scan triton "
        "--precision bf16",
    ),
)(train)
app.command("export-weights", epilog=example("bfx export-weights runs/nano -o nano.safetensors"))(
    export_weights
)
app.add_typer(data.app, name="data", epilog=example("bfx data make training --count 100"))
