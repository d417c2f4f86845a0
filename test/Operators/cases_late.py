"""Shapes, axes and counts that are data: inputs of the model, with lengths that are known and unknown."""
from case import Case, bools, f16, f32, ints, np

X = f32(3, 4, 5)


def vector(*values):
    return np.asarray(values, dtype=np.int64)


REDUCTIONS = (
    [Case(op, [X, vector(a)], {"keepdims": k}, keep=(1,)) for op in ("ReduceSum", "ReduceMax") for a in (0, -1) for k in (0, 1)]
    + [Case(op, [X, vector(1)], keep=(1,)) for op in
       ("ReduceMean", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp")]
    + [Case("ReduceLogSum", [np.abs(X), vector(2)], keep=(1,)),
       Case("ReduceSum", [X, vector(0, 2)]), Case("ReduceSum", [X, vector(-1, 0)], {"keepdims": 0}, keep=(2,)),
       Case("ReduceSum", [X, vector()], dynamic=False, name="no axes"),
       Case("ReduceSum", [X, vector()], {"noop_with_empty_axes": 1}, dynamic=False, name="no axes, nothing to do"),
       Case("ReduceMean", [f16(7, 3), vector(0)]), Case("ReduceMax", [ints(7, 3, dtype=np.int32), vector(1)]),
       Case("ReduceMax", [bools(7, 3), vector(1)], oracle="onnx", opset=20)]
)

AXES = [
    Case("Squeeze", [f32(1, 3, 1, 5), vector(0)]), Case("Squeeze", [f32(1, 3, 1, 5), vector(-2, 0)], keep=(2,)),
    Case("Unsqueeze", [X, vector(0)]), Case("Unsqueeze", [X, vector(-1)]), Case("Unsqueeze", [X, vector(0, 2)], keep=(2,)),
    Case("CumSum", [X, np.asarray(1, dtype=np.int64)]), Case("CumSum", [X, np.asarray(-3, dtype=np.int32)], {"reverse": 1}),
    Case("Pad", [X, vector(1, 0, 2, 1), None, vector(2, 0)], keep=(2, 4)),
]

SLICES = [
    Case("Slice", [f32(7, 9), vector(1), vector(6), vector(0)]),
    Case("Slice", [f32(7, 9), vector(1, 8), vector(6, 2), vector(0, -1), vector(2, -3)], keep=(2,)),
    Case("Slice", [f32(7, 9), vector(-1, -1), vector(-100, -100), vector(1, 0), vector(-1, -2)]),
    Case("Slice", [f32(7, 9), vector(0, 3), vector(2**62, 2**31)]), Case("Slice", [f32(7, 9), vector(5), vector(2), vector(0)]),
    Case("Slice", [f32(7, 9), vector(100), vector(2), vector(0), vector(-1)]),
]

SHAPES = [
    Case("Reshape", [X, vector(5, -1)], keep=(2,)), Case("Reshape", [X, vector(0, 20)], keep=(2,)),
    Case("Expand", [f32(3, 1), vector(2, 3, 4)], keep=(3,)), Case("Tile", [f32(2, 3), vector(2, 2)], keep=(2,)),
    Case("ConstantOfShape", [vector(2, 3)], keep=(2,)), Case("TopK", [X, vector(2)], {"axis": 1}, outputs=2, keep=(1,)),
    Case("Range", [np.asarray(v, dtype=np.float32) for v in (1, 7.5, 0.5)]),
    Case("Range", [np.asarray(v, dtype=np.int64) for v in (10, -3, -4)]), Case("Range", [np.asarray(v, dtype=np.int32) for v in (3, 1, 2)]),
    Case("Range", [np.asarray(v, dtype=np.float64) for v in (3, 1, -0.25)]),
    Case("OneHot", [ints(3, 2, low=0, high=5), np.asarray(5, dtype=np.int64), f32(2)], keep=(2,)),
    Case("OneHot", [ints(3, 2, low=0, high=5), np.asarray(5, dtype=np.float32), f32(2)], keep=(2,)),
]

CASES = REDUCTIONS + AXES + SLICES + SHAPES
