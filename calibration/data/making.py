"""Make the clips of a data folder: in this process, in several or on Ray, from where it stopped.

A clip's bytes depend on the request, its source and its number, and on nothing else: not on who
shares the work, nor on how often it was interrupted.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bokehflow.atomic import make_folder
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.manifest import (
    Manifest,
    require_undamaged,
    scan_folder,
    start_manifest,
    write_manifest,
)
from bokehflow.calibration.data.material import NO_MATERIAL, Material
from bokehflow.calibration.data.ray_jobs import on_ray
from bokehflow.calibration.data.request import CLIPS_PER_GROUP, ClipKey, DataRequest
from bokehflow.calibration.data.sources import open_group, require_sources
from bokehflow.calibration.data.split import HELD_OUT_EVERY, SPLITS
from bokehflow.child import end_with_parent, shut_down
from bokehflow.errors import DeviceError, OutputError, UsageError
from bokehflow.sole_use import sole_use


@dataclass(frozen=True, slots=True)
class Job:
    """The clips of one group that are still to be made; what one process does at a time."""

    folder: Path
    request: DataRequest
    keys: tuple[ClipKey, ...]
    material: Material


def wanted_keys(
    sources: Sequence[str], count: int, splits: Sequence[str] = SPLITS
) -> list[ClipKey]:
    """The first `count` clips of each source, those of `splits` only.

    Raises UsageError for fewer than one, and where none of so few is of those splits.
    """
    if count < 1:
        raise UsageError(f"{count} clips a source", "at least 1")
    keys = [ClipKey(source, index) for source in sources for index in range(count)]
    kept = [key for key in keys if key.split in splits]
    if not kept:
        raise UsageError(
            f"no {' or '.join(splits)} clip among the first {count}",
            f"a count above {(HELD_OUT_EVERY - 1) * CLIPS_PER_GROUP}",
        )
    return kept


def missing_jobs(
    folder: Path, request: DataRequest, keys: Iterable[ClipKey], material: Material
) -> list[Job]:
    """What is not there yet, by group. A clip that has its name is whole (see `atomic_file`)."""
    groups: dict[tuple[str, int], list[ClipKey]] = defaultdict(list)
    for key in keys:
        if not (folder / key.path).exists():
            groups[key.source, key.group].append(key)
    return [Job(folder, request, tuple(group), material) for group in groups.values()]


def run_job(job: Job, is_given_up: Callable[[], bool] = lambda: False) -> int:
    """Make the clips of a job, each written as soon as it is made, until the work is given up;
    returns how many."""
    first = job.keys[0]
    done = 0
    with _one_thread():
        group = open_group(job.request, first.source, first.group, job.material)
        for key in job.keys:
            if is_given_up():
                break
            write_clip(job.folder / key.path, group.clip(key.index))
            done += 1
    return done


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
    workers: int | None = None,
    made: Callable[[int], None] = lambda _: None,
    material: Material = NO_MATERIAL,
    ray: str | None = None,
    splits: Sequence[str] = SPLITS,
) -> Manifest:
    """Make what is missing of the first `count` clips of each source, and the manifest.

    workers: jobs at a time; when left out 1, or with Ray as many as it has processors. material:
    the user's own photos and cut-outs, whose hashes the request holds. ray: see `on_ray`; its
    machines share the folder and the material at the same paths. made: told how many clips are new
    or were there already, as the work goes on. splits: clips of others are passed over. An
    interrupt leaves whole clips only and a manifest of them; the same call goes on from there.
    Raises UsageError for a folder of another request and for one that is being made elsewhere, and
    what the sources and Ray raise.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers", "at least 1")
    assert request.photos_sha256 == material.photos_sha256
    assert request.cutouts_sha256 == material.cutouts_sha256
    keys = wanted_keys(sources, count, splits)
    require_sources(sources)
    with sole_use(folder, "bfx data make", "give it more --workers"):
        known = start_manifest(folder, request)
        require_undamaged(folder)
        for source in sources:
            make_folder(folder / source)
        jobs = missing_jobs(folder, request, keys, material)
        made(len(keys) - sum(len(job.keys) for job in jobs))
        try:
            for number in _results(jobs, workers, ray):
                made(number)
            _require_made(folder, keys)
        except BaseException:
            # Where a full disk kept a clip out it may keep the manifest out: the clip is told.
            with contextlib.suppress(OutputError):
                write_manifest(folder, scan_folder(folder, request, known, skip_bad=True))
            raise
        manifest = scan_folder(folder, request, known)
        write_manifest(folder, manifest)
    return manifest


def _require_made(folder: Path, keys: Iterable[ClipKey]) -> None:
    """Raise DeviceError where another machine wrote to a folder of its own."""
    if not all((folder / key.path).exists() for key in keys):
        raise DeviceError(
            f"clips were made that did not come to {folder}", "a folder that all machines share"
        )


def _results(jobs: Sequence[Job], workers: int | None, ray: str | None) -> Iterable[int]:
    """The results of all jobs as they come."""
    if ray is not None:
        yield from on_ray(run_job, jobs, ray, workers)
        return
    workers = workers or 1
    if workers == 1 or len(jobs) <= 1:
        yield from map(run_job, jobs)
        return
    # Fresh interpreters: a forked one would share Mitsuba's and torch's half-locked threads.
    context = multiprocessing.get_context("spawn")
    # No lock, which a process that is ended from outside could leave closed.
    given_up = context.RawValue("b", 0)
    pool = concurrent.futures.ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=context,
        initializer=_start_worker,
        initargs=(given_up,),
    )
    try:
        with _born_deaf():
            futures = [pool.submit(_run_in_worker, job) for job in jobs]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise DeviceError(
            "a process that makes clips was ended from outside, as where memory runs out",
            remedy="run the same command again, with fewer --workers",
        ) from error
    finally:
        given_up.value = 1
        shut_down(pool)


@contextlib.contextmanager
def _born_deaf() -> Iterator[None]:
    """Processes that start here do not hear Ctrl-C while they import, before `_start_worker`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: dict[str, Any] = {}
"""In a worker, `given_up`: a number that is 1 when the parent wants no more clips."""


def _start_worker(given_up: Any) -> None:
    # The parent decides when to stop; a worker finishes its clip, so that none is half made.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _worker["given_up"] = given_up


def _run_in_worker(job: Job) -> int:
    return run_job(job, lambda: bool(_worker["given_up"].value))
