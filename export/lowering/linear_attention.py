"""The gated delta scan as one operation: a torch operator, and the ONNX node it becomes.

The node is LinearAttention of ONNX Runtime's contributed operators (domain com.microsoft, version
1) with update rule `gated_delta`: the recurrence of `bokehflow.scan.naive`, with the same layout of
the state. Its scale of 0 would mean 1 / sqrt(key size); ours is 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

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


def as_onnx_node(q: Any, k: Any, v: Any, state: Any, log_decay: Any, beta: Any) -> Any:
    """What `linear_attention` becomes on the way to ONNX; all are values of a graph."""
    heads = beta.shape[-1]
    return _onnx_operator()(
        q, k, v, state, log_decay, beta,
        update_rule="gated_delta", q_num_heads=heads, kv_num_heads=heads, scale=1.0,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _onnx_operator() -> Any:
    """The operator as onnxscript calls one; contributed ones are in no list of its own."""
    from onnx.defs import OpSchema
    from onnxscript.values import Op, Opset

    def parameter(name: str) -> OpSchema.FormalParameter:
        return OpSchema.FormalParameter(name, "T")

    schema = OpSchema(
        LINEAR_ATTENTION, CONTRIB_DOMAIN, 1,
        inputs=[parameter(name) for name in ("query", "key", "value", "past", "decay", "beta")],
        outputs=[parameter(name) for name in ("output", "present")],
        type_constraints=[("T", ["tensor(float)", "tensor(float16)"], "")],
        attributes=[
            OpSchema.Attribute("update_rule", OpSchema.AttrType.STRING, required=True),
            OpSchema.Attribute("q_num_heads", OpSchema.AttrType.INT, required=True),
            OpSchema.Attribute("kv_num_heads", OpSchema.AttrType.INT, required=True),
            OpSchema.Attribute("scale", OpSchema.AttrType.FLOAT, required=True),
        ],
    )  # fmt: skip
    return Op(Opset(CONTRIB_DOMAIN, 1), LINEAR_ATTENTION, schema)
