"""One token of the recurrence and of its gradient, as vector code for one pair of head sizes.

Forward, with S [K, V] before the token, a its decay and b its beta:
    r = S^T k,   u = b (v - a r),   S' = a S + k u^T,   o = S'^T q
Backward, with D the gradient of S' from everything after the token:
    D += q do^T,   du = D^T k,   dv = b du,   dr = -a b du
    dq = a S do + k (u.do),   dk = D u + S dr
    da = <D, S> - b du.r,   db = du.(v - a r),   D = a D + k dr^T
Products from the left and from the right both occur. S is kept transposed on the way back, and D
both ways round: a second update costs less than sums across a vector.

A decay is given as a = h + m, of which h is 1 and m = expm1(log a) where little is lost, and h is 0
elsewhere: near 1, a itself would be rounded by the same part at every token.

Keys may be normalised: k = c x with c = 1 / sqrt(|x|^2 + epsilon), and dx = c (dk - k (k.dk)). The
factor c goes to what k meets, so that x can be read from where it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from numba.core import types
from numba.core.extending import intrinsic

from bokehflow.kernels.cpu_arguments import Arguments
from bokehflow.kernels.cpu_vectors import Sums, Vectors

INPUTS = ("q", "k", "v", "whole", "part", "beta", "epsilon")
PLACES = ("q_at", "k_at", "v_at", "row", "r_at")
"""Where a token's part of each array begins: of q, k and v, of what has a number a token and head,
and of r. Gradients lie where their inputs do, o and its gradient at row x V."""


class TokenSteps(NamedTuple):
    """Compiled steps over flat arrays, given in tuples named as in INPUTS and PLACES.

    n: which of the states S_t is that before the token.
    """

    fetch: Callable[..., None]
    """fetch(inputs, rows, places): have what a later step will read brought near; rows: two arrays
    with V numbers a row."""
    forward: Callable[..., None]
    """forward(S, inputs, (r, o), places): S moved on, r and o written."""
    replay: Callable[..., None]
    """replay(S_t, n, inputs, r, places): S^T number n + 1 from number n."""
    backward: Callable[..., None]
    """backward((D, D_t, S_t), n, inputs, (r, do), grads, places): D moved on, the gradients
    (dq, dk, dv, da, db) written."""


@cache
def token_steps(key_size: int, value_size: int, normalised: bool) -> TokenSteps:
    """The steps for states [key_size, value_size]; normalised: whether to do so with the keys."""
    token = _Token(key_size, value_size, normalised)
    return TokenSteps(_fetch(token), _forward(token), _replay(token), _backward(token))


class _Token(NamedTuple):
    K: int
    V: int
    normalised: bool


def _fetch(token: _Token) -> Any:
    @intrinsic
    def fetch(typing, inputs, rows, places):  # type: ignore[no-untyped-def]  # noqa: ARG001
        """Ask for a coming token's q, k, v and both of its rows, so that they are in the cache."""
        names = (INPUTS, ("first", "second"), PLACES)

        def code(context, builder, signature, values):  # type: ignore[no-untyped-def]
            args = Arguments(context, builder, signature, values, names)
            args.vectors.fetch(args.pointer("q", "q_at"), token.K)
            args.vectors.fetch(args.pointer("k", "k_at"), token.K)
            args.vectors.fetch(args.pointer("v", "v_at"), token.V)
            for name in ("first", "second"):
                args.vectors.fetch(args.pointer(name, "row", times=token.V), token.V)
            return context.get_dummy_value()

        return types.void(inputs, rows, places), code

    return fetch


def _forward(token: _Token) -> Any:
    @intrinsic
    def forward(typing, S, inputs, made, places):  # type: ignore[no-untyped-def]  # noqa: ARG001
        names = (("S",), INPUTS, ("r", "o"), PLACES)

        def code(context, builder, signature, values):  # type: ignore[no-untyped-def]
            _write_forward(Arguments(context, builder, signature, values, names), token)
            return context.get_dummy_value()

        return types.void(S, inputs, made, places), code

    return forward


def _write_forward(args: Arguments, token: _Token) -> None:
    vec, V = args.vectors, token.V
    S, q, k = args.pointer("S"), args.pointer("q", "q_at"), args.pointer("k", "k_at")
    beta, decay = vec.splat(args.number("beta", "row"), V), _decay(args, V)
    scale = vec.splat(_key_scale(args, token), V)
    r = vec.mul(scale, _mixed(vec, k, S, token))
    vec.store_row(r, args.pointer("r", "r_at"))
    unwritten = vec.sub(vec.row(args.pointer("v", "v_at"), V), decay(r))
    u, o = vec.mul(vec.mul(scale, beta), unwritten), Sums(vec)
    for i in range(token.K):
        row = vec.madd(vec.splat(vec.scalar(k, i), V), u, decay(vec.row(S, V, i)))
        vec.store_row(row, S, i)
        o.add_product(vec.splat(vec.scalar(q, i), V), row)
    vec.store_row(o.result(), args.pointer("o", "row", times=V))


def _replay(token: _Token) -> Any:
    @intrinsic
    def replay(typing, S_t, n, inputs, r, places):  # type: ignore[no-untyped-def]  # noqa: ARG001
        names = (("S_t",), ("n",), INPUTS, ("r",), PLACES)

        def code(context, builder, signature, values):  # type: ignore[no-untyped-def]
            _write_replay(Arguments(context, builder, signature, values, names), token)
            return context.get_dummy_value()

        return types.void(S_t, n, inputs, r, places), code

    return replay


def _write_replay(args: Arguments, token: _Token) -> None:
    vec, K = args.vectors, token.K
    S_t = args.pointer("S_t", "n", times=K * token.V)
    key, decay = vec.row(args.pointer("k", "k_at"), K), _decay(args, K)
    v = vec.row(args.pointer("v", "v_at"), token.V)
    r = vec.row(args.pointer("r", "r_at"), token.V)
    strength = vec.splat(vec.mul(_key_scale(args, token), args.number("beta", "row")), token.V)
    u = vec.mul(strength, vec.sub(v, _decay(args, token.V)(r)))
    for j in range(token.V):
        row = vec.madd(vec.splat(vec.part(u, j), K), key, decay(vec.row(S_t, K, j)))
        vec.store_row(row, S_t, token.V + j)


def _backward(token: _Token) -> Any:
    @intrinsic
    def backward(typing, kept, n, inputs, given, grads, places):  # type: ignore[no-untyped-def]  # noqa: ARG001
        kept_names, grad_names = ("D", "D_t", "S_t"), ("dq", "dk", "dv", "da", "db")
        names = (kept_names, ("n",), INPUTS, ("r", "do"), grad_names, PLACES)

        def code(context, builder, signature, values):  # type: ignore[no-untyped-def]
            _write_backward(Arguments(context, builder, signature, values, names), token)
            return context.get_dummy_value()

        return types.void(kept, n, inputs, given, grads, places), code

    return backward


def _write_backward(args: Arguments, token: _Token) -> None:
    vec, (K, V, _) = args.vectors, token
    D, D_t, S_t = args.pointer("D"), args.pointer("D_t"), args.pointer("S_t", "n", times=K * V)
    q, k = args.pointer("q", "q_at"), args.pointer("k", "k_at")
    b, c, decay = args.number("beta", "row"), _key_scale(args, token), _decay(args, V)
    r, do_at = vec.row(args.pointer("r", "r_at"), V), args.pointer("do", "row", times=V)
    do, beta, scale = vec.row(do_at, V), *(vec.splat(x, V) for x in (b, c))

    read = Sums(vec)
    for i in range(K):
        row = vec.madd(vec.splat(vec.scalar(q, i), V), do, vec.row(D, V, i))
        vec.store_row(row, D, i)
        read.add_product(vec.splat(vec.scalar(k, i), V), row)
    du = vec.mul(scale, read.result())
    dv = vec.mul(beta, du)
    vec.store_row(dv, args.pointer("dv", "v_at"))
    minus_dr = decay(dv)
    unwritten = vec.sub(vec.row(args.pointer("v", "v_at"), V), decay(r))
    u = vec.mul(beta, unwritten)
    vec.store_number(vec.total(vec.mul(du, unwritten)), args.pointer("db", "row"))

    key, query, along_keys = vec.mul(vec.splat(c, K), vec.row(k, K)), vec.row(q, K), _decay(args, K)
    S_do, D_u, S_dr, overlap = (Sums(vec, 2) for _ in range(4))
    for j in range(V):
        state, do_j = vec.row(S_t, K, j), vec.splat(vec.scalar(do_at, j), K)
        dr_j, u_j = (vec.splat(vec.part(x, j), K) for x in (minus_dr, u))
        row = vec.madd(do_j, query, vec.row(D_t, K, j))
        S_do.add_product(do_j, state)
        S_dr.add_product(dr_j, state)
        D_u.add_product(u_j, row)
        overlap.add_product(row, state)
        vec.store_row(vec.sub(along_keys(row), vec.mul(dr_j, key)), D_t, j)
    u_do = vec.splat(vec.total(vec.mul(u, do)), K)
    dq = vec.madd(u_do, key, along_keys(S_do.result()))
    vec.store_row(dq, args.pointer("dq", "q_at"))
    dk = vec.sub(D_u.result(), S_dr.result())
    if token.normalised:
        along = vec.splat(vec.total(vec.mul(key, dk)), K)
        dk = vec.mul(vec.splat(c, K), vec.sub(dk, vec.mul(along, key)))
    vec.store_row(dk, args.pointer("dk", "k_at"))
    da = vec.sub(vec.total(overlap.result()), vec.total(vec.mul(dv, r)))
    vec.store_number(da, args.pointer("da", "row"))
    scaled = vec.mul(scale, minus_dr)
    for i in range(K):
        row = vec.sub(decay(vec.row(D, V, i)), vec.mul(vec.splat(vec.scalar(k, i), V), scaled))
        vec.store_row(row, D, i)


def _decay(args: Arguments, size: int) -> Callable[[Any], Any]:
    """What makes a of a vector x of `size` numbers a x, for the token's decay a."""
    vec = args.vectors
    whole, part = (vec.splat(args.number(name, "row"), size) for name in ("whole", "part"))
    return lambda x: vec.decayed(whole, part, x)


def _key_scale(args: Arguments, token: _Token) -> Any:
    """What the token's key is multiplied by."""
    vec = args.vectors
    if not token.normalised:
        return vec.constant(1.0)
    key = vec.row(args.pointer("k", "k_at"), token.K)
    return vec.inverse_root(vec.add(vec.total(vec.mul(key, key)), args.value("epsilon")))


def _mixed(vec: Vectors, weights: Any, matrix: Any, token: _Token) -> Any:
    """weights^T matrix, [V], of a matrix [K, V]."""
    total = Sums(vec)
    for i in range(token.K):
        total.add_product(vec.splat(vec.scalar(weights, i), token.V), vec.row(matrix, token.V, i))
    return total.result()
