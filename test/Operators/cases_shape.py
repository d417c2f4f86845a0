"""Shape, generation and data movement."""
from case import Case, Const, TensorProto, bools, f16, f32, f64, ints, np
from onnx import helper, numpy_helper


def const(value, dtype=np.int64):
    return Const(np.asarray(value, dtype=dtype))


X = f32(2, 3, 4)
IMAGE = f32(2, 8, 4, 6)

RESHAPES = [
    Case("Reshape", [X, const(target)], attrs, keep=keep)
    for target, attrs, keep in [
        ([6, 4], {}, (2, 3, 4)), ([2, -1], {}, (2,)), ([-1], {}, ()), ([0, -1], {}, ()), ([0, 0, 2, 2], {}, (4,)), ([-1, 4], {}, (4,)),
        ([1, 2, 3, 4, 1], {}, (2, 3, 4)), ([2, 12], {"allowzero": 1}, (2, 3, 4)), ([3, 8], {}, (2, 3, 4)), ([4, 3, 2], {}, (2, 3, 4)),
    ]
] + [
    Case("Reshape", [f32(1, 1), const([])], dynamic=False, name="to a scalar"),
    Case("Reshape", [f32(), const([1, 1, 1])], name="from a scalar"),
    Case("Reshape", [f32(0, 3), const([3, 0])], {"allowzero": 1}, name="allowzero", dynamic=False),
    Case("Reshape", [bools(2, 6), const([3, 4])], keep=(2, 6)),
    Case("Reshape", [ints(2, 6, dtype=np.uint8, low=0), const([-1])]),
]

VIEWS = (
    [Case("Flatten", [X], {"axis": a}) for a in (0, 1, 2, 3, -1)] + [Case("Flatten", [f32()], {"axis": 0}, name="scalar")]
    + [Case("Squeeze", [f32(1, 3, 1, 5), const(a) if a is not None else None]) for a in ([0], [2], [0, -2], None)]
    + [Case("Unsqueeze", [X, const(a)]) for a in ([0], [3], [-1], [1, 3], [0, 1, 4])]
    + [Case("Unsqueeze", [f32(), const([0, 1])], name="scalar")]
    + [Case("Identity", [X]), Case("Identity", [bools(3, 5)])]
)

TRANSPOSES = [
    Case("Transpose", [X], {"perm": list(p)}) for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0))
] + [
    Case("Transpose", [X]), Case("Transpose", [IMAGE], {"perm": [0, 2, 3, 1]}), Case("Transpose", [f16(33, 65)]),
    Case("Transpose", [ints(5, 7, dtype=np.int8)]), Case("Transpose", [f64(5, 7)]), Case("Transpose", [f32(2, 3, 4, 5, 6)], {"perm": [4, 1, 0, 3, 2]}),
    Case("Transpose", [bools(5, 7)]), Case("Transpose", [f32(0, 3)], dynamic=False, name="no elements"),
]

JOINS = [
    Case("Concat", [f32(2, 3), f32(2, 3, seed=1)], {"axis": a}) for a in (0, 1, -1)
] + [
    Case("Concat", [f32(2, 3, 4), f32(2, 5, 4), f32(2, 1, 4)], {"axis": 1}),
    Case("Concat", [f32(2, 3, 4)], {"axis": 1}, name="one operand"),
    Case("Concat", [f32(2, 0), f32(2, 3)], {"axis": 1}, dynamic=False, name="an empty operand"),
    Case("Concat", [ints(3), ints(5)], {"axis": 0}),
    Case("Concat", [bools(3, 2), bools(3, 2)], {"axis": 1}),
    Case("Concat", [f32(3, 4), Const(f32(3, 2))], {"axis": 1}, keep=(3,)),
    Case("Split", [f32(2, 6), const([2, 4])], {"axis": 1}, outputs=2, keep=(6,)),
    Case("Split", [f32(6, 4)], {"num_outputs": 3}, outputs=3, keep=(6,)),
    Case("Split", [f32(7, 4)], {"num_outputs": 3}, outputs=3, keep=(7,)),
    Case("Split", [f32(5, 8)], {"axis": -1, "num_outputs": 2}, outputs=2, keep=(8,)),
    Case("Split", [f32(7, 4)], {"num_outputs": 2}, outputs=2, name="of an unknown size"),
    Case("Split", [f32(5, 8)], {"axis": 1, "num_outputs": 2}, outputs=[False, True], keep=(8,), name="one used", oracle="onnx"),
    Case("Split", [f32(4, 5), const([0, 4])], {"axis": 0}, outputs=2, keep=(4,), name="an empty part"),
    Case("Split", [f32(4, 5), const([4, 0])], {"axis": 0}, outputs=2, keep=(4,), name="an empty last part"),
]


def slices(x, starts, ends, axes=None, steps=None, **options):
    parts = [x, const(starts), const(ends)] + [None if a is None else const(a) for a in (axes, steps)]
    return Case("Slice", parts, **options)


BIG = np.iinfo(np.int64).max
SLICES = [
    slices(f32(5, 7), [1], [4]), slices(f32(5, 7), [1, 2], [4, 6]), slices(f32(5, 7), [2], [BIG], [1]),
    slices(f32(5, 7), [-3], [-1], [1]), slices(f32(5, 7), [0], [-1], [0]), slices(f32(5, 7), [-100], [100], [1]),
    slices(f32(5, 7), [0], [BIG], [1], [2]), slices(f32(5, 7), [1, 0], [BIG, BIG], [0, 1], [2, 3]),
    slices(f32(5, 7), [-1], [-BIG], [1], [-1]), slices(f32(5, 7), [-1], [0], [0], [-2]), slices(f32(5, 7), [5], [1], [1], [-1]),
    slices(f32(5, 7), [BIG], [-BIG - 1], [0], [-1]), slices(f32(5, 7), [3], [3], [1], name="no elements"),
    slices(f32(5, 7), [4], [2], [1], name="backwards"), slices(f32(5, 7), [10], [20], [1], name="beyond the end"),
    slices(f32(2, 3, 8, 6), [0, 1], [BIG, BIG], [2, 3], [2, 2]), slices(ints(5, 7), [1], [3], [-1]), slices(bools(9), [2], [8], None, [2]),
    slices(f32(5, 7), [0], [2], [1], keep=(7,)), slices(f32(5, 7), [0], [BIG], [1]), slices(f32(5, 7), [0], [4], [1]),
]

GROWTH = (
    [Case("Expand", [a, const(s)], keep=k) for a, s, k in [
        (f32(3, 1), [3, 4], (3,)), (f32(3, 1), [2, 1, 6], ()), (f32(1), [4], ()), (f32(), [2, 3], ()), (f32(3, 4), [1], ()),
        (bools(3, 1), [3, 4], (3,)), (f32(1, 3), [5, 1], ()),
    ]]
    + [Case("Expand", [f32(3, 5), const([1, 2, 1, 1])], name="of unknown sizes")]
    + [Case("Tile", [f32(2, 3), const(r)]) for r in ([1, 1], [2, 1], [1, 3], [2, 2], [0, 2])]
    + [Case("Tile", [f32(2, 3, 4), const([2, 1, 3])]), Case("Tile", [ints(3), const([4])])]
)

PADS = [
    Case("Pad", [f32(3, 5), const(p)], {"mode": mode})
    for mode in ("constant", "reflect", "edge") for p in ([0, 1, 0, 2], [1, 2, 2, 1], [0, 0, 0, 0])
] + [
    Case("Pad", [f32(3, 5), const([1, 2, 4, 7])], {"mode": "wrap"}), Case("Pad", [f32(3, 5), const([1, 2, 4, 7])], {"mode": "edge"}),
    Case("Pad", [f32(3, 5), const([0, 1, 0, 2]), Const(np.float32(1.5))]),
    Case("Pad", [f32(3, 5), const([0, 1, 0, 2]), np.asarray(1.5, np.float32)], name="a border that comes at run time"),
    Case("Pad", [f32(3, 5), const([0, -1, 0, 2])]), Case("Pad", [f32(3, 5), const([-1, -1, -1, -2])]),
    Case("Pad", [f32(3, 5), const([-1, 2, 1, -1])], {"mode": "edge"}, oracle="ort"),
    Case("Pad", [f32(2, 3, 5), const([1, 2]), None, const([-1])]), Case("Pad", [f32(2, 3, 5), const([1, 0, 0, 2]), Const(np.float32(2)), const([0, 2])]),
    Case("Pad", [f32(1, 2, 5, 6), const([0, 0, 1, 2, 0, 0, 3, 1])], {"mode": "reflect"}),
    Case("Pad", [ints(3, 4), const([1, 1, 1, 1]), const(7)]), Case("Pad", [bools(3, 4), const([1, 1, 1, 1])], oracle="onnx"),
    Case("Pad", [f16(3, 4), const([1, 1, 1, 1])]), Case("Pad", [f32(2, 3, 1), const([0, 0, 0, 0, 0, 2])], {"mode": "edge"}),
    Case("Pad", [f32(4), const([3, 3])], {"mode": "reflect"}),
]


def value(array):
    return {"value": numpy_helper.from_array(np.asarray([array]))}


GENERATED = [
    Case("Range", [const(0), const(5), const(1)]), Case("Range", [const(10), const(4), const(-2)]), Case("Range", [const(3), const(9), const(4)]),
    Case("Range", [const(3), const(1), const(1)], name="no elements"), Case("Range", [const(0, np.int32), const(5, np.int32), const(2, np.int32)]),
    Case("Range", [Const(np.float32(0.5)), Const(np.float32(2.0)), Const(np.float32(0.25))]),
    Case("Range", [Const(np.float64(1)), Const(np.float64(-1)), Const(np.float64(-0.5))]),
    Case("ConstantOfShape", [const([2, 3])]), Case("ConstantOfShape", [const([2, 3])], value(np.float32(1.5))),
    Case("ConstantOfShape", [const([4])], value(np.int64(-7))), Case("ConstantOfShape", [const([4])], value(np.bool_(True))),
    Case("ConstantOfShape", [const([])], value(np.int32(3))), Case("ConstantOfShape", [const([0, 2])]),
    Case("ConstantOfShape", [const([100, 70])], value(np.uint8(200))),
    Case("EyeLike", [f32(4, 5)]), Case("EyeLike", [f32(4, 5)], {"k": 1}), Case("EyeLike", [f32(5, 4)], {"k": -2, "dtype": TensorProto.INT64}),
    Case("EyeLike", [ints(3, 3)], {"dtype": TensorProto.FLOAT}),
    Case("OneHot", [ints(4, low=0, high=5), const(5), Const(np.float32([0, 1]))]),
    Case("OneHot", [ints(4, low=-6, high=7), const([5]), Const(np.float32([-1, 3]))], {"axis": 0}),
    Case("OneHot", [ints(2, 3, low=0, high=4), const(4), f32(2)], {"axis": 1}, keep=(2,), name="values at run time"),
    Case("OneHot", [ints(4, low=0, high=5, dtype=np.int32), Const(np.float32(5)), const([0, 1])], oracle="onnx"),
    Case("Trilu", [f32(5, 5)]), Case("Trilu", [f32(5, 5)], {"upper": 0}), Case("Trilu", [f32(2, 4, 6), const(1)]),
    Case("Trilu", [f32(2, 4, 6), const(-2)], {"upper": 0}), Case("Trilu", [ints(4, 6), np.asarray(1)], name="k at run time"),
    Case("Trilu", [bools(4, 6)]),
    Case("Dropout", [X], outputs=2), Case("Dropout", [X, Const(np.float32(0.5)), Const(np.asarray(False))]),
    Case("CastLike", [f32(3, 5), ints(1)]), Case("CastLike", [ints(3, 5), f16(1)]), Case("CastLike", [f32(3, 5), bools(1)]),
    Case("DepthToSpace", [IMAGE], {"blocksize": 2}, keep=(8,)), Case("DepthToSpace", [IMAGE], {"blocksize": 2, "mode": "CRD"}, keep=(8,)),
    Case("SpaceToDepth", [IMAGE], {"blocksize": 2}, keep=(8,)), Case("SpaceToDepth", [f32(1, 3, 6, 9)], {"blocksize": 3}, keep=(3, 6, 9)),
    Case("Shape", [X]), Case("Shape", [X], {"start": 1}), Case("Shape", [X], {"start": -2, "end": -1}), Case("Size", [X]),
]

CASES = RESHAPES + VIEWS + TRANSPOSES + JOINS + SLICES + GROWTH + PADS + GENERATED
