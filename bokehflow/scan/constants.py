"""Fixed matrices of the chunked scan, built with NumPy so that a traced graph has them as data."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_NUMPY_DTYPES = {torch.float64: np.float64, torch.float16: np.float16}


def identity(size: int, like: Tensor) -> Tensor:
    """[size, size] identity in the dtype and on the device of `like`."""
    return _constant(np.eye(size), like)


def upper_ones(size: int, like: Tensor) -> Tensor:
    """[size, size] ones on and above the diagonal: x @ this is cumsum(x) along the last axis."""
    return _constant(np.triu(np.ones((size, size))), like)


def lower_ones(size: int, like: Tensor) -> Tensor:
    """[size, size] ones on and below the diagonal: the tokens up to and including each one."""
    return _constant(np.tril(np.ones((size, size))), like)


def strictly_lower_ones(size: int, like: Tensor) -> Tensor:
    """[size, size] ones below the diagonal: the tokens before each one."""
    return _constant(np.tril(np.ones((size, size)), -1), like)


def state_rows(key_size: int, width: int, like: Tensor) -> Tensor:
    """[width, width] identity for the first `key_size` rows, zeros below."""
    return _constant(np.diag((np.arange(width) < key_size).astype(np.float64)), like)


def unit_rows(key_size: int, width: int, like: Tensor) -> Tensor:
    """[width, width] zeros for the first `key_size` rows, identity below."""
    return _constant(np.diag((np.arange(width) >= key_size).astype(np.float64)), like)


def level_mask(size: int, block: int, like: Tensor) -> Tensor:
    """[size, size] ones where block 21 of every 2 x block square on the diagonal lies."""
    row, column = np.arange(size)[:, None], np.arange(size)[None, :]
    same_pair = row // (2 * block) == column // (2 * block)
    lower = (row // block) % 2 > (column // block) % 2
    return _constant((same_pair & lower).astype(np.float64), like)


def _constant(array: np.ndarray[tuple[int, ...], np.dtype[np.float64]], like: Tensor) -> Tensor:
    return torch.from_numpy(array.astype(_NUMPY_DTYPES.get(like.dtype, np.float32))).to(like)
