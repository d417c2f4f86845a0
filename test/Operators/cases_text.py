"""n-grams, and thresholds as FINN and QONNX count them."""
from case import Case, Const, f16, f32, ints, np

POOL = {"ngram_counts": [0, 4], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7]}
THREE = {"ngram_counts": [0, 2, 6], "ngram_indexes": [3, 0, 1, 5, 2, 4], "pool_int64s": [1, 2, 1, 2, 2, 3, 1, 2, 3, 3, 3, 1]}


def tfidf(x, pool, shortest, longest, skips, mode="TF", **options):
    return Case("TfIdfVectorizer", [x], {**pool, "min_gram_length": shortest, "max_gram_length": longest, "max_skip_count": skips, "mode": mode, **options}, oracle="onnx ort")


ROWS = np.array([[1, 1, 3, 3, 3, 7], [8, 6, 7, 5, 6, 8]], dtype=np.int64)
CASES = [tfidf(ROWS, POOL, *lengths) for lengths in ((1, 1, 0), (1, 2, 0), (2, 2, 0), (2, 2, 5), (1, 2, 5))]
CASES += [tfidf(ROWS[0], POOL, 2, 2, 5), tfidf(ROWS.astype(np.int32), POOL, 1, 2, 2)]
CASES += [tfidf(ints(5, 40, low=0, high=4), THREE, 1, 3, skips, mode) for skips in (0, 3) for mode in ("TF", "IDF", "TFIDF")]
CASES += [tfidf(ints(5, 40, low=0, high=4), THREE, 1, 3, 1, mode, weights=[0.5, 1.5, 2.0, 3.0, 0.25, 7.0]) for mode in ("IDF", "TFIDF")]


def threshold(layout="NCHW", scale=1.0, bias=0.0):
    def expect(x, t):
        channels = x if layout.endswith("C") or x.ndim == 1 else np.moveaxis(x, 1, -1)
        count = (channels[..., None] >= t).sum(axis=-1)
        y = count if layout.endswith("C") or x.ndim == 1 else np.moveaxis(count, -1, 1)
        return (y * scale + bias).astype(x.dtype if x.dtype.kind == "f" else t.dtype)

    return expect


def multi_threshold(x, t, domain="qonnx.custom_op.general", scale=1.0, bias=0.0, layout="NCHW", **options):
    attrs = {"out_dtype": "UINT4", "data_layout": layout, "out_scale": scale, "out_bias": bias}
    return Case("MultiThreshold", [x, Const(np.sort(t, axis=1))], attrs, domain=domain, expect=threshold(layout, scale, bias), keep=(x.shape[-1] if layout.endswith("C") else x.shape[1],), **options)


CASES += [
    multi_threshold(f32(2, 3, 4, 5), f32(3, 7)), multi_threshold(f32(2, 3, 4, 5), f32(1, 7), scale=0.5, bias=-2.0), multi_threshold(f32(2, 4, 5, 3), f32(3, 15), layout="NHWC"),
    multi_threshold(f32(4, 3), f32(3, 7), layout="NC"), multi_threshold(f32(2, 3, 5), f32(3, 7), domain="finn.custom_op.general", layout="NCW", name="FINN"),
    multi_threshold(ints(2, 3, 4, 5, dtype=np.int8), f32(3, 7) * 5, name="int8"), multi_threshold(f16(2, 3, 5), f16(3, 7), layout="NCW", name="f16"),
]
