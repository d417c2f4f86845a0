"""Random numbers: against the generator in NumPy, whose figures the paper's test vectors check (test_random.py)."""
import ml_dtypes
import numpy as np
from case import Case, TensorProto, f16, f32, f64

DTYPE = {np.float32: TensorProto.FLOAT, np.float16: TensorProto.FLOAT16, np.float64: TensorProto.DOUBLE, np.int64: TensorProto.INT64, np.int32: TensorProto.INT32}


def philox(counter, key):
    """Philox 4x32-10: four words for each counter of [n, 4]; key: two words."""
    c = np.asarray(counter, dtype=np.uint64).copy()
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[:, 0], np.uint64(0xCD9E8D57) * c[:, 2]
        c = np.stack([(p1 >> np.uint64(32)) ^ c[:, 1] ^ k0, p1 & low, (p0 >> np.uint64(32)) ^ c[:, 3] ^ k1, p0 & low], axis=1)
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c


def words(shape, seed):
    n = int(np.prod(shape, dtype=np.int64))
    counter = np.zeros((n, 4), dtype=np.uint64)
    counter[:, 0] = np.arange(n)
    return philox(counter, (int(np.float32(seed).view(np.uint32)), 0))


def top(word, bits):
    return (word >> np.uint64(32 - bits)).astype(np.float64)


def unit(w, dtype):
    """Numbers in [0, 1) with as many bits as the type holds."""
    if dtype == np.float64:
        return (top(w[:, 0], 27) * 2.0**26 + top(w[:, 1], 26)) * 2.0**-53
    bits = {ml_dtypes.bfloat16: 8, np.float16: 11, np.float32: 24}[dtype]
    return top(w[:, 0], bits) * 2.0**-bits


def uniform(shape, seed, dtype, low=0.0, high=1.0):
    return (low + unit(words(shape, seed), dtype) * (high - low)).reshape(shape).astype(dtype)


def normal(shape, seed, dtype, mean=0.0, scale=1.0):
    w = words(shape, seed)
    if dtype == np.float64:
        radius, turn = unit(w, np.float64) + 2.0**-54, unit(w[:, 2:], np.float64)
    else:
        radius, turn = top(w[:, 0], 32) * 2.0**-32 + 2.0**-33, top(w[:, 2], 24) * 2.0**-24
    z = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * turn)
    return (mean + z * scale).reshape(shape).astype(dtype)


def multinomial(x, samples, seed, dtype):
    wide = np.float64 if x.dtype == np.float64 else np.float32
    weights = np.exp(x.astype(wide) - x.max(axis=1, keepdims=True))
    sums = np.cumsum(weights, axis=1)
    u = uniform((len(x), samples), seed, wide)
    below = (sums[:, None, :] <= (u * sums[:, -1:])[:, :, None]).sum(axis=2)
    return np.minimum(below, x.shape[1] - 1).astype(dtype)


def bernoulli(seed, dtype=None):
    def expect(x):
        wide = np.float64 if x.dtype == np.float64 else np.float32
        return (uniform(x.shape, seed, wide) < x).astype(dtype or x.dtype)

    return expect


CASES = []
for dtype, make in ((np.float32, f32), (np.float64, f64), (np.float16, f16)):
    name = np.dtype(dtype).name
    like = make(9, 31)
    CASES += [
        Case("RandomUniform", [], {"shape": [9, 31], "seed": 3.0, "low": -1.0, "high": 2.0, "dtype": DTYPE[dtype]}, expect=[uniform((9, 31), 3, dtype, -1, 2)], name=name, dynamic=False),
        Case("RandomNormal", [], {"shape": [9, 31], "seed": 4.0, "mean": 1.0, "scale": 2.0, "dtype": DTYPE[dtype]}, expect=[normal((9, 31), 4, dtype, 1, 2)], name=name, dynamic=False),
        Case("RandomUniformLike", [like], {"seed": 5.5}, expect=lambda x: uniform(x.shape, 5.5, x.dtype.type), name=name),
        Case("RandomNormalLike", [like], {"seed": 6.0}, expect=lambda x: normal(x.shape, 6, x.dtype.type), name=name),
    ]
CASES += [
    Case("RandomUniformLike", [f32(5, 7)], {"seed": 1.0, "dtype": TensorProto.DOUBLE}, expect=lambda x: uniform(x.shape, 1, np.float64), name="f32 to f64"),
    Case("Bernoulli", [f32(9, 31, low=0.0, high=1.0)], {"seed": 2.0}, expect=bernoulli(2)),
    Case("Bernoulli", [f64(9, 31, low=0.0, high=1.0)], {"seed": 2.0, "dtype": TensorProto.BOOL}, expect=bernoulli(2, bool), name="f64 to bool"),
    Case("Bernoulli", [f16(9, 31, low=0.0, high=1.0)], {"seed": 2.0, "dtype": TensorProto.INT32}, expect=bernoulli(2, np.int32), name="f16 to i32"),
    Case("Multinomial", [f32(4, 7)], {"seed": 8.0, "sample_size": 50}, expect=lambda x: multinomial(x, 50, 8, np.int32)),
    Case("Multinomial", [f64(4, 7)], {"seed": 8.0, "sample_size": 50, "dtype": TensorProto.INT64}, expect=lambda x: multinomial(x, 50, 8, np.int64), name="f64 to i64"),
]
