"""What reading a damaged file raises, whichever library reads it."""

from __future__ import annotations

import pickle
import tokenize
import zipfile
import zlib

ARCHIVE_DAMAGE = (
    OSError,
    ValueError,
    LookupError,  # a member that is not there, or a pickle of nonsense
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,  # an entry that says it is encrypted; RecursionError is one
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Of NumPy's `.npz` and torch's files, both ZIP archives, and of what is taken out of them."""

ARRAY_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    SyntaxError,
    OverflowError,
    tokenize.TokenError,
)
"""Of NumPy's `.npy` files: it parses the header as Python, and makes sizes of it."""


def damage_in(error: Exception) -> str:
    """What to say of one of these. Of a file that is no archive NumPy recommends to unpickle it."""
    return "it is no archive of arrays" if "allow_pickle" in str(error) else str(error)
