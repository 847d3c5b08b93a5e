"""A real photo with measured depth, written where `bfx render` can try it.

`python -m bokehflow.calibration.demo_photo FOLDER` writes motorcycle.png and motorcycle_depth.npy.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bokehflow.atomic import make_folder
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.media import write_depth, write_photo


def write_demo_photo(folder: Path) -> tuple[Path, Path]:
    """Write the left photo of the Motorcycle pair and its depth in metres; return both paths.

    Raises OutputError where the folder cannot be written.
    """
    make_folder(folder)
    photo, depth = folder / "motorcycle.png", folder / "motorcycle_depth.npy"
    pair = motorcycle()
    write_photo(photo, pair.left)
    write_depth(depth, pair.depth_m)
    return photo, depth


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a real photo and its measured depth.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    print(*write_demo_photo(parser.parse_args().folder))
