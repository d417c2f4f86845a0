"""Optimisers, batch normalisation and dropout in training."""
from case import Case, Const, f16, f32, f64, ints, np

DOMAIN = "ai.onnx.preview.training"


def optimizer(op, roles, attrs, shapes=((3, 5),), make=f32, steps=2, **options):
    """`roles` tensors of each shape: X, G and states, the last state (a sum of squares) positive."""
    last = roles - 1
    tensors = [np.abs(make(*s, seed=10 * role + i)) if role == last else make(*s, seed=10 * role + i) for role in range(roles) for i, s in enumerate(shapes)]
    return Case(op, [make(1, low=0.05, high=0.2).reshape(()), np.asarray(steps, dtype=np.int64), *tensors], attrs, outputs=len(shapes) * (roles - 1),
                domain=DOMAIN, oracle="onnx", **options)


def adam(alpha, beta, epsilon, norm_coefficient, norm_coefficient_post):
    """Of one tensor, in f64; the onnx package gives f64 results for f32 tensors."""

    def expect(rate, steps, x, g, v, h):
        wide = [a.astype(np.float64) for a in (x, g, v, h)]
        gradient = norm_coefficient * wide[0] + wide[1]
        first, second = alpha * wide[2] + (1 - alpha) * gradient, beta * wide[3] + (1 - beta) * gradient**2
        adjusted = rate * np.sqrt(1 - beta**steps) / (1 - alpha**steps) if steps > 0 else rate
        moved = wide[0] - adjusted * first / (np.sqrt(second) + epsilon)
        return [a.astype(x.dtype) for a in ((1 - norm_coefficient_post) * moved, first, second)]

    return expect


ADAGRAD = {"decay_factor": 0.1, "epsilon": 1e-5, "norm_coefficient": 0.001}
ADAM = {"alpha": 0.95, "beta": 0.85, "epsilon": 1e-7, "norm_coefficient": 0.001, "norm_coefficient_post": 0.02}
MOMENTUM = {"alpha": 0.95, "beta": 0.85, "norm_coefficient": 0.001}

CASES = [optimizer("Adagrad", 3, ADAGRAD), optimizer("Adagrad", 3, {}, ((3, 5), (7,)), name="two tensors"), optimizer("Adagrad", 3, ADAGRAD, make=f64, name="f64")]
CASES += [optimizer("Adam", 4, ADAM, expect=adam(**ADAM)), optimizer("Adam", 4, {}, ((3, 5), (7,)), name="two tensors"), optimizer("Adam", 4, ADAM, steps=0, name="first step"),
          optimizer("Adam", 4, ADAM, make=f64, name="f64")]
CASES += [optimizer("Momentum", 3, {**MOMENTUM, "mode": mode}, shapes, steps=steps, name=f"{mode} {len(shapes)} {steps}")
          for mode in ("standard", "nesterov") for shapes in (((3, 5),), ((3, 5), (7,))) for steps in (0, 2)]


def batch_norm(x, make=f32, momentum=0.9, **options):
    c = x[1] if len(x) > 1 else 1
    return Case("BatchNormalization", [make(*x), *(Const(make(c, seed=s)) for s in (1, 2, 3)), Const(make(c, seed=4, low=0.2, high=2))],
                {"training_mode": 1, "momentum": momentum}, outputs=3, oracle="onnx", **options)


CASES += [batch_norm(s) for s in ((2, 3, 9, 10), (7, 3), (2, 3, 30))]
CASES += [batch_norm((2, 3, 9), momentum=0.3), batch_norm((2, 3, 9), make=f64), batch_norm((2, 3, 9), make=f16, atol=2e-3)]


def dropped(seed):
    def expect(x, ratio=np.float32(0.5), training=np.asarray(True)):
        if ratio == 0 or not training:
            return [x, np.ones(x.shape, dtype=bool)]
        mask = np.random.RandomState(seed).uniform(0, 1, x.shape) >= ratio
        return [(mask * x / (1 - np.float64(ratio))).astype(x.dtype), mask]

    return expect


def scalar(value, dtype=np.float32):
    return np.asarray(value, dtype=dtype)


CASES += [Case("Dropout", [f32(*s), scalar(r), scalar(t, bool)], {"seed": seed}, outputs=2, expect=dropped(seed), name=f"{s} {r} {t} {seed}")
          for s, r, t, seed in (((3, 4, 5), 0.75, True, 0), ((30, 40), 0.3, True, 12345), ((3, 7), 0.0, True, 5), ((3, 7), 0.5, False, 5), ((13,), 0.5, True, 2**32 - 1))]
CASES += [
    Case("Dropout", [f32(30, 25), Const(scalar(0.4)), Const(scalar(True, bool))], {"seed": 7}, outputs=2, expect=dropped(7), name="constant mode"),
    Case("Dropout", [f32(30, 25), None, scalar(True, bool)], {"seed": 7}, outputs=2, expect=lambda x, t: dropped(7)(x), name="default ratio"),
    Case("Dropout", [f16(30, 25), scalar(0.4, np.float16), scalar(True, bool)], {"seed": 7}, outputs=2, expect=dropped(7), name="f16"),
    Case("Dropout", [f32(3, 4), scalar(0.4), Const(scalar(False, bool))], outputs=2, expect=dropped(0), name="inference"),
]

CASES += [Case("CumProd", [f32(3, 5, 4, low=0.5, high=1.5), Const(axis)], {"exclusive": e, "reverse": r}, opset=26, oracle="onnx", keep=(3, 5, 4) if axis < 0 else ())
          for axis, e, r in ((0, 0, 0), (1, 1, 0), (-1, 0, 1), (2, 1, 1))]
CASES += [Case("CumProd", [ints(9, low=1, high=4), Const(0)], opset=26, oracle="onnx"), Case("CumProd", [f16(3, 5, low=0.5, high=1.5), Const(1)], opset=26, oracle="onnx", atol=2e-3)]
CASES += [Case(op, [f32(3, 5, 4, low=0.5, high=1.5), np.asarray(axis, dtype=np.int64)], {"exclusive": e}, opset=26, oracle="onnx", name=f"axis {axis} of the call")
          for op in ("CumSum", "CumProd") for axis, e in ((0, 0), (1, 1), (-1, 0))]
