"""Operators of com.microsoft that graph optimisers and exporters write, but attention. The oracle is onnxruntime where it has a kernel."""
from case import Case, Const, f16, f32, f64, ints, np


def case(op, inputs, attrs=None, **options):
    return Case(op, inputs, attrs or {}, domain=options.pop("domain", "com.microsoft"), oracle="ort", **options)


def erf(x):
    import math

    return np.vectorize(math.erf, otypes=[np.float64])(x.astype(np.float64)).astype(x.dtype)


def gelu(x):
    return (0.5 * x * (1 + erf(x / np.sqrt(2).astype(x.dtype)))).astype(x.dtype)


# ---- activations ----
CASES = [case("Gelu", [f32(*s)]) for s in ((3, 40), (2, 3, 5), (7,))]
CASES += [case("BiasGelu", [f32(*s), b(s[-1], seed=1)], keep=(s[-1],)) for s in ((3, 40), (2, 3, 5)) for b in (f32, lambda *a, **k: Const(f32(*a, **k)))]
CASES += [case("FastGelu", [f32(*s), *b], keep=(40,)) for s in ((3, 40), (2, 3, 40)) for b in ([], [f32(40, seed=1)], [Const(f32(40, seed=1))])]
CASES += [case("QuickGelu", [f32(3, 40)], a) for a in ({}, {"alpha": 0.7}, {"alpha": -1.0})]
CASES += [case("BiasSplitGelu", [f32(2, 3, n), Const(f32(n, seed=1))], keep=(n,), expect=lambda x, b: (lambda y: y[..., :y.shape[-1] // 2] * gelu(y[..., y.shape[-1] // 2:]))(x + b)) for n in (8, 30)]
CASES += [case("Trilu", [x, *k], a) for x in (f32(4, 6), f32(2, 5, 4), ints(3, 3)) for k, a in (([], {}), ([Const(1)], {"upper": 1}), ([Const(-1)], {"upper": 0}))]


# ---- normalisations ----
H = 24
VECTORS = [Const(f32(H, seed=n)) for n in range(2, 5)]
for skip in ((2, 5, H), (1, 5, H), (5, H)):
    X, SKIP = f32(2, 5, H), f32(*skip, seed=1)
    CASES += [
        case("SkipLayerNormalization", [X, SKIP, *VECTORS[:2]], keep=(H,)), case("SkipLayerNormalization", [X, SKIP, *VECTORS], {"epsilon": 1e-3}, keep=(H,)),
        case("SkipLayerNormalization", [X, SKIP, VECTORS[0], None, VECTORS[1]], outputs=[True, False, False, True], keep=(H,)),
        case("SkipSimplifiedLayerNormalization", [X, SKIP, VECTORS[0]], keep=(H,)), case("SkipSimplifiedLayerNormalization", [X, SKIP, *VECTORS[:2]], {"epsilon": 1e-3}, outputs=[True, False, False, True], keep=(H,)),
    ]
CASES += [case("SkipLayerNormalization", [f32(5, H), f32(5, H, seed=1), *VECTORS[:2]], keep=(H,), name="matrix"), case("SkipSimplifiedLayerNormalization", [f32(5, H), f32(5, H, seed=1), VECTORS[0]], keep=(H,), name="matrix")]
CASES += [case("SimplifiedLayerNormalization", [f32(2, 5, H), VECTORS[0]], a, domain="", keep=(H,)) for a in ({}, {"epsilon": 0.1}, {"axis": 2})]
CASES += [case("SimplifiedLayerNormalization", [f32(2, 5, H), Const(f32(5, H))], {"axis": 1}, domain="", keep=(5, H)), case("SimplifiedLayerNormalization", [f16(2, 5, H), Const(f16(H))], domain="", keep=(H,), atol=2e-3, name="f16"),
          case("SimplifiedLayerNormalization", [f32(2, 5, H), VECTORS[0]], domain="", keep=(H,), outputs=2, name="with the inverse root")]

IDS, SEGMENTS = ints(2, 5, low=0, high=30, dtype=np.int32), ints(2, 5, low=0, high=2, dtype=np.int32, seed=1)
TABLES = [Const(f32(30, H)), Const(f32(9, H, seed=1)), Const(f32(2, H, seed=2))]
CASES += [
    case("EmbedLayerNormalization", [IDS, SEGMENTS, *TABLES, *VECTORS[:2]], outputs=2, keep=(H,)), case("EmbedLayerNormalization", [IDS, None, *TABLES[:2], None, *VECTORS[:2]], outputs=2, keep=(H,)),
    case("EmbedLayerNormalization", [IDS, SEGMENTS, *TABLES, *VECTORS[:2], np.int32([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])], outputs=3, keep=(H,), name="mask"),
    case("EmbedLayerNormalization", [IDS, SEGMENTS, *TABLES, *VECTORS[:2], None, ints(2, 5, low=0, high=9, dtype=np.int32, seed=3)], {"epsilon": 1e-3}, outputs=3, keep=(H,), name="positions"),
]


def group_norm(x, gamma, beta, groups, activation, epsilon=1e-5):
    n, *spatial, c = x.shape
    parts = x.astype(np.float64).reshape(n, -1, groups, c // groups)
    mean, var = parts.mean((1, 3), keepdims=True), parts.var((1, 3), keepdims=True)
    y = ((parts - mean) / np.sqrt(var + epsilon)).reshape(x.shape) * gamma + beta
    return (y / (1 + np.exp(-y)) if activation else y).astype(x.dtype)


def skip_group_norm(x, gamma, beta, skip, bias=None, **options):
    total = x + (skip.reshape(skip.shape[0], 1, 1, -1) if skip.ndim == 2 else skip) + (0 if bias is None else bias)
    return [group_norm(total, gamma, beta, **options), total]


for groups, activation in ((3, 0), (6, 1), (1, 1)):
    options = {"groups": groups, "activation": activation}
    PARAMETERS = [Const(f32(6, seed=1)), Const(f32(6, seed=2))]
    CASES += [
        case("GroupNorm", [f32(2, 5, 4, 6), *PARAMETERS], options, keep=(6,), expect=lambda *a, o=options: group_norm(*a, **o)),
        case("GroupNorm", [f32(2, 6, 5, 4), *PARAMETERS], {**options, "channels_last": 0}, keep=(6,), expect=lambda x, *a, o=options: np.moveaxis(group_norm(np.moveaxis(x, 1, -1), *a, **o), -1, 1)),
        case("SkipGroupNorm", [f32(2, 5, 4, 6), *PARAMETERS, f32(2, 5, 4, 6, seed=3)], options, outputs=2, keep=(6,), expect=lambda *a, o=options: skip_group_norm(*a, **o)),
        case("SkipGroupNorm", [f32(2, 5, 4, 6), *PARAMETERS, f32(2, 6, seed=3), Const(f32(6, seed=4))], options, outputs=2, keep=(6,), expect=lambda *a, o=options: skip_group_norm(*a, **o)),
    ]

# ---- products ----
CASES += [case("FusedMatMul", [f32(*a), f32(*b, seed=1)], attrs, keep=(3,)) for a, b, attrs in (
    ((4, 7), (7, 5), {}), ((4, 7), (7, 5), {"alpha": 0.25}), ((7, 4), (7, 5), {"transA": 1}), ((4, 7), (5, 7), {"transB": 1, "alpha": 2.0}), ((7, 4), (5, 7), {"transA": 1, "transB": 1}),
    ((2, 3, 4, 7), (2, 3, 5, 7), {"transB": 1}), ((3, 4, 7), (7, 5), {}), ((2, 3, 7, 4), (3, 7, 5), {"transA": 1, "alpha": 0.5}),
    ((4, 2, 3, 7), (2, 3, 7, 5), {"transBatchA": 1}), ((2, 3, 4, 7), (7, 2, 3, 5), {"transBatchB": 1}), ((7, 2, 3, 4), (2, 3, 7, 5), {"transBatchA": 1, "transA": 1}), ((4, 2, 3, 7), (5, 2, 3, 7), {"transBatchA": 1, "transBatchB": 1, "transB": 1}),
)]
ACTIVATIONS = ({"activation": "Relu"}, {"activation": "Sigmoid"}, {"activation": "Tanh"}, {"activation": "LeakyRelu", "activation_alpha": 0.3}, {"activation": "HardSigmoid", "activation_alpha": 0.3, "activation_beta": 0.4})
CASES += [case("FusedGemm", [f32(4, 7), Const(f32(7, 5, seed=1)), Const(f32(5, seed=2))], a, keep=(5, 7)) for a in ACTIVATIONS]
CASES += [case("FusedGemm", [f32(7, 4), Const(f32(5, 7, seed=1))], {"activation": "Relu", "transA": 1, "transB": 1, "alpha": 0.5}, keep=(7,)), case("FusedGemm", [f32(4, 7), Const(f32(7, 5, seed=1)), f32(4, 5, seed=2)], {"activation": "Relu", "beta": 0.5}, keep=(5, 7))]
PARAMS = {"LeakyRelu": [0.3], "HardSigmoid": [0.3, 0.4], "Clip": [-0.5, 0.7]}
for name in ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip"):
    attrs = {"activation": name, "kernel_shape": [3, 3], **({"activation_params": PARAMS[name]} if name in PARAMS else {})}
    CASES.append(case("FusedConv", [f32(2, 3, 9, 8), Const(f32(4, 3, 3, 3, seed=1)), Const(f32(4, seed=2))], attrs, keep=(3,)))
CASES += [case("FusedConv", [f32(2, 3, 9, 8), Const(f32(4, 3, 3, 3, seed=1)), Const(f32(4, seed=2)), f32(2, 4, 9, 8, seed=3)], {"activation": "Relu", "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, keep=(3, 4), name="with a sum"),
          case("FusedConv", [f32(2, 4, 9, 8), Const(f32(4, 2, 3, 3, seed=1))], {"activation": "Relu", "kernel_shape": [3, 3], "group": 2, "strides": [2, 2], "dilations": [1, 2]}, keep=(4,), name="group, strides, dilations"),
          case("FusedConv", [f32(2, 3, 9), Const(f32(4, 3, 3, seed=1))], {"activation": "Tanh", "kernel_shape": [3]}, keep=(3,), name="1-d")]


# ---- weights of few bits ----
def nbits(k, n, bits, block, zeros=None, bias=False, groups=False, rows=(5,), make=f32, **attrs):
    blocks = -(-k // block)
    b = ints(n, blocks, block * bits // 8, low=0, high=256, dtype=np.uint8, seed=1)
    zero = {None: None, "packed": ints(n, -(-blocks * bits // 8), low=0, high=256, dtype=np.uint8, seed=3), "float": make(n, blocks, seed=3, low=1, high=9)}[zeros]
    inputs = [make(*rows, k), Const(b), Const(make(n, blocks, seed=2, low=0.01, high=0.1)), None if zero is None else Const(zero), Const(ints(k, low=0, high=blocks, dtype=np.int32, seed=4)) if groups else None, Const(make(n, seed=5)) if bias else None]
    while inputs[-1] is None:
        inputs.pop()
    return case("MatMulNBits", inputs, {"K": k, "N": n, "bits": bits, "block_size": block, **attrs}, keep=(k,), rtol=1e-3, name=f"{k} x {n}, {bits} bits, blocks of {block} {zeros or ''} {bias} {groups} {rows} {make.__name__} {attrs}")


CASES += [nbits(k, n, bits, block) for k, n in ((64, 9), (96, 16)) for bits in (4, 8) for block in (16, 32)]
CASES += [nbits(64, 9, 4, 32, zeros=z, bias=b) for z in ("packed", "float") for b in (False, True)] + [nbits(96, 16, 8, 32, zeros="packed"), nbits(128, 8, 2, 32), nbits(128, 8, 2, 32, zeros="packed"), nbits(80, 9, 4, 32, zeros="packed"), nbits(64, 8, 4, 16, rows=(2, 3)),
          nbits(64, 8, 4, 16, groups=True), nbits(64, 8, 4, 16, rows=(1,)), nbits(64, 9, 4, 16, make=f16)]

# Many rows share what is unpacked: one block of rows and two, parts of a panel that are not whole, ragged columns.
CASES += [nbits(k, n, bits, block, rows=rows, **more) for k, n, bits, block, rows, more in (
    (352, 41, 4, 32, (25,), {}), (352, 64, 4, 32, (2, 65), {"zeros": "packed"}), (288, 33, 8, 16, (131,), {"zeros": "packed"}), (512, 40, 2, 64, (24,), {"bias": True}))]


def table(bits, block, zeros, indices, rows=20, width=64, make=f32):
    blocks = -(-width // block)
    inputs = [Const(ints(rows, width * bits // 8, low=0, high=256, dtype=np.uint8)), indices, Const(make(rows, blocks, seed=1, low=0.01, high=0.1))]
    if zeros:
        inputs.append(Const(ints(rows, -(-blocks * bits // 8), low=0, high=256, dtype=np.uint8, seed=2)))
    return case("GatherBlockQuantized", inputs, {"bits": bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}, name=f"{bits} bits, blocks of {block} {zeros} {indices.dtype} {indices.shape} {make.__name__}")


CASES += [table(bits, block, zeros, ints(2, 5, low=0, high=20)) for bits in (4, 8) for block in (16, 32) for zeros in (False, True)]
CASES += [table(4, 16, True, ints(7, low=0, high=20, dtype=np.int32)), table(4, 16, False, ints(2, 5, low=-20, high=20)), table(4, 16, True, ints(2, 5, low=0, high=20), make=f16)]

# ---- 8 bit weights ----
for kind, low, high in ((np.int8, -64, 64), (np.uint8, 96, 160)):
    W = Const(ints(30, 7, low=low, high=high, dtype=kind))
    SCALE, COLUMNS, ZERO, BIAS = Const(np.float32(0.02)), Const(np.linspace(0.01, 0.03, 7, dtype=np.float32)), Const(kind(5 if kind is np.int8 else 128)), Const(f32(7))
    name = kind.__name__
    for scales, zeros in ((SCALE, None), (SCALE, ZERO), (COLUMNS, Const(np.full(7, ZERO.value))), (COLUMNS, None)):
        for bias in (None, BIAS):
            detail = f"{name} {scales.value.shape} {zeros is not None} {bias is not None}"
            CASES.append(case("DynamicQuantizeMatMul", [f32(5, 30), W, scales, zeros, *([] if bias is None else [bias])], keep=(30,), rtol=1e-3, name=detail))
            X = ints(5, 30, low=0, high=256, dtype=np.uint8)
            CASES.append(case("MatMulIntegerToFloat", [X, W, Const(np.float32(0.03)), scales, Const(np.uint8(121)), zeros, *([] if bias is None else [bias])], keep=(30,), name=detail))
    CASES += [case("DynamicQuantizeMatMul", [f32(2, 5, 30), W, SCALE, ZERO], keep=(30,), rtol=1e-3, name=f"{name} batch"), case("MatMulIntegerToFloat", [ints(2, 5, 30, low=0, high=256, dtype=np.uint8), W, Const(np.float32(0.03)), COLUMNS], keep=(30,), name=f"{name} batch")]

CASES += [case("CDist", [f32(5, 7), f32(4, 7, seed=1)], a) for a in ({}, {"metric": "euclidean"})] + [case("CDist", [f64(5, 7), f64(4, 7, seed=1)], {"metric": "sqeuclidean"})]

# ---- states, quantised layers ----
for rule in ("linear", "gated", "delta", "gated_delta"):
    query, key, value = f32(2, 7, 64), f32(2, 7, 32, seed=1) / 4, f32(2, 7, 48, seed=2)
    decay, beta = -abs(f32(2, 7, 32, seed=4)) if "gated" in rule else None, f32(2, 7, 2, seed=5, low=0.1, high=0.5) if "delta" in rule else None
    inputs = [query, key, value, f32(2, 2, 16, 24, seed=3), *([decay] if beta is None else [decay, beta])]
    CASES.append(case("LinearAttention", inputs if inputs[-1] is not None else inputs[:-1], {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": rule}, outputs=2, keep=(2, 64, 32, 48, 16, 24), name=rule))
for activation in ("none", "silu"):
    CASES += [case("CausalConvWithState", [f32(2, 6, 9), Const(f32(6, 1, 4, seed=1)), *rest], {"activation": activation}, outputs=2, keep=(6, 3), name=f"{activation} {len(rest)}")
              for rest in ([], [Const(f32(6, seed=2))], [Const(f32(6, seed=2)), f32(2, 6, 3, seed=3)])]


def lstm_weights(directions, rows, hidden, columns, kind, seed):
    w = ints(directions, rows, 4 * hidden, low=-64 if kind is np.int8 else 64, high=64 if kind is np.int8 else 192, dtype=kind, seed=seed)
    shape = (directions, 4 * hidden) if columns else (directions,)
    return Const(w), [Const(f32(*shape, seed=seed, low=0.004, high=0.006)), Const(np.full(shape, 0 if columns else 3 if kind is np.int8 else 128, kind))]


def float_lstm(given):
    """LSTM with what the quantised weights mean; onnxruntime's operator also quantises what they are multiplied by."""
    x, w, r, bias, *_, w_scale, w_zero, r_scale, r_zero = given.inputs

    def weights(q, scale, zero):
        spread = (lambda a: a.value[:, None]) if scale.value.ndim == 2 else (lambda a: a.value[:, None, None])
        return Const(((q.value.astype(np.float32) - spread(zero)) * spread(scale)).transpose(0, 2, 1).copy())

    return Case("LSTM", [x, weights(w, w_scale, w_zero), weights(r, r_scale, r_zero), bias], given.attrs, outputs=3)._onnxruntime()


for kind, columns, direction in ((np.int8, False, "forward"), (np.int8, True, "reverse"), (np.uint8, False, "bidirectional")):
    directions = 2 if direction == "bidirectional" else 1
    w, w_scale = lstm_weights(directions, 10, 6, columns, kind, 1)
    r, r_scale = lstm_weights(directions, 6, 6, columns, kind, 2)
    bias = Const(f32(directions, 48, seed=3))
    CASES.append(case("DynamicQuantizeLSTM", [f32(7, 2, 10), w, r, bias, None, None, None, None, *w_scale, *r_scale], {"hidden_size": 6, "direction": direction}, outputs=3, keep=(10, 6), name=f"{kind.__name__} {columns} {direction}"))
    CASES[-1].expect = lambda *_, given=CASES[-1]: float_lstm(given)

for attrs in ({"kernel_shape": [2, 2], "strides": [2, 2]}, {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}, {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"kernel_shape": [2, 2], "dilations": [2, 1], "ceil_mode": 1}):
    CASES += [case("NhwcMaxPool", [ints(2, 9, 8, 5, low=low, high=low + 256, dtype=kind)], attrs, keep=(5,), name=f"{kind.__name__} {attrs}") for kind, low in ((np.int8, -128), (np.uint8, 0))]


# ---- decoding, matrices ----
CASES += [case("NGramRepeatBlock", [ints(3, length, low=0, high=4, seed=length), f32(3, 6)], {"ngram_size": n}) for length in (1, 2, 7, 40) for n in (1, 2, 3, 4)]
WELL = [np.eye(n, dtype="f4") * 3 + f32(*b, n, n) * 0.5 for b, n in (((), 1), ((), 4), ((3,), 5), ((2, 2), 17))]
CASES += [case("Inverse", [w.astype(t)], atol=1e-5 if t != "f2" else 2e-2) for w in WELL for t in ("f4", "f8", "f2")]
CASES += [case("Inverse", [np.float32([[0, 1, 0], [0, 0, 2], [4, 0, 0]])], name="needs exchanges")]
