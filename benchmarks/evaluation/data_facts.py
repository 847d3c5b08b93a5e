"""What data a record rests on: made by us, or imported."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bokehflow.calibration.data.clip import ClipInfo
from bokehflow.calibration.data.clip_file import CLIP_SUFFIX, read_info
from bokehflow.calibration.data.hashing import file_sha256
from bokehflow.calibration.data.manifest import MANIFEST, clip_paths, read_manifest
from bokehflow.errors import InputError
from bokehflow.media.listing import files_ending_in


def data_facts(folder: Path) -> list[dict[str, object]]:
    """What every manifest under a data folder says: folder, request, counts, licences, SHA-256.

    Imported clips have no manifest and no request: of those that can be read the same is told
    folder by folder. Raises InputError for a damaged manifest.
    """
    facts = []
    listed = files_ending_in((CLIP_SUFFIX, Path(MANIFEST).suffix), folder, within=True)
    manifests = [path for path in listed if path.name == MANIFEST]
    made = {clip for path in manifests for clip in clip_paths(path.parent)}
    for path in manifests:
        document = read_manifest(path.parent).document()
        facts.append(
            {
                "folder": path.parent.relative_to(folder).as_posix(),
                "manifest_sha256": file_sha256(path),
                **{key: document[key] for key in ("request", "counts", "licences")},
            }
        )
    clips = [path for path in listed if path.suffix.lower() == CLIP_SUFFIX]
    # By folder: a path in a folder within it may come between two of its own.
    imported = sorted((path for path in clips if path not in made), key=lambda p: (p.parent, p))
    for place, paths in itertools.groupby(imported, lambda path: path.parent):
        infos = [info for path in paths if (info := _readable(path)) is not None]
        if infos:
            facts.append(_imported_facts(place.relative_to(folder).as_posix(), infos))
    return facts


def _readable(path: Path) -> ClipInfo | None:
    try:
        return read_info(path)
    except InputError:
        return None


def _imported_facts(name: str, infos: Sequence[ClipInfo]) -> dict[str, object]:
    counted = Counter((info.source, info.split) for info in infos)
    counts: dict[str, dict[str, int]] = {}
    for (source, split), number in sorted(counted.items()):
        counts.setdefault(source, {})[split] = number
    works = {asset for info in infos for asset in info.assets}
    return {
        "folder": name,
        "manifest_sha256": None,
        "request": None,
        "counts": counts,
        "licences": dict(Counter(work.licence for work in works)),
    }
