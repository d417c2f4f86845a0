"""Matrix products."""
from case import Case, Const, f16, f32, f64, ints, np

PRODUCTS = [
    ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((2, 1, 3, 4), (1, 6, 4, 5)), ((3, 4), (2, 4, 5)),
    ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((1, 1), (1, 1)), ((33, 65), (65, 97)), ((1, 300), (300, 70)), ((70, 300), (300, 1)),
    ((2, 3, 17, 32), (2, 3, 32, 19)), ((5, 0), (0, 6)),
]
CASES = [Case("MatMul", [f32(*a), f32(*b, seed=1)], dynamic=0 not in a) for a, b in PRODUCTS]
CASES += [Case("MatMul", [f32(*a), Const(f32(*b, seed=1))]) for a, b in PRODUCTS if 0 not in a]
# One row, for which dynamic products have code of their own: whole and ragged panels, few and many of them.
CASES += [Case("MatMul", [f32(*a), Const(f32(*b, seed=1))], keep=(a[-1],)) for a, b in (((1, 70), (70, 300)), ((1, 1, 64), (64, 32)), ((1, 33), (33, 9)), ((1, 128), (128, 96)))]
# Long reductions, which go over the rows block by block: one row block and several, ragged panels, sizes that no block divides.
CASES += [Case("MatMul", [f32(*a), Const(f32(*b, seed=1))], keep=(a[-1],), rtol=1e-4, atol=1e-3)
          for a, b in (((150, 4096), (4096, 70)), ((61, 2304), (2304, 33)), ((3, 100, 1400), (1400, 40)), ((64, 2111), (2111, 32)))]
CASES += [Case("MatMul", [make(7, 40), make(40, 9, seed=1)], oracle="onnx ort", atol=1e-3 if make is f16 else 1e-5) for make in (f16, f64)]
CASES += [Case("MatMul", [ints(7, 40, dtype=d), ints(40, 9, dtype=d)]) for d in (np.int32, np.int64)]
CASES += [Case("MatMul", [ints(7, 40, dtype=d, low=0), ints(40, 9, dtype=d, low=0)], oracle="onnx") for d in (np.uint32, np.uint64)]

A, B = {False: f32(6, 40), True: f32(40, 6)}, {False: f32(40, 9, seed=1), True: f32(9, 40, seed=1)}
CASES += [Case("Gemm", [A[ta], B[tb], f32(9)], {"transA": int(ta), "transB": int(tb)}) for ta in (False, True) for tb in (False, True)]
CASES += [Case("Gemm", [A[False], Const(B[True]), c and Const(f32(*c, seed=2))], {"transB": 1, **attrs}, name=f"{c} {attrs}")
          for c in (None, (9,), (1,), (6, 1), (6, 9), (1, 9), ()) for attrs in ({}, {"alpha": 0.5, "beta": 2.0}) if c != ()]
CASES += [
    Case("Gemm", [A[False], B[False], f32(9)], {"beta": 0.0}), Case("Gemm", [A[False], B[False]], {"alpha": 0.0}), Case("Gemm", [f16(5, 30), f16(30, 8), f16(8)], {"alpha": 2.0}, oracle="onnx", atol=1e-3),
    Case("Gemm", [f64(5, 30), f64(30, 8), f64(5, 1)]), Case("Gemm", [f32(64, 512), Const(f32(1000, 512, seed=1)), Const(f32(1000))], {"transB": 1}, keep=(512,)),
]
