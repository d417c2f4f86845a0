"""Fourier transforms, windows, the mel scale."""
from case import Case, Const, TensorProto, f16, f32, f64, np

EXACT = {"rtol": 1e-5, "atol": 1e-6}


def dft(x, length=None, axis=None, **attrs):
    inputs = [x] + ([None if length is None else length, axis] if length is not None or axis is not None else [])
    return Case("DFT", inputs, attrs, opset=20, oracle="onnx", keep=(1, 2), **EXACT, name=f"{list(x.shape)} {x.dtype} {_said(length)} {_said(axis)} {attrs}")


def _said(value):
    return "-" if value is None else f"const {value.value}" if isinstance(value, Const) else f"{value}"


REAL, COMPLEX = f32(3, 9, 10, 1), f32(3, 9, 10, 2)
CASES = [dft(x, inverse=i) for x in (REAL, COMPLEX) for i in (0, 1)]
CASES += [dft(x, axis=Const(a), inverse=i) for x in (REAL, COMPLEX) for a in (0, 1, -2, -3) for i in (0, 1)]
CASES += [dft(REAL, axis=Const(a), onesided=1) for a in (0, 1, 2)] + [dft(COMPLEX, axis=Const(a), onesided=1, inverse=1) for a in (0, 1, 2)]
CASES += [dft(COMPLEX, length=Const(n), axis=Const(1), inverse=i) for n in (5, 16, 1) for i in (0, 1)]
CASES += [dft(REAL, length=Const(n), onesided=1) for n in (7, 16)] + [dft(COMPLEX, length=Const(n), onesided=1, inverse=1) for n in (7, 16, 24)]
# The axis and the length known at run time only.
CASES += [dft(COMPLEX, axis=np.array(a), inverse=i) for a in (1, -2) for i in (0, 1)] + [dft(COMPLEX, length=np.array(12), axis=np.array(1)), dft(REAL, axis=np.array(1), onesided=1), dft(COMPLEX, axis=np.array(2), onesided=1, inverse=1)]
CASES += [Case("DFT", [make(2, 8, 2)], opset=20, oracle="onnx", keep=(2,), atol=1e-2 if make is f16 else 1e-5) for make in (f16, f64)]
CASES += [Case("DFT", [COMPLEX], {"axis": a, "inverse": i}, opset=17, oracle="onnx", keep=(2,)) for a in (0, 1, 2) for i in (0, 1)]


def stft(signal, step, window=None, length=None, name="", **attrs):
    return Case("STFT", [signal, step, window, length], attrs, opset=17, oracle="onnx", keep=(1, 2), name=f"{list(signal.shape)} {_said(step)} {'window' if window is not None else '-'} {_said(length)} {attrs} {name}", **EXACT)


SIGNAL, WINDOW = f32(2, 70, 1), f32(16, low=0.2, high=1)
CASES += [stft(SIGNAL, Const(s), length=Const(n), onesided=o) for s in (4, 7) for n in (9, 16, 70) for o in (0, 1)]
CASES += [stft(SIGNAL, Const(6), WINDOW, onesided=o) for o in (0, 1)] + [stft(SIGNAL, Const(6), WINDOW, Const(16)), stft(SIGNAL, np.array(6), length=np.array(16), name="at run time")]
CASES += [stft(f32(2, 70, 2), Const(6), WINDOW, onesided=0)]

CASES += [Case(op, [size], {"periodic": p}, opset=17, oracle="onnx", name=f"{_said(size)} {p}") for op in ("HannWindow", "HammingWindow", "BlackmanWindow") for size in (Const(10), Const(13, np.int32), np.array(12), np.array(1)) for p in (0, 1) if not (_said(size) == "1" and p == 0)]
CASES += [Case("HannWindow", [Const(10)], {"output_datatype": t}, opset=17, oracle="onnx", rtol=1e-2, name=f"type {t}") for t in (TensorProto.DOUBLE, TensorProto.FLOAT16)]


def scalar(value, dtype):
    return np.array(value, dtype=dtype)


def mel(bins, length, rate, low, high, const=True, **attrs):
    wrap = Const if const else (lambda a: a)
    inputs = [wrap(scalar(v, np.int64)) for v in (bins, length, rate)] + [wrap(scalar(v, np.float32)) for v in (low, high)]
    return Case("MelWeightMatrix", inputs, attrs, opset=17, oracle="onnx", name=f"{bins} {length} {rate} {low} {high} {const} {attrs}")


CASES += [mel(8, 16, 8192, 0, 4096, const) for const in (True, False)] + [mel(12, 128, 16000, 20, 7600), mel(5, 9, 100, 3, 50), mel(8, 16, 8192, 0, 4096, output_datatype=TensorProto.DOUBLE)]
