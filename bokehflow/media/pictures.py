"""Opening a picture with Pillow, every way in which its decoders fail told as one error."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from bokehflow.errors import MediaError
from bokehflow.media.heif import is_heif, register_heif
from bokehflow.regular import require_regular

# Everything Pillow's decoders are known to raise on files that are damaged or not pictures;
# RuntimeError comes from that of AVIF.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@contextlib.contextmanager
def opened_picture(path: Path, kind: str) -> Iterator[Image.Image]:
    """Yield the picture; its pixels and its tags are decoded in the block.

    kind: what the file should be, for messages. Raises MediaError where it is missing, a folder, no
    picture, or damaged, also where that shows in the block only; MissingDependencyError for a HEIC
    picture without the package that decodes it. A picture of more pixels than Pillow decodes is
    refused as that.
    """
    require_regular(path, kind, MediaError)
    try:
        if is_heif(path):
            register_heif(path)
        with warnings.catch_warnings():
            # Pillow warns above 89 megapixels and refuses above 179; only the refusal matters here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # It warns of damaged tags, too, and goes on without them.
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as picture:
                yield picture
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", kind) from None
    except IsADirectoryError:
        raise MediaError(f"{path} is a folder", kind) from None
    except UnidentifiedImageError:
        raise MediaError(f"{path} cannot be read: it is not a picture", kind) from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise MediaError(
            f"{path} cannot be read: it holds too many pixels", f"at most {most:,}", "scale it down"
        ) from None
    except _DECODE_ERRORS as error:
        raise MediaError(
            f"{path} cannot be read: {error}", "a whole picture", "copy or export it again"
        ) from error
