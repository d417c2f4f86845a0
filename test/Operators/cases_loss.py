"""Losses."""
from case import Case, f16, f32, f64, ints, np

SHAPES = ((3, 5), (3, 5, 7), (3, 5, 6, 7), (2, 5, 3, 4, 6))


def classes(shape, ignored=None, dtype=np.int64):
    target = ints(shape[0], *shape[2:], low=0, high=shape[1], dtype=dtype)
    if ignored is not None:
        target.flat[::3] = ignored
    return target


def log_probabilities(shape, make=f32):
    x = make(*shape).astype(np.float64)
    return (x - np.log(np.exp(x).sum(axis=1, keepdims=True))).astype(make(1).dtype)


def loss(op, shape, make=f32, weight=False, ignored=None, dtype=np.int64, outputs=1, **options):
    x = log_probabilities(shape, make) if op == "NegativeLogLikelihoodLoss" else make(*shape)
    inputs = [x, classes(shape, ignored, dtype)] + ([make(shape[1], low=0.2, high=2)] if weight else [])
    attrs = {"reduction": options.pop("reduction", "mean"), **({} if ignored is None else {"ignore_index": ignored})}
    name = f"{list(shape)} {attrs}{' weights' if weight else ''} {x.dtype} {np.dtype(dtype)} {outputs}"
    return Case(op, inputs, attrs, outputs=outputs, name=name, oracle=options.pop("oracle", "onnx ort"), **options)


OPS = ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
CASES = [loss(op, shape, reduction=r) for op in OPS for shape in SHAPES for r in ("none", "mean", "sum")]
CASES += [loss(op, (3, 5, 6), weight=w, ignored=i, reduction=r) for op in OPS for w in (False, True) for i in (1, 12) for r in ("none", "mean", "sum")]
# The onnx package's mean counts targets that are ignored as -1.
CASES += [loss(op, (3, 5, 6), weight=w, ignored=-1, reduction=r, oracle="ort", opset=13) for op in OPS for w in (False, True) for r in ("none", "mean", "sum")]
CASES += [loss(op, (3, 5, 6), weight=True, reduction="none", make=make, atol=2e-3 if make is f16 else 1e-5) for op in OPS for make in (f16, f64)]
CASES += [loss(op, (3, 5, 6), dtype=np.int32, reduction="sum") for op in OPS]
CASES += [loss("SoftmaxCrossEntropyLoss", shape, outputs=2, weight=True) for shape in SHAPES]
