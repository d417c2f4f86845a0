"""Element types that are only stored: floats of at most 8 bits, integers of 4 and 2.

Conversions are held to ml_dtypes on every code and every f16, and on floats of all exponents; what ONNX decides itself (saturation,
rounding to powers of two) to its tables, in numpy here.
"""
import ml_dtypes
from case import Case, Const, f16, f32, ints, np, numpy_helper, onnx_type

FLOATS = {name: np.dtype(getattr(ml_dtypes, f"float{name}"))
          for name in ("8_e4m3fn", "8_e4m3fnuz", "8_e5m2", "8_e5m2fnuz", "4_e2m1fn")}
POWERS = np.dtype(ml_dtypes.float8_e8m0fnu)
INTEGERS = {np.dtype(t): bounds for t, bounds in ((ml_dtypes.int4, (-8, 7)), (ml_dtypes.uint4, (0, 15)), (ml_dtypes.int2, (-2, 1)),
                                                  (ml_dtypes.uint2, (0, 3)))}
NEWEST = 25


def codes(dtype):
    """Every value of a float type."""
    return np.arange(16 if dtype == FLOATS["4_e2m1fn"] else 256, dtype=np.uint8).view(dtype)


def sample(dtype):
    """Every f16; of wider floats: every exponent with mantissas around the places where rounding turns, both signs."""
    if dtype == np.float16:
        return np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    bits, mantissa = (32, 23) if dtype == np.float32 else (64, 52)
    word = np.uint32 if bits == 32 else np.uint64
    patterns = np.unique([top << shift for shift in range(mantissa - 4, mantissa) for top in range(16)]) & ((1 << mantissa) - 1)
    near = np.unique(np.concatenate([patterns, patterns + 1, np.maximum(patterns - 1, 0), [(1 << mantissa) - 1]])).astype(word)
    near &= word((1 << mantissa) - 1)
    exponents = np.arange(256, dtype=word) if bits == 32 else np.r_[0:3, 850:1200, 2045:2048].astype(word)
    magnitudes = (exponents[:, None] << word(mantissa) | near).ravel()
    return np.concatenate([magnitudes, magnitudes | word(1) << word(bits - 1)]).view(dtype)


def saturated(dtype):
    """ONNX's first table: what is beyond the largest number becomes it."""
    def cast(x):
        top = ml_dtypes.finfo(dtype).max.astype(x.dtype)
        return np.where(np.isnan(x), x, np.clip(x, -top, top)).astype(x.dtype).astype(dtype)
    return cast


def power(saturate, mode):
    """The nearest power of two from 2^-127 to 2^127; beyond: the end, or NaN without saturation. Of |x|."""
    def cast(x):
        mantissa, exponent = np.frexp(np.abs(x.astype(np.float64)))  # in [0.5, 1)
        up = {"up": mantissa > 0.5, "down": np.zeros(x.shape, bool), "nearest": mantissa >= 0.75}[mode]
        code = exponent.astype(np.int64) - 1 + up + 127
        magnitude = np.abs(x.astype(np.float64))
        code = np.where(np.isinf(x) | (code > 254), 254 if saturate else 255, code)
        code = np.where(magnitude < 2.0**-127, 0 if saturate else 255, code)
        return np.where(np.isnan(x), 255, code).astype(np.uint8).view(POWERS)
    return cast


def cast(x, dtype, expect=None, **attrs):
    name = " ".join([str(x.dtype), "to", str(np.dtype(dtype)), *(f"{k}={v}" for k, v in attrs.items())])
    expect = expect or (lambda a: a.astype(dtype))

    @np.errstate(invalid="ignore", over="ignore")
    def quietly(a):
        return expect(once(a) if a.dtype == np.float64 and np.dtype(dtype) in FLOATS.values() else a)
    return Case("Cast", [x], {"to": onnx_type(dtype), **attrs}, name=name, opset=NEWEST, expect=quietly)


def quiet(x):
    """f4E2M1 has no NaN, and ONNX does not say what becomes of one."""
    return np.where(np.isnan(x), x.dtype.type(0), x).astype(x.dtype)


def once(x):
    """f64 as f32 that rounds on as the f64 would: where bits are lost the last one is odd."""
    with np.errstate(over="ignore", invalid="ignore"):
        short = x.astype(np.float32)
        short = np.where(np.abs(short.astype(np.float64)) > np.abs(x), np.nextafter(short, np.float32(0)), short)
        odd = (short.view(np.uint32) | (short.astype(np.float64) != x)).view(np.float32)
    return np.where(np.isfinite(x), odd, x.astype(np.float32))


SOURCES = [sample(t) for t in (np.float16, np.float32, np.float64)]
CASES = []
for name, dtype in FLOATS.items():
    CASES += [cast(codes(dtype), t) for t in (np.float32, np.float16, np.float64, ml_dtypes.bfloat16, np.bool_)]
    if name == "4_e2m1fn":
        CASES += [cast(quiet(x), dtype) for x in SOURCES] + [cast(codes(dtype), t) for t in (np.int8, np.uint8, np.int64)]
        continue
    CASES += [cast(x, dtype, saturate=0) for x in SOURCES] + [cast(x, dtype, saturated(dtype)) for x in SOURCES]
    CASES += [cast(np.arange(-500, 500, dtype=t), dtype, lambda a, to=dtype: saturated(to)(a.astype(np.float32)))
              for t in (np.int32, np.int64)]
    CASES += [cast(np.arange(256, dtype=np.uint8), dtype, saturate=0), cast(np.array([False, True]), dtype)]
    CASES += [cast(codes(dtype), FLOATS["8_e5m2"], lambda a: saturated(FLOATS["8_e5m2"])(a.astype(np.float32)))]
CASES += [cast(x, POWERS, power(saturate, mode), saturate=saturate, round_mode=mode)
          for x in SOURCES for saturate in (0, 1) for mode in ("up", "down", "nearest")]
CASES += [cast(codes(POWERS), t) for t in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)]

WHOLE = np.arange(-20, 20).astype(np.float32) + np.float32(0.75)
for dtype, (low, high) in INTEGERS.items():
    every = np.arange(low, high + 1).astype(dtype)
    CASES += [cast(every, t) for t in (np.float32, np.float16, np.float64, np.int8, np.uint8, np.int64, np.bool_, ml_dtypes.bfloat16)]
    CASES += [cast(every, other, lambda a, to=other: a.astype(np.int64).astype(to))
              for other in INTEGERS if other != dtype]
    CASES += [cast(WHOLE.astype(t), dtype) for t in (np.float32, np.float16, np.float64, np.int64, np.int8, np.int32)]
    CASES += [cast(np.arange(256, dtype=np.uint8), dtype), cast(np.array([False, True]), dtype)]
CASES += [cast(sample(np.float64), t) for t in (np.float16,)]

# ---- constants, which the model file packs ----
ALL = [*FLOATS.values(), POWERS, *INTEGERS]


def values(dtype, *shape, seed=0):
    """Numbers alone."""
    low, high = INTEGERS.get(dtype, (1, 4))
    return ints(*shape, low=low, high=high + 1, seed=seed).astype(np.float32).astype(dtype)


CASES += [Case("Cast", [Const(values(t, *shape))], {"to": onnx_type(np.float32)}, name=f"constant {t}{list(shape)}", opset=NEWEST,
               expect=lambda a: a.astype(np.float32)) for t in ALL for shape in ((), (3, 5), (61, 33))]
CASES += [Case("Cast", [Const(np.array([300, -1, 77]))], {"to": onnx_type(t)}, name=f"constant to {t}", opset=NEWEST,
               expect=lambda a, t=t: a.astype(t)) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, np.uint8, np.int16)]

# ---- moved, never computed ----
for t in ALL:
    x = values(t, 3, 4, 6)
    moved = [
        ("Identity", [x], {}, lambda a, *_: a), ("Identity", [Const(x)], {}, lambda a, *_: a),
        ("Transpose", [x], {"perm": [2, 0, 1]}, lambda a, *_: a.transpose(2, 0, 1)),
        ("Reshape", [x, Const([0, -1])], {}, lambda a, *_: a.reshape(3, -1)), ("Flatten", [x], {}, lambda a, *_: a.reshape(3, -1)),
        ("Unsqueeze", [x, Const([1])], {}, lambda a, *_: a[:, None]),
        ("Squeeze", [x[:, None], Const([1])], {}, lambda a, *_: a[:, 0]),
        ("Shape", [x], {}, lambda a, *_: np.array(a.shape)), ("Size", [x], {}, lambda a, *_: np.array(a.size)),
    ]
    if t != POWERS:
        moved.append(("Pad", [x, Const([0, 1, 0, 2, 0, 1]), Const(values(t))], {},
                      lambda a, _, v: np.pad(a.view(np.uint8), ((0, 2), (1, 0), (0, 1)), constant_values=v.view(np.uint8)).view(a.dtype)))
    CASES += [Case(op, inputs, attrs, name=f"{t}{' constant' if isinstance(inputs[0], Const) else ''}", opset=NEWEST, expect=expect)
              for op, inputs, attrs, expect in moved]
    CASES += [Case("ConstantOfShape", [Const([2, 3])], {"value": numpy_helper.from_array(values(t, 1))}, name=str(t), opset=NEWEST,
                   expect=lambda s, t=t: np.broadcast_to(values(t, 1), (2, 3)))]
    CASES += [Case("CastLike", [f32(4, 5, low=1, high=2), x], name=str(t), opset=NEWEST, oracle="onnx",
                   expect=(lambda x, _: power(1, "up")(x)) if t == POWERS else None)]

# ---- BitCast ----
PAIRS = [(np.float32, np.int32), (np.int64, np.float64), (np.float16, np.uint16), (ml_dtypes.bfloat16, np.int16), (np.uint8, np.int8),
         (np.int8, ml_dtypes.float8_e4m3fn), (ml_dtypes.float8_e5m2, np.uint8), (ml_dtypes.int4, ml_dtypes.uint4),
         (np.bool_, np.uint8), (ml_dtypes.uint4, ml_dtypes.int4), (ml_dtypes.int4, ml_dtypes.float4_e2m1fn),
         (ml_dtypes.float4_e2m1fn, ml_dtypes.int4), (ml_dtypes.uint2, ml_dtypes.int2), (ml_dtypes.int2, ml_dtypes.uint2),
         (np.uint32, np.float32)]
CASES += [Case("BitCast", [ints(5, 7, low=0, high=16).astype(a)], {"to": onnx_type(b)}, name=f"{np.dtype(a)} to {np.dtype(b)}", opset=26,
               expect=lambda x, b=b: x.view(b)) for a, b in PAIRS]


# ---- QuantizeLinear, DequantizeLinear ----
def scaled(op, inputs, name, expect=None, **attrs):
    return Case(op, inputs, attrs, name=name, opset=NEWEST, oracle="onnx", expect=expect)


X = f32(4, 6, 10, seed=3) * 4
SCALE, SCALES, BLOCKS = Const(np.float32(0.37)), Const(f32(6, low=0.2, high=0.9)), Const(f32(4, 3, 10, low=0.2, high=0.9))
for t in [*FLOATS.values(), *INTEGERS]:
    zero = lambda *shape, t=t: Const(np.zeros(shape, t) if t in FLOATS.values() else values(t, *shape, seed=6))
    number, name = onnx_type(t), str(t)
    CASES += [scaled("QuantizeLinear", [X, SCALE], name, output_dtype=number),
              scaled("QuantizeLinear", [X, SCALES, zero(6)], f"{name} per axis", axis=1),
              scaled("QuantizeLinear", [X, BLOCKS, zero(4, 3, 10)], f"{name} blocked", axis=1, block_size=2),
              scaled("QuantizeLinear", [X * 1e4, SCALE], f"{name} beyond", output_dtype=number),
              scaled("QuantizeLinear", [f16(4, 6), Const(np.float16(0.05))], f"{name} f16", output_dtype=number)]
    if t in FLOATS.values():
        CASES += [scaled("QuantizeLinear", [X * 1e4, SCALE], f"{name} unsaturated", output_dtype=number, saturate=0)]
    q = values(t, 4, 6, 10)
    CASES += [scaled("DequantizeLinear", [q, SCALE], name),
              scaled("DequantizeLinear", [q, SCALES, zero(6)], f"{name} per axis", axis=1),
              scaled("DequantizeLinear", [Const(q), BLOCKS, zero(4, 3, 10)], f"{name} blocked", axis=1, block_size=2),
              scaled("DequantizeLinear", [q, Const(np.float16(0.05))], f"{name} f16"),
              scaled("DequantizeLinear", [q, SCALE], f"{name} output_dtype", output_dtype=onnx_type(np.float16))]
MICRO, F4 = Const(np.array([121, 125, 127, 130, 126, 128], np.uint8).view(POWERS)), FLOATS["4_e2m1fn"]
CASES += [
    scaled("DequantizeLinear", [values(F4, 4, 6, 10), MICRO], "powers of two as scales", axis=1, output_dtype=onnx_type(np.float32),
           expect=lambda q, s: q.astype(np.float32) * s.astype(np.float32)[:, None]),
    scaled("QuantizeLinear", [X, MICRO], "powers of two as scales", axis=1, output_dtype=onnx_type(F4),
           expect=lambda x, s: (x / s.astype(np.float32)[:, None]).astype(F4)),
    scaled("QuantizeLinear", [X, SCALE], "precision", output_dtype=onnx_type(np.int8), precision=onnx_type(np.float16)),
    scaled("QuantizeLinear", [X, Const(np.float16(0.37))], "precision f32", output_dtype=onnx_type(np.int16), precision=onnx_type(np.float32)),
    scaled("QuantizeLinear", [X, SCALE, Const(np.array(1.5).astype(FLOATS["8_e5m2"]))], "float zero point",
           expect=lambda x, s, z: (x / s + np.float32(1.5)).astype(FLOATS["8_e5m2"])),
]
