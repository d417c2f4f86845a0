"""Attention of com.microsoft against onnxruntime's kernels."""
from case import Case, Const, f32, ints, np


def case(op, inputs, attrs=None, **options):
    return Case(op, inputs, attrs or {}, domain="com.microsoft", oracle="ort", **options)


B, N, S, L, D = 2, 4, 5, 7, 8
HIDDEN = N * D
# Sizes that are equal by chance would be one symbol.
KEEP = (B, N, D, HIDDEN, 3 * HIDDEN)
CASES = []


# ---- MultiHeadAttention ----
def multi(query, key=None, value=None, bias=None, padding=None, added=None, past=(), outputs=1, name="", **attrs):
    inputs = [query, key, value, bias, padding, added, *past]
    while inputs[-1] is None:
        inputs.pop()
    return case("MultiHeadAttention", inputs, {"num_heads": N, **attrs}, outputs=outputs, keep=KEEP + (6 * N,), name=name)


Q, K, V = f32(B, S, HIDDEN), f32(B, L, HIDDEN, seed=1), f32(B, L, HIDDEN, seed=2)
BIAS, PAST = Const(f32(3 * HIDDEN, seed=3)), [f32(B, N, 3, D, seed=4), f32(B, N, 3, D, seed=5)]
LENGTHS, PADDING = np.int32([4, 7]), np.int32([[1] * 4 + [0] * 3, [1] * 7])
CASES += [
    multi(Q, K, V, name="plain"), multi(Q, K, V, BIAS, name="bias"), multi(Q, K, V, scale=0.3, name="scale"), multi(Q, K, f32(B, L, 6 * N, seed=2), name="larger values"),
    multi(Q, K, V, padding=PADDING, name="padding"), multi(Q, K, V, BIAS, padding=LENGTHS, name="lengths"), multi(Q, K, V, padding=PADDING, mask_filter_value=-100.0, name="soft padding"),
    multi(Q, K, V, padding=np.repeat(PADDING[:, None], S, 1), name="padding per query"),
    multi(Q, K, V, added=f32(B, N, S, L, seed=6), name="added"), multi(Q, K, V, added=f32(1, N, S, L, seed=6), padding=PADDING, name="added for all rows"), multi(Q, K, V, added=f32(1, 1, S, L, seed=6), name="added for all heads"),
    multi(Q, f32(B, S, HIDDEN, seed=1), f32(B, S, HIDDEN, seed=2), unidirectional=1, name="causal"),
    multi(Q, f32(B, N, L, D, seed=1), f32(B, N, L, D, seed=2), name="split keys"), multi(Q, f32(B, S, HIDDEN, seed=1), f32(B, S, HIDDEN, seed=2), BIAS, past=PAST, outputs=3, name="past"),
    multi(Q, f32(B, S, HIDDEN, seed=1), f32(B, S, HIDDEN, seed=2), outputs=3, name="present"), multi(Q, f32(B, S, HIDDEN, seed=1), f32(B, S, HIDDEN, seed=2), past=PAST, outputs=3, unidirectional=1, name="past, causal"),
    multi(Q, f32(B, S, HIDDEN, seed=1), f32(B, S, HIDDEN, seed=2), padding=np.int32([[1] * 5 + [0] * 3, [1] * 8]), past=PAST, outputs=3, name="past, padding"),
]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attend(q, k, v):
    """[batch, heads, sequence, head] each."""
    y = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(np.float32(q.shape[-1]))) @ v
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1)


PACKED = f32(B, S, N, 3, D)
CASES += [
    case("MultiHeadAttention", [PACKED], {"num_heads": N}, keep=KEEP, expect=lambda x: attend(*(x[:, :, :, i].transpose(0, 2, 1, 3) for i in range(3))), name="all packed"),
    case("MultiHeadAttention", [Q, f32(B, L, N, 2, D)], {"num_heads": N}, keep=KEEP, expect=lambda q, x: attend(q.reshape(B, S, N, D).transpose(0, 2, 1, 3), *(x[:, :, :, i].transpose(0, 2, 1, 3) for i in range(2))), name="key and value packed"),
]


# ---- Attention ----
def plain(x, bias=True, mask=None, past=None, added=None, outputs=1, columns=3 * HIDDEN, name="", **attrs):
    inputs = [x, Const(f32(x.shape[2], columns, seed=1) / 4), Const(f32(columns, seed=2)) if bias else None, mask, past, added]
    while inputs[-1] is None:
        inputs.pop()
    return case("Attention", inputs, {"num_heads": N, **attrs}, outputs=outputs, keep=KEEP + (20,), name=name)


X, CACHE = f32(B, S, 20), f32(2, B, N, 3, D, seed=4)
CASES += [
    plain(X, name="plain"), plain(X, bias=False, name="no bias"), plain(X, mask=np.int32([3, 5]), name="lengths"), plain(X, mask=np.int32([[1, 1, 1, 0, 0], [1] * 5]), name="padding"),
    plain(X, mask=np.int32(np.tril(np.ones((B, S, S)))), name="padding per query"), plain(X, unidirectional=1, name="causal"), plain(X, scale=0.2, name="scale"), plain(X, added=f32(B, N, S, S, seed=5), name="added"),
    plain(X, past=CACHE, outputs=2, name="past"), plain(X, past=CACHE, outputs=2, unidirectional=1, name="past, causal"), plain(X, outputs=2, name="present"), plain(X, mask=np.int32([[1, 1, 1, 0, 0], [1] * 5]), mask_filter_value=-50.0, unidirectional=1, name="padding, causal"),
    plain(X, columns=2 * HIDDEN + 24, qkv_hidden_sizes=[HIDDEN, HIDDEN, 24], name="smaller values"),
]


# ---- QAttention ----
def quantized(weights, mask=None, past=None, outputs=1, columns=False, name="", **attrs):
    low, high = (-64, 64) if weights is np.int8 else (64, 192)
    w = Const(ints(20, 3 * HIDDEN, low=low, high=high, dtype=weights, seed=1))
    scale, zero = Const(np.linspace(0.004, 0.006, 3 * HIDDEN, dtype=np.float32) if columns else np.float32(0.005)), Const(np.full(3 * HIDDEN if columns else (), 3 if weights is np.int8 else 128, weights))
    inputs = [ints(B, S, 20, low=0, high=256, dtype=np.uint8), w, Const(f32(3 * HIDDEN, seed=2)), Const(np.float32(0.02)), scale, mask, Const(np.uint8(120)), zero, past]
    while inputs[-1] is None:
        inputs.pop()
    return case("QAttention", inputs, {"num_heads": N, **attrs}, outputs=outputs, keep=KEEP + (20,), rtol=1e-3, name=f"{weights.__name__} {name}")


for kind in (np.int8, np.uint8):
    CASES += [quantized(kind), quantized(kind, mask=np.int32([3, 5]), name="lengths"), quantized(kind, unidirectional=1, name="causal"), quantized(kind, past=CACHE, outputs=2, unidirectional=1, name="past")]
CASES += [quantized(np.int8, columns=True, name="per column")]

# ---- RotaryEmbedding ----
ANGLES = f32(20, D // 2, seed=7)
FULL, PART = [Const(np.cos(ANGLES)), Const(np.sin(ANGLES))], [Const(np.cos(ANGLES[:, :2]).copy()), Const(np.sin(ANGLES[:, :2]).copy())]
for interleaved in (0, 1):
    for positions in (ints(B, S, low=0, high=20), np.int64([3])):
        for x, attrs in ((f32(B, N, S, D), {}), (f32(B, S, HIDDEN), {"num_heads": N}), (f32(B, S, HIDDEN), {})):
            CASES.append(case("RotaryEmbedding", [x, positions, *FULL], {"interleaved": interleaved, **attrs}, keep=KEEP))
    CASES.append(case("RotaryEmbedding", [f32(B, S, HIDDEN), ints(B, S, low=0, high=20), *PART], {"interleaved": interleaved, "num_heads": N, "rotary_embedding_dim": 4}, keep=KEEP, name=f"part {interleaved}"))


# ---- GroupQueryAttention, whose heads onnxruntime rotates where they are a multiple of 16 ----
GD = 16
WIDE = f32(20, GD // 2, seed=8)
HALVES = [Const(np.cos(WIDE)), Const(np.sin(WIDE))]


def grouped(new, total, lengths, heads=6, shared=2, capacity=0, packed=False, rotary=False, bias=False, name="", static=True, **attrs):
    q, k, v = f32(B, new, heads * GD), f32(B, new, shared * GD, seed=1), f32(B, new, shared * GD, seed=2)
    past = [f32(B, shared, capacity, GD, seed=3), f32(B, shared, capacity, GD, seed=4)] if capacity else [None, None]
    # What lies behind a row's keys is nobody's; onnxruntime clears it.
    for row, length in enumerate(lengths if capacity else []):
        for tensor in past:
            tensor[row, :, 0 if new == total else length - new:] = 0
    inputs = [np.concatenate([q, k, v], -1) if packed else q, None if packed else k, None if packed else v, *past, np.int32(lengths) - 1, Const(np.int32(total)) if static else np.array(total, np.int32)]
    if rotary:
        inputs += HALVES
    if bias:
        inputs += [None] * (10 - len(inputs)) + [f32(1, heads, new, total, seed=6)]
    return case("GroupQueryAttention", inputs, {"num_heads": heads, "kv_num_heads": shared, "do_rotary": int(rotary), **attrs}, outputs=3, keep=KEEP + (6, GD, heads * GD, shared * GD, (heads + 2 * shared) * GD, 20), dynamic=static, name=f"{name} {new} {total} {lengths} {capacity} {attrs}")


for heads, shared in ((6, 2), (4, 4), (3, 1)):
    CASES += [grouped(5, 5, [5, 5], heads, shared, name=f"prompt {heads} {shared}"), grouped(1, 9, [7, 9], heads, shared, capacity=9, name=f"step {heads} {shared}"), grouped(1, 9, [9, 9], heads, shared, capacity=8, name=f"growing step {heads} {shared}")]
CASES += [
    grouped(5, 5, [5, 5], rotary=True, name="rotary"), grouped(5, 5, [5, 5], rotary=True, rotary_interleaved=1, name="rotary"), grouped(1, 9, [7, 9], capacity=12, rotary=True, name="rotary step"),
    grouped(1, 9, [7, 9], capacity=12, rotary=True, packed=True, name="packed"), grouped(5, 5, [5, 5], packed=True, rotary=True, name="packed"), grouped(5, 5, [3, 5], capacity=9, name="padded prompt"),
    grouped(5, 5, [5, 5], softcap=2.0), grouped(5, 5, [5, 5], scale=0.2), grouped(5, 5, [5, 5], local_window_size=2), grouped(1, 9, [7, 9], capacity=9, local_window_size=3), grouped(5, 5, [5, 5], smooth_softmax=1), grouped(5, 5, [5, 5], bias=True, name="added"),
    grouped(1, 9, [7, 9], capacity=12, static=False, name="total at run time"),
]
