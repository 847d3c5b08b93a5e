"""How much noise each quantized layer adds of its own, ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bokehflow.calibration.sample_set import Float32, SampleSet
from bokehflow.quantize.format import Format, M
from bokehflow.quantize.layers import NOISE, SIGNAL, LayerNoise
from bokehflow.runtimes.comparison import decibels
from bokehflow.temporary import temporary_folder

SAMPLES = 4
"""Spread over the set. The ranking hardly changes with more; the time does."""


def rank_layers(form: Format[M], quantized: M, original: M, samples: SampleSet) -> list[LayerNoise]:
    """Every quantized layer with its own SQNR on some of the samples, the noisiest first."""
    measuring = form.with_noise_outputs(quantized, original)
    with temporary_folder() as folder:
        session = form.open(measuring, folder)
        noises = ranked(session.run, samples)
        del session
    return noises


def ranked(
    run: Callable[[Mapping[str, Float32]], Mapping[str, Float32]], samples: SampleSet
) -> list[LayerNoise]:
    """As `rank_layers`, by whatever runs a model with outputs NOISE and SIGNAL."""
    powers: dict[str, float] = {}
    for index in spread(len(samples), SAMPLES):
        for name, value in run(samples.feeds(index)).items():
            if name.startswith((NOISE, SIGNAL)):
                powers[name] = powers.get(name, 0.0) + float(value)
    layers = [name.removeprefix(NOISE) for name in powers if name.startswith(NOISE)]
    noises = [
        LayerNoise(layer, round(decibels(powers[SIGNAL + layer], powers[NOISE + layer]), 2))
        for layer in layers
    ]
    return sorted(noises, key=lambda noise: (noise.sqnr_db, noise.layer))


def spread(length: int, count: int) -> list[int]:
    """At most `count` places in a list of a length, evenly spread, the last one included."""
    count = min(count, length)
    return [(i + 1) * length // count - 1 for i in range(count)]
