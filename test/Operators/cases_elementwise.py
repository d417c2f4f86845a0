"""Elementwise operators: broadcasting, types, and the values at which functions bend, saturate or are undefined."""
from case import Case, Const, bools, f16, f32, f64, ints, np

SHAPE = (3, 5, 17)
SPECIAL = np.asarray([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 88.0, -88.0, 1e-30, 1e30, np.inf, -np.inf, np.nan], np.float32)


def unary(op, low=-4.0, high=4.0, special=True, **options):
    """On uniform values, in f16 and f64, and on special values."""
    attrs = options.pop("attrs", {})
    cases = [Case(op, [f32(*SHAPE, low=low, high=high)], attrs, **options),
             Case(op, [f16(*SHAPE, low=low, high=high)], attrs, **{**options, "rtol": 5e-3, "atol": 1e-3, "oracle": "onnx ort"})]
    if special:
        cases.append(Case(op, [SPECIAL], attrs, **{"name": "special values", **options}))
    return cases


def binary(op, make=f32, **options):
    """Equal shapes, broadcasting both ways, a scalar and a constant."""
    attrs = options.pop("attrs", {})
    return [Case(op, [make(*SHAPE), make(*SHAPE, seed=1)], attrs, **options), Case(op, [make(*SHAPE), make(17, seed=1)], attrs, **options),
            Case(op, [make(5, 1), make(3, 1, 17, seed=1)], attrs, **options), Case(op, [make(*SHAPE), Const(make(1, seed=1)[0])], attrs, **options)]


def positive(*shape, seed=0):
    return f32(*shape, seed=seed, low=0.1, high=3.0)


def nonzero(*shape, seed=0, dtype=np.int64):
    values = ints(*shape, low=1, high=10, seed=seed)
    return np.asarray(np.where(ints(*shape, low=0, high=2, seed=seed + 7), values, -values), dtype=dtype)


CASES = []
for name in ("Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Erf", "Exp", "Tanh", "Sigmoid", "Relu", "Softplus", "Softsign",
             "Atan", "Sin", "Cos", "Identity"):
    CASES += unary(name, special=name not in ("Softplus", "Softsign", "Sin", "Cos"))
for name, low, high in (("Sqrt", 0.0, 9.0), ("Log", 0.01, 9.0), ("Reciprocal", 0.2, 5.0), ("Asin", -1, 1), ("Acos", -1, 1), ("Atanh", -0.9, 0.9),
                        ("Acosh", 1.0, 9.0), ("Asinh", -9.0, 9.0), ("Sinh", -4.0, 4.0), ("Cosh", -4.0, 4.0), ("Tan", -1.2, 1.2)):
    CASES += unary(name, low, high, special=name in ("Sqrt", "Log", "Reciprocal"))
for name, attrs in (("HardSwish", {}), ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}), ("Mish", {}), ("LeakyRelu", {}),
                    ("LeakyRelu", {"alpha": 0.3}), ("Elu", {}), ("Elu", {"alpha": 0.5}), ("Celu", {"alpha": 2.0}), ("Selu", {}),
                    ("Selu", {"alpha": 1.2, "gamma": 0.8}), ("ThresholdedRelu", {"alpha": 0.7}), ("Shrink", {"lambd": 0.5, "bias": 0.2}),
                    ("Gelu", {}), ("Gelu", {"approximate": "tanh"})):
    CASES += unary(name, attrs=attrs, special=False)
CASES += unary("Swish", special=False, opset=24, oracle="onnx")[:1] + unary("Swish", attrs={"alpha": 0.5}, special=False, opset=24, oracle="onnx")[:1]
for name in ("Add", "Sub", "Mul"):
    CASES += binary(name) + binary(name, ints) + [Case(name, [f16(4, 9), f16(9)], rtol=5e-3, atol=5e-3), Case(name, [f64(4, 9), f64(9)])]
CASES += [Case(name, [ints(40, low=0, high=255, dtype=np.uint8), ints(40, low=0, high=255, dtype=np.uint8, seed=1)], name="wraps around")
          for name in ("Add", "Sub", "Mul")]
CASES += binary("Div", positive) + [
    Case("Div", [ints(3, 50, low=-90, high=90), nonzero(50)], name="truncates"), Case("Div", [SPECIAL, SPECIAL[::-1].copy()], name="special values"),
    Case("Div", [ints(3, 50, dtype=np.int32), nonzero(50, dtype=np.int32)], name="i32")]
CASES += binary("Pow", positive) + [Case("Pow", [f32(3, 7), Const(2.0, np.float32)]), Case("Pow", [f32(3, 7), Const(3, np.int64)]),
                                    Case("Pow", [positive(3, 7), Const(0.5, np.float32)]), Case("Pow", [ints(3, 7, low=-4, high=5), Const(3)])]
CASES += [
    Case("Mod", [ints(3, 50, low=-90, high=90), nonzero(50)]), Case("Mod", [ints(3, 50, low=-90, high=90), nonzero(50)], {"fmod": 1}),
    Case("Mod", [f32(3, 50, low=-9, high=9), f32(50, low=0.5, high=3, seed=1)], {"fmod": 1}),
    Case("Mod", [ints(3, 50, low=0, high=200, dtype=np.uint8), ints(50, low=1, high=9, dtype=np.uint8)]),
]
CASES += [Case("PRelu", [f32(2, 3, 9), Const(f32(3, 1, low=0, high=1))]), Case("PRelu", [f32(2, 3, 9), f32(2, 3, 9, seed=1)])]
for name in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
    CASES += binary(name, ints) + [Case(name, [SPECIAL, SPECIAL[::-1].copy()], name="special values"), Case(name, [SPECIAL, SPECIAL], name="equal values")]
CASES.append(Case("Equal", [bools(4, 9), bools(9, seed=1)]))
for name in ("And", "Or", "Xor"):
    CASES += binary(name, bools)
CASES += [Case("Not", [bools(4, 9)])]
for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    CASES += binary(name, ints) + [Case(name, [ints(4, 9, low=0, high=255, dtype=np.uint8), ints(9, low=0, high=255, dtype=np.uint8, seed=1)])]
CASES += [Case("BitwiseNot", [ints(4, 9)]), Case("BitwiseNot", [ints(4, 9, low=0, high=255, dtype=np.uint8)])]
CASES += [Case("BitShift", [ints(4, 9, low=0, high=200, dtype=np.uint8), ints(4, 9, low=0, high=8, dtype=np.uint8, seed=1)], {"direction": d})
          for d in ("LEFT", "RIGHT")]
CASES += [Case("IsNaN", [SPECIAL]), Case("IsInf", [SPECIAL]), Case("IsInf", [SPECIAL], {"detect_negative": 0}), Case("IsInf", [SPECIAL], {"detect_positive": 0})]
CASES += [Case("Where", [bools(*SHAPE), f32(*SHAPE), f32(*SHAPE, seed=1)]), Case("Where", [bools(5, 1), f32(3, 1, 17), f32(17, seed=1)]),
          Case("Where", [bools(4, 9), ints(4, 9), Const(7)])]
CASES += [Case("Min", [f32(4, 9), f32(9, seed=1), f32(4, 1, seed=2)]), Case("Max", [f32(4, 9), f32(9, seed=1), f32(4, 1, seed=2)]),
          Case("Max", [ints(4, 9), ints(9, seed=1)]), Case("Min", [ints(4, 9), ints(9, seed=1)]), Case("Sum", [f32(4, 9), f32(9, seed=1), f32(4, 1, seed=2)]),
          Case("Mean", [f32(4, 9), f32(9, seed=1), f32(4, 1, seed=2)])]
CASES += [Case("Clip", [f32(4, 9), Const(-0.5, np.float32), Const(0.7, np.float32)]), Case("Clip", [f32(4, 9), None, Const(0.7, np.float32)]),
          Case("Clip", [f32(4, 9), Const(-0.5, np.float32)]), Case("Clip", [ints(4, 9), Const(-2), Const(5)])]
