"""What must hold before any test module is imported."""

from __future__ import annotations

import os

import torch

# Without a GPU the Triton kernels run in Triton's interpreter. It is chosen when Triton is first
# imported, which some test module may do before the kernels' own tests.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
