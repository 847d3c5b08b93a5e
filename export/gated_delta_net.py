"""LinearAttention as OpenVINO knows it: a loop over tokens that its compiler fuses into one node.

OpenVINO's GatedDeltaNet is internal: the CPU plugin makes it of a Loop whose body, inputs and
outputs have a certain form (`FuseGDNLoop` and `RemoveConcatSliceAfterLoop` in its common
transformations). This writes that form. Left as a loop it would be unusably slow, so sessions
refuse a compiled model that still holds one. Told to compute in fp16, OpenVINO (2026.4) leaves all
of them, though it fuses those of a model that was made fp16 throughout: what it keeps in fp32 there
seems to hide the form.

The fused node always divides its queries by sqrt(key size); they are multiplied by it before. It
walks through queries and keys once for every column of a state, so on maps of usual size every head
becomes a sequence of its own: its tokens then lie side by side and stay in the cache. OpenVINO
(2026.4) keeps these copies of all layers at once, so large maps stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehflow.export.lowering.linear_attention import CONTRIB_DOMAIN, LINEAR_ATTENTION

LARGEST_APART = 4_000_000
"""Values of queries up to which heads are taken apart: 1.8 million a scan at 288x512. At 1080x1920
the copies would take more memory than all else."""


def conversion_extension(openvino: Any) -> Any:
    """What `Core.add_extension` takes, so that reading ONNX converts LinearAttention nodes."""
    from openvino.frontend.onnx import ConversionExtension

    def convert(node: Any) -> list[Any]:
        return _converted(openvino.opset13, node)

    return ConversionExtension(LINEAR_ATTENTION, CONTRIB_DOMAIN, convert)


def _converted(op: Any, node: Any) -> list[Any]:
    """The two outputs of one LinearAttention node, o [N, T, H x V] and the final state."""
    q, k, v, state, log_decay, beta = (node.get_input(i) for i in range(6))
    key_size = state.get_shape()[2]
    small = np.prod(q.get_shape()) <= LARGEST_APART
    scan = _scan_apart if small else _scan_together
    scaled = op.multiply(q, op.constant(np.float32(key_size**0.5)))
    o, final = scan(op, scaled.output(0), k, v, state, log_decay, beta)
    return [o.output(0), final.output(0)]


def _scan_together(
    op: Any, q: Any, k: Any, v: Any, state: Any, log_decay: Any, beta: Any
) -> tuple[Any, Any]:
    """All heads as they lie, [N, T, H, D]."""
    by_head = _ints(op, [0, 0, int(state.get_shape()[1]), -1])
    q, k, v = (op.reshape(x, by_head, special_zero=True) for x in (q, k, v))
    o, final = _scan(op, q, k, v, state, log_decay, beta)
    return op.reshape(o, _ints(op, [0, 0, -1]), special_zero=True), final


def _scan_apart(
    op: Any, q: Any, k: Any, v: Any, state: Any, log_decay: Any, beta: Any
) -> tuple[Any, Any]:
    """Every head as a sequence of its own, [N x H, T, 1, D]."""
    count, heads, key_size, value_size = state.get_shape()
    tokens, sequences = q.get_shape()[1], count * heads
    together, heads_first = _ints(op, [count, tokens, heads, -1]), _ints(op, [0, 2, 1, 3])

    def apart(x: Any, *size: int) -> Any:
        """[N, T, H x D] as [N x H, T] and the size."""
        by_head = op.transpose(op.reshape(x, together, False), heads_first)
        return op.reshape(by_head, _ints(op, [sequences, tokens, *size]), False)

    q, k, v = apart(q, 1, key_size), apart(k, 1, key_size), apart(v, 1, value_size)
    states = op.reshape(state, _ints(op, [sequences, 1, key_size, value_size]), False)
    o, final = _scan(op, q, k, v, states.output(0), apart(log_decay, 1), apart(beta, 1))
    by_head = op.reshape(o, _ints(op, [count, heads, tokens, value_size]), False)
    flat = op.reshape(op.transpose(by_head, heads_first), _ints(op, [count, tokens, -1]), False)
    return flat, op.reshape(final, _ints(op, [count, heads, key_size, value_size]), False)


def _scan(
    op: Any, q: Any, k: Any, v: Any, state: Any, log_decay: Any, beta: Any
) -> tuple[Any, Any]:
    """The loop and what surrounds it: head-first on the way in, packed on the way out."""
    axis = _ints(op, 0)
    swap, swap_gate = _ints(op, [0, 2, 1, 3]), _ints(op, [0, 2, 1])
    sizes = op.gather(op.shape_of(q), swap, axis)
    key_size = op.convert(op.gather(sizes, _ints(op, 3), axis), "f32")
    scaled = op.divide(op.transpose(q, swap), op.power(key_size, op.constant(np.float32(0.5))))
    sequences = [scaled, op.transpose(k, swap), op.transpose(v, swap)]
    sequences += [op.transpose(gate, swap_gate) for gate in (log_decay, beta)]
    o, final = _loop(op, sequences, state)
    # The two results are packed and taken apart again: the compiler looks for exactly that.
    shape, all_of_it = op.shape_of(sequences[2]), _ints(op, [-1])
    packed = op.concat([op.reshape(x, all_of_it, False) for x in (o, final)], 0)
    count = op.reduce_prod(shape, _ints(op, [0]), True)
    start, step, end = _ints(op, [0]), _ints(op, [1]), _ints(op, [np.iinfo(np.int64).max])
    o = op.reshape(op.slice(packed, start, count, step, start), shape, False)
    final = op.reshape(op.slice(packed, count, end, step, start), op.shape_of(state), False)
    return op.transpose(o, swap), final


def _loop(op: Any, sequences: list[Any], state: Any) -> tuple[Any, Any]:
    """Run the recurrence over axis 2 of q, k, v and both gates. Returns o and the final state."""
    shape = op.shape_of(sequences[2])
    outputs = op.broadcast(op.constant(np.float32(0.0)), shape)
    body, slices, carried, results = _body(op)
    length = op.gather(shape, _ints(op, [2]), _ints(op, 0))
    loop = op.loop(op.convert(length, "i32"), op.constant(np.array([True])))
    loop.set_function(body)
    for parameter, sequence in zip(slices, sequences, strict=True):
        loop.set_sliced_input(parameter, sequence.output(0), 0, 1, 1, -1, 2)
    starts = (state, outputs.output(0))
    for parameter, start, result in zip(carried, starts, results, strict=True):
        loop.set_merged_input(parameter, start, result.output(0))
    loop.set_special_body_ports([0, 0])
    # The order in which they are asked for makes them outputs 0 and 1, as the fusion expects.
    new_state, written = results
    o = loop.get_iter_value(written.output(0), -1)
    return o, loop.get_iter_value(new_state.output(0), -1)


def _body(op: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """One token. Returns the body, the parameters sliced by token, those carried (state and
    outputs), and what they become."""
    from openvino import Model, PartialShape

    def parameter(*shape: int) -> Any:
        return op.parameter(PartialShape(list(shape)), np.float32)

    step = op.parameter([], np.int32)
    q, k, v = (parameter(-1, -1, 1, -1) for _ in range(3))
    log_decay, beta = (parameter(-1, -1, 1) for _ in range(2))
    state, outputs = (parameter(-1, -1, -1, -1) for _ in range(2))
    last, before_last, axis = (op.constant(np.array(x, np.int32)) for x in ([-1], [-2], 2))
    query, key = (op.unsqueeze(op.squeeze(x, axis), last) for x in (q, k))
    decayed = op.multiply(state, op.unsqueeze(op.exp(log_decay), last))
    recalled = op.reduce_sum(op.multiply(decayed, key), before_last, False)
    update = op.multiply(op.subtract(op.squeeze(v, axis), recalled), beta)
    new_state = op.add(decayed, op.multiply(key, op.unsqueeze(update, before_last)))
    read = op.reduce_sum(op.multiply(new_state, query), before_last, True)
    at = op.unsqueeze(step, op.constant(np.array([0], np.int32)))
    written = op.scatter_update(outputs, at, read, axis)
    parameters = [step, q, k, v, state, log_decay, beta, outputs]
    body = Model([op.constant(np.array([True])), new_state, written], parameters, "token")
    return body, [q, k, v, log_decay, beta], [state, outputs], [new_state, written]


def _ints(op: Any, values: Any) -> Any:
    return op.constant(np.array(values, np.int64))
