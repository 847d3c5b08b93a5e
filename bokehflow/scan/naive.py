"""The gated delta rule one token at a time: the truth every other form is compared with.

Source: founding document, section 3.1; Yang et al., "Gated Delta Networks" (arXiv 2412.06464),
equation 10. The state is kept transposed, [K, V], as in fla and ONNX.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.scan.inputs import ScanInputs, check_sequences, in_widest_dtype


def naive_gated_delta(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Run S_t = a_t (I - b_t k_t k_t^T) S_{t-1} + b_t k_t v_t^T and o_t = S_t^T q_t.

    q, k: [B, T, H, K]; v: [B, T, H, V]; k is expected to be l2-normalised, no scale is applied.
    log_decay: [B, T, H], the natural logarithm of the decay a, <= 0.
    beta: [B, T, H], in 0..1.
    initial_state: [B, H, K, V], zeros when None.
    Returns o [B, T, H, V] and the final state [B, H, K, V], in the widest dtype of the inputs.
    Raises SizeError for shapes that do not fit, UsageError for numbers that are not floating point.
    """
    inputs = ScanInputs(q, k, v, log_decay, beta)
    check_sequences(inputs, initial_state)
    (q, k, v, log_decay, beta), initial_state = in_widest_dtype(inputs, initial_state)
    batch, length, heads, key_size = k.shape
    state = initial_state
    if state is None:
        state = v.new_zeros(batch, heads, key_size, v.shape[-1])
    outputs = []
    for t in range(length):
        key, value, b = k[:, t, :, :, None], v[:, t, :, None, :], beta[:, t, :, None, None]
        recalled = (key * state).sum(-2, keepdim=True)
        decay = log_decay[:, t, :, None, None].exp()
        state = decay * (state - b * key * recalled) + b * key * value
        outputs.append((q[:, t, :, :, None] * state).sum(-2))
    return torch.stack(outputs, dim=1), state
