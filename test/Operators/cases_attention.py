"""Attention and what stands around it in decoders. The oracle is the onnx package: the standard moved after onnxruntime's kernels."""
from case import Case, Const, bools, f16, f32, f64, ints, np

B, HEADS, S, D = 2, 4, 5, 8
PAST, TOTAL = 3, 8


def attention(inputs, attrs=None, outputs=1, **options):
    return Case("Attention", inputs, attrs or {}, outputs=outputs, opset=25, oracle="onnx", **options)


def qkv(heads=HEADS, shared=HEADS, queries=S, keys=S + 1, head=D, value=D, make=f32):
    return [make(B, heads, queries, head), make(B, shared, keys, head, seed=1), make(B, shared, keys, value, seed=2)]


def flat(heads=HEADS, shared=HEADS, queries=S, keys=S + 1, head=D, value=D, make=f32):
    return [make(B, queries, heads * head), make(B, keys, shared * head, seed=1), make(B, keys, shared * value, seed=2)]


def cache(shared=HEADS, head=D, value=D, past=PAST, make=f32):
    return [make(B, shared, past, head, seed=3), make(B, shared, past, value, seed=4)]


def mask(*shape, make=f32):
    """An added mask of which some elements let nothing pass."""
    values = make(*shape, seed=5)
    return np.where(bools(*shape, seed=6), values, -np.inf).astype(values.dtype)


# Sizes that are equal by chance would be one symbol.
KEEP = (D, HEADS)
CASES = [attention(qkv(), a, keep=KEEP) for a in ({}, {"scale": 0.3}, {"softcap": 2.0}, {"is_causal": 1}, {"left_window_size": 2}, {"right_window_size": 1}, {"left_window_size": 1, "right_window_size": 0}, {"is_causal": 1, "left_window_size": 0})]
CASES += [attention(qkv(), {"qk_matmul_output_mode": mode, "softcap": 3.0 if mode else 0.0, "is_causal": 1}, outputs=[True, False, False, True], keep=KEEP) for mode in (0, 1, 2, 3)]
CASES += [attention(qkv(heads=h, shared=k, value=10), a, keep=KEEP + (10,), name=f"{h} heads, {k} shared {a}") for h, k in ((6, 2), (4, 1)) for a in ({}, {"is_causal": 1, "softcap": 1.5})]
CASES += [attention(flat(heads=h, shared=k, value=6), {"q_num_heads": h, "kv_num_heads": k, **a}, keep=(48, 16, 12, 32, 24), name=f"flat, {h} heads, {k} shared {a}") for h, k in ((6, 2), (4, 4)) for a in ({}, {"is_causal": 1, "scale": 0.5})]
MASKS = [f32(S, S + 1), mask(S, S + 1), mask(1, S + 1), mask(HEADS, S, S + 1), mask(B, 1, S, S + 1), bools(S, S + 1), bools(B, 1, 1, S + 1), bools(S + 1)]
# The onnx package takes the queries of a causal mask from attn_mask, so there it must have them all.
CASES += [attention([*qkv(), m], {"is_causal": c}, keep=KEEP, name=f"mask {m.dtype} {m.shape} causal {c}") for m in MASKS for c in (0, 1) if not c or m.shape[-2:] == (S, S + 1)]
CASES += [attention([*qkv(), m[..., :4].copy()], keep=KEEP + (B,), name=f"short mask {m.dtype} {m.ndim}") for m in (MASKS[1], MASKS[5])]
CASES += [attention([*qkv(), np.zeros((S, S + 1), bool)], outputs=[True, False, False, True], attrs={"qk_matmul_output_mode": 3}, keep=KEEP, name="nothing is seen")]
CASES += [attention([*qkv(), None, *cache()], {"is_causal": c, "qk_matmul_output_mode": 2}, outputs=4, keep=KEEP, name=f"past, causal {c}") for c in (0, 1)]
CASES += [attention([*qkv(heads=6, shared=2), mask(S, S + 1 + PAST), *cache(shared=2)], {"left_window_size": 3}, outputs=3, keep=KEEP + (6, 2), name="past, grouped, mask, window"),
          attention([*flat(heads=6, shared=2), None, *cache(shared=2)], {"q_num_heads": 6, "kv_num_heads": 2, "is_causal": 1}, outputs=3, keep=(48, 16, 2, 8), name="flat, past, grouped")]
CASES += [attention([*qkv(queries=q, keys=TOTAL), *m, None, None, np.int64([4, 7])], {"is_causal": c}, keep=KEEP + (B,), name=f"padding, {q} queries, causal {c}, {len(m)} masks") for q in (1, S) for c in (0, 1) for m in ([None], [mask(q, TOTAL)])]
CASES += [attention(qkv(make=make), {"is_causal": 1}, keep=KEEP, atol=tolerance, name=make.__name__) for make, tolerance in ((f16, 2e-3), (f64, 1e-5))]
CASES += [attention([*qkv(make=f16), mask(S, S + 1, make=f16)], {"softmax_precision": p}, keep=KEEP, atol=2e-3, name=f"f16, softmax in type {p}") for p in (1, 11)]
CASES += [attention(qkv(head=13), keep=(HEADS,), name="head size at run time")]
# Few queries read keys and values where they lie, in whole vectors; many have them packed; what a block of rows leaves has code of its own.
CASES += [attention(qkv(queries=q, keys=k, head=h, value=v), a, keep=(h, v, HEADS), name=f"{q} queries, {k} keys, heads of {h} and {v} {a}")
          for q, k, h, v in ((1, 77, 64, 64), (3, 33, 16, 48), (5, 40, 64, 16), (53, 70, 32, 64), (1, 1, 16, 16)) for a in ({}, {"is_causal": 1})]
CASES += [attention([*qkv(queries=1, keys=2, head=32, value=32), None, *cache(head=32, value=32, past=61)], outputs=3, keep=(32, HEADS), name="a decoder's step")]

# RotaryEmbedding
ANGLES = f32(20, 4, seed=7)


def rotary(x, caches, positions=None, **attrs):
    return Case("RotaryEmbedding", [x, *caches, *([positions] if positions is not None else [])], attrs, opset=23, oracle="onnx", keep=(2, 4, 8, 32, 20))


POSITIONS = ints(2, 5, low=0, high=20)
for interleaved in (0, 1):
    FULL, PART = [np.cos(ANGLES), np.sin(ANGLES)], [np.cos(ANGLES[:, :2]).copy(), np.sin(ANGLES[:, :2]).copy()]
    CASES += [
        rotary(f32(2, 3, 5, 8), FULL, POSITIONS, interleaved=interleaved), rotary(f32(2, 5, 32), FULL, POSITIONS, interleaved=interleaved, num_heads=4),
        rotary(f32(2, 3, 5, 8), PART, POSITIONS, interleaved=interleaved, rotary_embedding_dim=4), rotary(f32(2, 5, 32), PART, POSITIONS, interleaved=interleaved, num_heads=4, rotary_embedding_dim=4),
        rotary(f32(2, 3, 5, 8), [c[POSITIONS] for c in FULL], interleaved=interleaved), rotary(f32(2, 5, 32), [c[POSITIONS] for c in FULL], interleaved=interleaved, num_heads=4),
    ]

CASES += [Case("SwiGLU", [f32(3, 40), f32(3, 40, seed=1)], a, opset=28, oracle="onnx") for a in ({}, {"alpha": 1.7})]

# TensorScatter
for mode, starts in (("linear", [0, 5]), ("linear", [3, 1]), ("circular", [6, 9])):
    CASES.append(Case("TensorScatter", [f32(2, 3, 8, 4), f32(2, 3, 3, 4, seed=1), np.int64(starts)], {"mode": mode}, opset=24, oracle="onnx", keep=(2,), name=f"{mode} {starts}"))
CASES += [Case("TensorScatter", [f32(2, 8, 4), f32(2, 8, 4, seed=1)], opset=24, oracle="onnx"), Case("TensorScatter", [ints(2, 7, 3, 4), ints(2, 2, 3, 4, seed=1), np.int64([0, 5])], {"axis": 1}, opset=24, oracle="onnx", keep=(2,))]


# LinearAttention
def linear(rule, heads=6, shared=2, key=16, value=32, past=True, per_head=False, one=False, make=f32, **attrs):
    inputs = [make(B, 7, heads * key), make(B, 7, shared * key, seed=1), make(B, 7, shared * value, seed=2), make(B, shared, key, value, seed=3) if past else None]
    inputs.append(-abs(make(B, 7, shared if per_head else shared * key, seed=4)) if "gated" in rule else None)
    inputs.append(make(B, 7, 1 if one else shared, seed=5, low=0.1, high=0.5) if "delta" in rule else None)
    inputs[1] = (inputs[1] / 4).astype(inputs[1].dtype)
    return Case("LinearAttention", inputs, {"q_num_heads": heads, "kv_num_heads": shared, "update_rule": rule, **attrs}, outputs=2, opset=27, oracle="onnx",
                keep=(heads * key, shared * key, shared * value, shared, key, value), atol=2e-3 if make is f16 else 1e-4,
                name=f"{rule} {heads} {shared} {key} {value} {past} {per_head} {one} {make.__name__} {attrs}")


CASES += [linear(rule, past=past) for rule in ("linear", "gated", "delta", "gated_delta") for past in (True, False)]
CASES += [linear("gated_delta", per_head=True, one=True), linear("gated_delta", heads=2), linear("gated", value=7), linear("gated_delta", value=20, shared=1, scale=0.2), linear("gated_delta", make=f16)]


# CausalConvWithState
def conv(length, kernel, bias=True, past=True, make=f32, **attrs):
    inputs = [make(2, 6, length), Const(make(6, 1, kernel, seed=1)), Const(make(6, seed=2)) if bias else None, make(2, 6, kernel - 1, seed=3) if past else None]
    return Case("CausalConvWithState", inputs, attrs, outputs=2, opset=27, oracle="onnx", keep=(6, kernel - 1, kernel), atol=2e-3 if make is f16 else 1e-5)


CASES += [conv(9, 4), conv(9, 4, bias=False), conv(9, 4, past=False), conv(7, 4, activation="silu"), conv(7, 4, activation="swish", past=False), conv(1, 4), conv(2, 4, past=False), conv(9, 1, past=False), conv(9, 4, make=f16, activation="silu")]
