"""Reductions, searches, scans, variadic elementwise operators and Einsum."""
from case import Case, Const, bools, f16, f32, f64, ints, np


def const(value, dtype=np.int64):
    return Const(np.asarray(value, dtype=dtype))


X = f32(3, 4, 5)
POSITIVE = f32(3, 4, 5, low=0.1, high=2)
KINDS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare")
REDUCES = [Case(op, [X, axes and const(axes)], attrs) for op in KINDS for axes, attrs in (
    (None, {}), ([1], {"keepdims": 0}), ([0, -1], {}), ([2], {}))]
REDUCES += [Case(op, [X, None], {"noop_with_empty_axes": 1}, oracle="onnx") for op in ("ReduceSum", "ReduceMax", "ReduceSumSquare", "ReduceL1")]
REDUCES += [Case("ReduceLogSum", [POSITIVE, axes and const(axes)], attrs) for axes, attrs in ((None, {}), ([1], {"keepdims": 0}), ([0, -1], {}))]
REDUCES += [
    Case("ReduceSum", [X, const([])]), Case("ReduceSum", [f32(2, 70, 130), const([2])]), Case("ReduceSum", [f32(2, 70, 130), const([1])]),
    Case("ReduceMean", [f32(2, 3, 14, 15), const([2, 3])]), Case("ReduceMean", [f16(7, 200), const([1])]), Case("ReduceSum", [f64(3, 7), const([0])]),
    Case("ReduceSum", [ints(3, 7), const([0])]), Case("ReduceSum", [ints(3, 7, dtype=np.int32), const([1])]), Case("ReduceMean", [ints(3, 8, dtype=np.int32), const([1])], oracle="ort"),
    Case("ReduceMax", [ints(3, 7), const([0])]), Case("ReduceMin", [ints(3, 7), const([0])]), Case("ReduceMax", [ints(3, 7, dtype=np.int8), const([0])]),
    Case("ReduceMin", [ints(3, 7, dtype=np.uint8, low=0, high=255), const([0])]), Case("ReduceMax", [ints(3, 7, dtype=np.uint8, low=0, high=255), const([1])]),
    Case("ReduceMax", [bools(3, 7), const([1])], oracle="onnx"), Case("ReduceMin", [bools(3, 7), const([1])], oracle="onnx"),
    Case("ReduceProd", [ints(3, 4, low=1, high=4), const([1])]), Case("ReduceSum", [f32()], name="scalar"), Case("ReduceMax", [f32(), None], name="scalar"),
    Case("ReduceSum", [f32(3, 0), const([1])], dynamic=False, name="no elements"), Case("ReduceLogSumExp", [np.float32([[1000, 1001], [-np.inf, -np.inf]]), const([1])], dynamic=False, expect=np.float32([[1001.3132617], [-np.inf]]), name="no overflow"),
    Case("ReduceMax", [np.float32([[1, np.nan, 3], [4, 5, 6]]), const([1])], dynamic=False, oracle="onnx", name="NaN"),
]

TIES = ints(6, 40, low=0, high=5).astype(np.float32)
SEARCHES = [Case(op, [f32(5, 6, 7)], {"axis": a, "keepdims": k}) for op in ("ArgMax", "ArgMin") for a, k in ((0, 1), (1, 0), (2, 1), (-1, 0))]
SEARCHES += [Case(op, [TIES], {"axis": a, "select_last_index": last}) for op in ("ArgMax", "ArgMin") for a in (0, 1) for last in (0, 1)]
SEARCHES += [
    Case("ArgMax", [f32(3, 1000)], {"axis": 1}), Case("ArgMax", [f32(2, 21, 9, 9)], {"axis": 1, "keepdims": 0}), Case("ArgMax", [ints(4, 33, dtype=np.int32)], {"axis": 1}),
    Case("ArgMin", [ints(4, 33, dtype=np.uint8, low=0, high=255)], {"axis": 1}), Case("ArgMax", [f16(4, 33)], {"axis": 1}, oracle="onnx"), Case("ArgMax", [f64(4, 33)], {"axis": 0}),
    Case("ArgMax", [f32(9)], {"axis": 0, "keepdims": 0}), Case("Hardmax", [f32(4, 7)]), Case("Hardmax", [f32(4, 7, 3)], {"axis": 1}), Case("Hardmax", [TIES], {"axis": 0}),
    Case("TopK", [f32(4, 50), const([5])], outputs=2), Case("TopK", [f32(4, 50), const([5])], {"largest": 0}, outputs=2), Case("TopK", [f32(4, 9, 3), const([4])], {"axis": 1}, outputs=2),
    Case("TopK", [f32(4, 9), const([9])], outputs=2, keep=(9,), name="all"), Case("TopK", [TIES, const([7])], outputs=2, name="ties"), Case("TopK", [TIES, const([7])], {"largest": 0}, outputs=2, name="ties"),
    Case("TopK", [ints(4, 50), const([5])], outputs=2), Case("TopK", [f32(3000), const([300])], outputs=2), Case("TopK", [f32(4, 9), const([1])], {"axis": 0}, outputs=[True, False]),
    Case("TopK", [f16(4, 50), const([5])], outputs=2, oracle="onnx"), Case("TopK", [f32(4, 9), const([0])], outputs=2, oracle="onnx", name="none"),
] + [
    Case("CumSum", [f32(3, 4, 5), const(axis)], {"exclusive": e, "reverse": r}) for axis in (0, 1, -1) for e in (0, 1) for r in (0, 1)
] + [Case("CumSum", [ints(7), const(0)]), Case("CumSum", [f32(7), np.asarray(0)], name="an axis at run time"), Case("CumSum", [f64(3, 130), const(0)]), Case("CumSum", [ints(3, 5, dtype=np.int32), const([1])])]

A, B, C = f32(3, 4), f32(3, 4, seed=1), f32(4, seed=2)
ELEMENTWISE = [Case(op, operands) for op in ("Min", "Max", "Sum", "Mean") for operands in ([A], [A, B], [A, B, C], [f32(3, 1), C, f32(2, 1, 1)])]
ELEMENTWISE += [
    Case("Max", [ints(3, 4), ints(4)]), Case("Min", [ints(3, 4, dtype=np.uint8, low=0, high=255), ints(4, dtype=np.uint8, low=0, high=255)]), Case("Max", [f16(3, 4), f16(4)]), Case("Sum", [f64(3, 4), f64(4)]),
    Case("Clip", [A, Const(np.float32(-0.5)), Const(np.float32(0.5))]), Case("Clip", [A, None, Const(np.float32(0.5))]), Case("Clip", [A, Const(np.float32(0))]), Case("Clip", [A]),
    Case("Clip", [A, np.asarray(-0.5, np.float32), np.asarray(0.5, np.float32)], name="bounds at run time"), Case("Clip", [ints(3, 4), const(-3), const(3)]), Case("Clip", [A, Const(np.float32(1)), Const(np.float32(-1))], name="min above max"),
    Case("Clip", [f16(3, 4), Const(np.float16(-0.5)), Const(np.float16(0.5))]), Case("Clip", [ints(3, 4, dtype=np.uint8, low=0, high=255), Const(np.uint8(20)), Const(np.uint8(200))]),
]


def einsum(equation, *shapes, **options):
    return Case("Einsum", [f32(*s, seed=i) for i, s in enumerate(shapes)], {"equation": equation}, **options)


EINSUMS = [
    einsum("ij,jk->ik", (3, 4), (4, 5)), einsum("ij,jk", (3, 4), (4, 5)), einsum("ij->ji", (3, 4)), einsum("ij->", (3, 4)), einsum("ij->i", (3, 4)), einsum("ii->i", (4, 4)), einsum("ii", (4, 4)),
    einsum("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), einsum("bhid,bhjd->bhij", (2, 3, 4, 6), (2, 3, 5, 6)), einsum("bhij,bhjd->bhid", (2, 3, 4, 5), (2, 3, 5, 6)), einsum("i,j->ij", (3,), (4,)), einsum("i,i->", (5,), (5,)),
    einsum("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)), einsum("...ij,...jk->...ik", (2, 3, 4), (4, 5)), einsum("...ij,jk", (2, 3, 4), (4, 5)), einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), einsum("bthd,hde->bte", (2, 3, 4, 5), (4, 5, 6)),
    einsum("i...->...i", (3, 4, 5)), einsum(" ij , jk -> ik ", (3, 4), (4, 5)), einsum("ab,ab->ab", (3, 4), (3, 4)), einsum("abc,cd,de->abe", (2, 3, 4), (4, 5), (5, 6)), einsum("iij->ij", (3, 3, 4)), einsum("bij,bjk->bik", (1, 3, 4), (2, 4, 5), oracle="onnx", name="a batch of one"),
    Case("Einsum", [f64(3, 4), f64(4, 5)], {"equation": "ij,jk->ik"}), Case("Einsum", [ints(3, 4), ints(4, 5)], {"equation": "ij,jk->ik"}, oracle="onnx"), Case("Einsum", [f16(3, 4), f16(4, 5)], {"equation": "ij,jk->ik"}, oracle="onnx", rtol=1e-2),
    einsum("bct,bcs->bts", (2, 8, 9), (2, 8, 7)), einsum("nkctv,kvw->nctw", (2, 3, 4, 5, 6), (3, 6, 6)),
]

CASES = REDUCES + SEARCHES + ELEMENTWISE + EINSUMS
