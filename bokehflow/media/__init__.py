"""Photos, depth maps, EXIF lenses and videos, in and out, with plain errors and atomic writes."""

from bokehflow.media.cuts import CutFinder
from bokehflow.media.depth_file import DEPTH_SUFFIXES, read_depth, write_depth
from bokehflow.media.exif import ExifCamera, read_exif_camera
from bokehflow.media.photo import READABLE_SUFFIXES, WRITABLE_SUFFIXES, read_photo, write_photo
from bokehflow.media.side_by_side import side_by_side
from bokehflow.media.video_info import VideoInfo
from bokehflow.media.video_reader import VIDEO_SUFFIXES, Frame, Video, open_video
from bokehflow.media.video_writer import VIDEO_FORMATS, VideoWriter, open_video_writer

__all__ = [
    "DEPTH_SUFFIXES",
    "READABLE_SUFFIXES",
    "VIDEO_FORMATS",
    "VIDEO_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "CutFinder",
    "ExifCamera",
    "Frame",
    "Video",
    "VideoInfo",
    "VideoWriter",
    "open_video",
    "open_video_writer",
    "read_depth",
    "read_exif_camera",
    "read_photo",
    "side_by_side",
    "write_depth",
    "write_photo",
]
