"""The gated delta scan as one operation: a torch operator, and the ONNX node it becomes.

The node is LinearAttention of ONNX Runtime's contributed operators (domain com.microsoft, version
1) with update rule `gated_delta`: the recurrence of `bokehflow.scan.naive`, with the same layout of
the state. Its scale of 0 would mean 1 / sqrt(key size); ours is 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.scan import chunk_gated_delta

CONTRIB_DOMAIN = "com.microsoft"
LINEAR_ATTENTION = "LinearAttention"


@torch.library.custom_op("bokehflow::linear_attention", mutates_args=())
def linear_attention(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, log_decay: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor]:
    """Scan N sequences of T tokens; the number of heads H is that of the gates.

    q, k: [N, T, H x K], k l2-normalised; v: [N, T, H x V]; state: [N, H, K, V]; log_decay and
    beta: [N, T, H]. Returns o [N, T, H x V] and the final state.
    """
    heads = beta.shape[-1]
    q, k, v_by_head = (x.reshape(*x.shape[:2], heads, -1) for x in (q, k, v))
    o, final = chunk_gated_delta(q, k, v_by_head, log_decay, beta, state)
    return o.flatten(2), final.contiguous()


@linear_attention.register_fake
def _(
    q: Tensor,  # noqa: ARG001
    k: Tensor,  # noqa: ARG001
    v: Tensor,
    state: Tensor,
    log_decay: Tensor,  # noqa: ARG001
    beta: Tensor,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(v), torch.empty_like(state)


def as_onnx_node(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, log_decay: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor]:
    """What `linear_attention` decomposes to on the way to ONNX. It computes nothing by itself."""
    heads = beta.shape[-1]
    o, final = torch.onnx.ops.symbolic_multi_out(
        f"{CONTRIB_DOMAIN}::{LINEAR_ATTENTION}",
        (q, k, v, state, log_decay, beta),
        {
            "update_rule": "gated_delta",
            "q_num_heads": heads,
            "kv_num_heads": heads,
            "scale": 1.0,
        },
        dtypes=(v.dtype, state.dtype),
        shapes=(v.shape, state.shape),
        version=1,
    )
    return o, final


DECOMPOSITIONS = {torch.ops.bokehflow.linear_attention.default: as_onnx_node}
