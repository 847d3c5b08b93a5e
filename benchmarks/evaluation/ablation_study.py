"""One network with an idea taken away: a short run, and what it comes to on held-out stills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bokehflow.benchmarks.evaluation.headline import headline
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.tables import NOT_RUN, Table
from bokehflow.calibration.data.folder import FoundClip, FoundClips
from bokehflow.model import BokehFlow, ModelConfig
from bokehflow.scan import ScanConfig
from bokehflow.specs import MOBILE_PROFILE, find_variant
from bokehflow.training import OptimiserConfig, StageConfig, TrainConfig, TrainOptions, train
from bokehflow.training.ablate import ablate
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.loop import FINISHED
from bokehflow.training.perceptual import PerceptualDistance
from bokehflow.weights import WeightsInfo, weights_sha256
from bokehflow.weights.initial import initial_network

BATCH = 8
PICTURE_SHARE = 1 / 3
"""Of the steps; the rest trains depth alone, as a whole run does."""
LEARNING_RATE = 2e-3
"""AdamW's, in runs as short as these; `configs/nano.toml` had it with AdamW, too, before it took
Muon. The document's 3e-4 is for runs of 200,000 steps."""
WARMUP_SHARE = 0.1
EMA_DECAY = 0.99
"""A short run has no thousand steps to average over."""


@dataclass(frozen=True, slots=True)
class AblationResult:
    """One network after its run; the figures of `Headline` are None while it is not finished."""

    ablation: str
    parameters: int
    steps: int
    aligned_abs_rel: float | None = None
    aligned_delta1: float | None = None
    silog: float | None = None
    edge_f1: float | None = None
    end_to_end_psnr_db: float | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the network went all its steps, and was judged."""
        return self.aligned_abs_rel is not None


def short_config(variant: str, steps: int, ablation: str, sizes: Sequence[str]) -> TrainConfig:
    """The same run for every ablation. Raises UsageError for fewer than two steps."""
    picture = max(1, round(steps * PICTURE_SHARE))
    stages = (
        StageConfig("depth", steps - picture, tuple(sizes), BATCH),
        StageConfig("picture", picture, tuple(sizes), BATCH, rendering="predicted_depth"),
    )
    optimiser = OptimiserConfig(
        learning_rate=LEARNING_RATE, warmup_steps=round(steps * WARMUP_SHARE)
    )
    return TrainConfig(
        stages, variant, ema_decay=EMA_DECAY, ablation=ablation, optimiser=optimiser,
        snapshot_every=steps,
    )  # fmt: skip


def run_ablation(
    config: TrainConfig,
    clips: FoundClips,
    stills: Sequence[FoundClip],
    options: TrainOptions,
    distance: PerceptualDistance,
) -> AblationResult:
    """Train for one slice; judge the averaged weights where the run is finished.

    Raises what `train` raises, KeyboardInterrupt after a signal, and InputError where no still
    tells its depth.
    """
    report = train(config, clips, options)
    if report.signal_number:
        raise KeyboardInterrupt
    network = ablate(initial_network(find_variant(config.variant)), config.ablation)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if report.stopped != FINISHED:
        return AblationResult(config.ablation, parameters, report.step)
    averaged = read_checkpoint(options.out).averaged
    network.load_state_dict(averaged)
    info = WeightsInfo(config.variant, True, weights_sha256(averaged), config.canonical_fov_deg)
    settings = ModelConfig(network_size=MOBILE_PROFILE, scan=ScanConfig())
    sight = Sight(BokehFlow(network.eval(), info, settings))
    figures = asdict(headline(sight, stills, distance))
    return AblationResult(config.ablation, parameters, report.step, **figures)


def ablation_table(results: Sequence[AblationResult]) -> Table:
    """One row a network."""

    def cell(value: float | None) -> str:
        return NOT_RUN if value is None else f"{value:.3f}"

    rows = [
        (
            result.ablation,
            f"{result.parameters:,}",
            str(result.steps),
            cell(result.aligned_abs_rel),
            cell(result.aligned_delta1),
            cell(result.silog),
            cell(result.edge_f1),
            cell(result.end_to_end_psnr_db),
        )
        for result in results
    ]
    figures = ("aligned AbsRel", "aligned delta1", "SILog", "edge F1", "end-to-end PSNR dB")
    return Table("Ablations, equal budget", ("without", "parameters", "steps", *figures), rows)
