"""Normalisations and softmax."""
from case import Case, Const, f16, f32, f64, np


def channels(n, *, positive=False, seed=0, make=f32):
    return Const(make(n, seed=seed, low=0.2, high=2) if positive else make(n, seed=seed))


def batch_norm(x, make=f32, **options):
    c = x[1] if len(x) > 1 else 1
    return Case("BatchNormalization", [make(*x), channels(c, make=make), channels(c, seed=1, make=make), channels(c, seed=2, make=make), channels(c, seed=3, positive=True, make=make)],
                options.pop("attrs", {}), **options)


CASES = [batch_norm(s) for s in ((2, 3, 9, 10), (2, 3), (2, 3, 30), (2, 3, 4, 5, 6), (2, 70, 5, 6))]
CASES += [batch_norm((2, 3, 9, 10), attrs={"epsilon": 0.1}), batch_norm((2, 3, 9, 10), make=f64), batch_norm((2, 3, 9, 10), make=f16, oracle="onnx", atol=2e-3)]
CASES += [Case("BatchNormalization", [f32(2, 3, 5), f32(3), f32(3, seed=1), f32(3, seed=2), f32(3, seed=3, low=0.2, high=2)], keep=(3,), name="parameters at run time")]
CASES += [batch_norm(s, attrs={"training_mode": 1, **a}, outputs=3, oracle="onnx", make=make, atol=5e-3 if make is f16 else 1e-5) for s in ((2, 3, 9, 10), (4, 3), (2, 3, 4, 5, 6)) for a in ({}, {"momentum": 0.3, "epsilon": 0.1}) for make in (f32, f64, f16)]
CASES += [Case("InstanceNormalization", [f32(*s), channels(s[1]), channels(s[1], seed=1)], a) for s in ((2, 3, 9, 10), (2, 3, 30), (2, 3, 4, 5, 6)) for a in ({}, {"epsilon": 0.1})]
CASES += [Case("GroupNormalization", [f32(*s), channels(s[1]), channels(s[1], seed=1)], {"num_groups": g}, oracle="onnx", keep=(s[1],)) for s, g in (((2, 6, 9, 10), 3), ((2, 6, 9, 10), 1), ((2, 6, 9, 10), 6), ((2, 8, 30), 2), ((2, 8), 2))]
CASES += [Case("LayerNormalization", [f32(*s), Const(f32(*s[axis:])), Const(f32(*s[axis:], seed=1))], {"axis": axis}, keep=s[axis:]) for s, axis in (((2, 7, 64), -1), ((2, 7, 64), 1), ((2, 7, 64), 2), ((5, 33), -1), ((2, 3, 4, 5), -2))]
CASES += [
    Case("LayerNormalization", [f32(2, 7, 40), Const(f32(40))], outputs=3), Case("LayerNormalization", [f32(2, 7, 40), Const(f32(40)), Const(f32(40, seed=1))], {"epsilon": 0.1}, outputs=3), Case("LayerNormalization", [f32(2, 7, 40) + 1000, Const(f32(40))], name="large mean", atol=1e-4),
    Case("LayerNormalization", [f16(2, 7, 40), Const(f16(40)), Const(f16(40, seed=1))], oracle="onnx", atol=2e-3), Case("LayerNormalization", [f32(2, 7, 40), f32(40), f32(40, seed=1)], name="parameters at run time"),
    Case("LayerNormalization", [f32(2, 7, 40), Const(f32(1)), Const(f32(7, 40))], {"axis": 1}, oracle="onnx", name="broadcast"), Case("LayerNormalization", [f64(2, 7, 40), Const(f64(40))]),
]
CASES += [Case("RMSNormalization", [f32(*s), Const(f32(*s[axis:]))], {"axis": axis}, keep=s[axis:], opset=23, oracle="onnx ort") for s, axis in (((2, 7, 64), -1), ((2, 7, 64), 1), ((5, 33), -1))]
CASES += [Case("RMSNormalization", [f16(2, 7, 40), Const(f16(40))], opset=23, oracle="onnx", atol=2e-3), Case("RMSNormalization", [f32(2, 7, 40), f32(40)], {"epsilon": 0.1}, opset=23, oracle="onnx")]


def lrn4(x):
    squares = np.pad(x.astype(np.float64) ** 2, ((0, 0), (1, 2), (0, 0), (0, 0)))
    sums = sum(squares[:, i:i + x.shape[1]] for i in range(4))
    return (x / (1 + 1e-4 / 4 * sums) ** 0.75).astype(np.float32)


CASES += [Case("LRN", [f32(2, 7, 5, 6)], {"size": size, **a}) for size in (1, 3, 5) for a in ({}, {"alpha": 0.2, "beta": 0.6, "bias": 2.0})] + [Case("LRN", [f32(2, 7, 5, 6)], {"size": 4}, expect=lrn4, name="even size")]
CASES += [Case("LpNormalization", [f32(3, 4, 5)], {"axis": axis, "p": p}) for axis in (-1, 0, 1) for p in (1, 2)] + [Case("LpNormalization", [np.zeros((2, 3), np.float32)], oracle="ort", name="zeros")]
CASES += [Case("MeanVarianceNormalization", [f32(2, 3, 5, 6)], a) for a in ({}, {"axes": [2, 3]}, {"axes": [0, -1]}, {"axes": [1]})]
CASES += [Case(op, [f32(*s)], {"axis": axis}) for op in ("Softmax", "LogSoftmax") for s, axis in (((3, 40), -1), ((3, 40), 0), ((2, 3, 40), 1), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), -2), ((2, 4, 33, 33), -1), ((7,), 0), ((3, 1), 1), ((2, 1000), 1))]
CASES += [Case(op, [np.float32([[1000, 1001, 999], [-1000, 0, 3], [0, -np.inf, 1]])], name="large values") for op in ("Softmax", "LogSoftmax")]
CASES += [Case(op, [make(3, 40)], oracle="onnx ort", atol=1e-3 if make is f16 else 1e-5) for op in ("Softmax", "LogSoftmax") for make in (f16, f64)]
