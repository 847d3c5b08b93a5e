"""Make the clips of a data folder: in this process or in several, from where it stopped.

A clip's bytes depend on the request, its source and its number, and on nothing else: not on how
many processes share the work, nor on how often it was interrupted.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.manifest import (
    Manifest,
    scan_folder,
    start_manifest,
    write_manifest,
)
from bokehflow.calibration.data.material import NO_MATERIAL, Material
from bokehflow.calibration.data.request import ClipKey, DataRequest
from bokehflow.calibration.data.sources import open_group, require_sources
from bokehflow.errors import UsageError
from bokehflow.media.atomic import output_errors


@dataclass(frozen=True, slots=True)
class Job:
    """The clips of one group that are still to be made; what one process does at a time."""

    folder: Path
    request: DataRequest
    keys: tuple[ClipKey, ...]
    material: Material


def wanted_keys(sources: Sequence[str], count: int) -> list[ClipKey]:
    """The first `count` clips of each source. Raises UsageError for fewer than one."""
    if count < 1:
        raise UsageError(f"{count} clips a source", "at least 1")
    return [ClipKey(source, index) for source in sources for index in range(count)]


def missing_jobs(
    folder: Path, request: DataRequest, keys: Iterable[ClipKey], material: Material
) -> list[Job]:
    """What is not there yet, by group. A clip that has its name is whole (see `atomic_file`)."""
    groups: dict[tuple[str, int], list[ClipKey]] = defaultdict(list)
    for key in keys:
        if not (folder / key.path).exists():
            groups[key.source, key.group].append(key)
    return [Job(folder, request, tuple(group), material) for group in groups.values()]


def run_job(job: Job) -> int:
    """Make the clips of a job, each written as soon as it is made; returns how many."""
    first = job.keys[0]
    with _one_thread():
        group = open_group(job.request, first.source, first.group, job.material)
        for key in job.keys:
            write_clip(job.folder / key.path, group.clip(key.index))
    return len(job.keys)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: the pictures are so small that sharing one takes far longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def make_data(
    folder: Path,
    request: DataRequest,
    sources: Sequence[str],
    count: int,
    workers: int = 1,
    made: Callable[[int], None] = lambda _: None,
    material: Material = NO_MATERIAL,
) -> Manifest:
    """Make what is missing of the first `count` clips of each source, and the manifest.

    material: the user's own photos and cut-outs, whose hashes the request holds. made: told how
    many clips are new or were there already, as the work goes on. An interrupt leaves whole clips
    only and a manifest of them; the same call goes on from there. Raises UsageError for a folder of
    another request, and what the sources raise.
    """
    if workers < 1:
        raise UsageError(f"{workers} workers", "at least 1")
    assert request.photos_sha256 == material.photos_sha256
    assert request.cutouts_sha256 == material.cutouts_sha256
    keys = wanted_keys(sources, count)
    require_sources(sources)
    start_manifest(folder, request)
    for source in sources:
        with output_errors(folder / source):
            (folder / source).mkdir(exist_ok=True)
    jobs = missing_jobs(folder, request, keys, material)
    made(len(keys) - sum(len(job.keys) for job in jobs))
    try:
        for number in _results(jobs, workers):
            made(number)
    finally:
        manifest = scan_folder(folder, request)
        write_manifest(folder, manifest)
    return manifest


def _results(jobs: Sequence[Job], workers: int) -> Iterable[int]:
    """The results of all jobs as they come."""
    if workers == 1 or len(jobs) <= 1:
        yield from map(run_job, jobs)
        return
    # Fresh interpreters: a forked one would share Mitsuba's and torch's half-locked threads.
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context, initializer=_start_worker
    )
    try:
        futures = [pool.submit(run_job, job) for job in jobs]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # The parent decides when to stop; a worker finishes its group, so that no clip is half made.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
