"""The one form of JSON that commands print and result files hold."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping


def json_text(document: Mapping[str, object]) -> str:
    """`document` as JSON text. Raises ValueError for NaN or infinity, which JSON does not know."""
    return json.dumps(document, indent=2, allow_nan=False, default=os.fspath)
