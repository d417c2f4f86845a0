"""The domain ai.onnx.ml."""
from dataclasses import replace

from case import Case, Const, Map, f32, f64, ints, np
from onnx import numpy_helper

DOMAIN = "ai.onnx.ml"


def ml(op, inputs, attrs=None, version=3, **options):
    return Case(op, inputs, attrs or {}, domain=DOMAIN, domain_opset=version, **options)


def matrix(dtype, low=-4, high=5, shape=(6, 4), seed=0):
    return ints(*shape, low=low, high=high, dtype=dtype, seed=seed) if np.dtype(dtype).kind == "i" else f32(*shape, seed=seed).astype(dtype)


def as_f32(case):
    """A case whose right outputs are those of the same numbers in f32: runtimes lack the type, and the onnx package answers in it."""
    return replace(case, expect=lambda x: replace(case, inputs=[x.astype(np.float32)]).expected()[0])


NUMBERS = (np.float32, np.float64, np.int32, np.int64)

# ---- features ----

CASES = [ml("ArrayFeatureExtractor", [matrix(d), np.array([[3, 0, 1]], dtype=np.int64)], name=np.dtype(d).name) for d in NUMBERS]
CASES += [ml("ArrayFeatureExtractor", [f32(9), np.array([3, 0, 8], dtype=np.int64)]), ml("ArrayFeatureExtractor", [f32(2, 3, 5), Const([4, 0])])]
CASES += [ml("Binarizer", [matrix(d)], {"threshold": t}, name=f"{np.dtype(d).name} {t}", oracle="onnx ort") for d in NUMBERS for t in (0.0, 0.5, -1.5)]
CASES += [ml("FeatureVectorizer", [f32(6, 2), f32(6, 3, seed=1)], {"inputdimensions": [2, 3]}, keep=(2, 3)), ml("FeatureVectorizer", [ints(6, 2), ints(6, 5, seed=1)], {"inputdimensions": [2, 5]}, keep=(2, 5), name="i64"),
          ml("FeatureVectorizer", [f64(6, 2), f64(6, 5, seed=1)], {"inputdimensions": [3, 4]}, name="cut and filled",
             expect=lambda a, b: np.concatenate([a, np.zeros((6, 1)), b[:, :4]], axis=1).astype(np.float32))]


def imputed(dtype=np.float32):
    x = matrix(dtype)
    if np.dtype(dtype).kind == "f":
        x[1, 2] = x[3, 0] = np.nan
    return x


CASES += [ml("Imputer", [imputed()], {"imputed_value_floats": v, "replaced_value_float": float("nan")}, keep=(4,), name=f"nan {len(v)}") for v in ([1.0, 2.0, 3.0, 4.0], [7.0])]
CASES += [ml("Imputer", [ints(6, 4)], {"imputed_value_int64s": [1, 2, 3, 4], "replaced_value_int64": -2}, keep=(4,)), ml("Imputer", [np.round(f32(6, 4))], {"imputed_value_floats": [9.0], "replaced_value_float": 1.0}),
          ml("Imputer", [imputed(np.float64)], {"imputed_value_floats": [7.0], "replaced_value_float": float("nan")}, name="f64", oracle="onnx")]
CASES += [ml("Normalizer", [matrix(d)], {"norm": n}, name=f"{np.dtype(d).name} {n}") for d in NUMBERS for n in ("MAX", "L1", "L2")]
CASES += [ml("Normalizer", [f32(7)], {"norm": n}, name=f"vector {n}") for n in ("MAX", "L1", "L2")]
CASES += [ml("OneHotEncoder", [matrix(d, shape=(9,)) if np.dtype(d).kind == "i" else np.round(f32(9) * 3).astype(d)], {"cats_int64s": [0, 1, 2, -2], "zeros": 1}, name=np.dtype(d).name) for d in NUMBERS]
CASES += [ml("OneHotEncoder", [ints(3, 5, low=0, high=4)], {"cats_int64s": [3, 1, 2, 0], "zeros": 0}, name="every value known"), ml("OneHotEncoder", [ints(3, 5, low=0, high=4)], {"cats_int64s": [3, 1], "zeros": 1})]
CASES += [ml("Scaler", [matrix(d)], {"offset": o, "scale": s}, keep=(4,), name=f"{np.dtype(d).name} {len(o)} {len(s)}") for d in NUMBERS for o, s in (([0.5, 1.0, -1.0, 0.0], [2.0, 0.5, 1.5, 3.0]), ([0.5], [2.0]))]

# ---- labels ----


def tensor(values, dtype):
    return numpy_helper.from_array(np.asarray(values, dtype=dtype))


CASES += [
    ml("LabelEncoder", [ints(5, 9)], {"keys_int64s": [3, -2, 7, 0], "values_int64s": [10, 20, 30, 40], "default_int64": 99}, version=4, name="i64 to i64"),
    ml("LabelEncoder", [ints(5, 9)], {"keys_int64s": [3, -2, 7, 0], "values_floats": [1.5, 2.5, 3.5, 4.5]}, version=4, name="i64 to f32"),
    ml("LabelEncoder", [np.round(f32(5, 9) * 3)], {"keys_floats": [1.0, 2.0, -1.0], "values_int64s": [4, 5, 6]}, version=4, name="f32 to i64"),
    ml("LabelEncoder", [np.array([1.0, np.nan, 3.0, -np.inf], dtype=np.float32)], {"keys_floats": [float("nan"), 3.0, float("-inf")], "values_floats": [4.0, 5.0, 6.0], "default_float": 0.25}, version=4, name="nan"),
    ml("LabelEncoder", [ints(31)], {"keys_int64s": [1], "values_int64s": [2]}, version=4, name="one key"),
]
CASES += [ml("LabelEncoder", [matrix(k, shape=(6, 7)) if np.dtype(k).kind == "i" else np.round(f32(6, 7) * 3).astype(k)],
             {"keys_tensor": tensor([2, -1, 3], k), "values_tensor": tensor([5, 6, 7], v), "default_tensor": tensor([8], v)}, version=4, name=f"{np.dtype(k).name} to {np.dtype(v).name}",
             expect=lambda x, v=v: np.select([x == 2, x == -1, x == 3], [5, 6, 7], 8).astype(v)) for k, v in ((np.float64, np.int16), (np.int32, np.float64), (np.int16, np.int32), (np.int64, np.int8), (np.float32, np.int64))]

# ---- linear models ----

TRANSFORMS = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO")


def weights(n, seed=0):
    return [float(v) for v in f32(n, seed=seed)]


CASES += [ml("LinearRegressor", [matrix(np.float32)], {"coefficients": weights(4 * t), "intercepts": weights(t, 1), "targets": t}, keep=(4,), name=f"{t} targets") for t in (1, 3)]
CASES += [as_f32(ml("LinearRegressor", [matrix(d)], {"coefficients": weights(4), "intercepts": [0.5]}, keep=(4,), name=np.dtype(d).name)) for d in (np.float64, np.int64)]
CASES += [ml("LinearRegressor", [f32(6, 4)], {"coefficients": weights(4)}, keep=(4,), name="no intercept"), ml("LinearRegressor", [f32(6, 4)], {"coefficients": weights(12), "targets": 3, "post_transform": "SOFTMAX"}, keep=(4,))]
CASES += [ml("LinearClassifier", [matrix(d)], {"coefficients": weights(12), "intercepts": weights(3, 1), "classlabels_ints": [3, 7, 9], "post_transform": p}, outputs=2, keep=(4,), name=f"{np.dtype(d).name} {p}")
          for d in NUMBERS for p in TRANSFORMS]
CASES += [ml("LinearClassifier", [f32(6, 4)], {"coefficients": weights(4), "intercepts": [0.1], "classlabels_ints": [3, 7], "post_transform": p}, outputs=2, keep=(4,), name=f"two classes {p}") for p in TRANSFORMS]
CASES += [ml("LinearClassifier", [f32(6, 4, low=0.05, high=0.15)], {"coefficients": [1.0] * 12, "intercepts": [0.1, 0.2, 0.3], "classlabels_ints": [3, 7, 9], "post_transform": "PROBIT"}, outputs=2, keep=(4,), name="PROBIT")]

# ---- support vector machines ----


def svm(classes, kernel, transform="NONE", probabilities=False):
    counts = [3, 2, 2][:classes]
    total, pairs = sum(counts), classes * (classes - 1) // 2
    attrs = {"classlabels_ints": [3, 7, 9][:classes], "coefficients": weights(total * (classes - 1), 2), "kernel_params": [0.3, 0.1, 2.0], "kernel_type": kernel, "post_transform": transform,
             "rho": weights(pairs, 3), "support_vectors": weights(4 * total, 4), "vectors_per_class": counts}
    return {**attrs, "prob_a": [-1.2, -1.0, -1.1][:pairs], "prob_b": [0.1, 0.2, 0.3][:pairs]} if probabilities else attrs


CASES += [ml("SVMClassifier", [f32(6, 4)], svm(c, k, p, True), outputs=2, keep=(4,), name=f"probabilities of {c} {k} {p}") for c in (2, 3) for k, p in (("RBF", "NONE"), ("LINEAR", "NONE"), ("RBF", "LOGISTIC"))]
KERNELS = ("LINEAR", "RBF", "POLY", "SIGMOID")
CASES += [ml("SVMClassifier", [f32(6, 4)], svm(c, k), outputs=2, keep=(4,), name=f"{c} {k}") for c in (2, 3) for k in KERNELS]
CASES += [ml("SVMClassifier", [f32(6, 4)], svm(c, "RBF", p), outputs=2, keep=(4,), name=f"{c} {p}", oracle="onnx") for c in (2, 3) for p in TRANSFORMS[1:]]
CASES += [ml("SVMClassifier", [matrix(np.float64)], svm(2, "RBF"), outputs=2, keep=(4,), name="f64")]
CASES += [ml("SVMRegressor", [f32(6, 4)], {"coefficients": weights(5, 2), "kernel_params": [0.3, 0.1, 2.0], "kernel_type": k, "n_supports": 5, "one_class": one, "rho": [0.2], "support_vectors": weights(20, 4)}, keep=(4,),
             name=f"{k} {one}") for k in KERNELS for one in (0, 1)]
CASES += [ml("SVMRegressor", [f32(6, 4)], {"coefficients": weights(4), "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "rho": [0.2]}, keep=(4,), name="no vectors", oracle="onnx")]
CASES += [as_f32(ml("SVMRegressor", [matrix(np.float64)], {"coefficients": weights(4), "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "rho": [0.2]}, keep=(4,), name="f64", oracle="onnx"))]

# ---- trees ----


def forest(rng, trees, depth, modes):
    """Attributes of nodes of random trees, and their leaves as (tree, node)."""
    node = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    leaves = []

    def add(tree, level, ids):
        me = ids[0]
        ids[0] += 1
        at = len(node["nodeids"])
        leaf = level == depth or (level > 0 and rng.random() < 0.2)
        row = {"treeids": tree, "nodeids": me, "featureids": 0 if leaf else int(rng.integers(4)), "values": 0.0 if leaf else float(np.round(rng.normal(), 1)),
               "modes": "LEAF" if leaf else modes[int(rng.integers(len(modes)))], "truenodeids": 0, "falsenodeids": 0, "missing_value_tracks_true": int(rng.integers(2))}
        for k, v in row.items():
            node[k].append(v)
        if leaf:
            leaves.append((tree, me))
            return me
        node["truenodeids"][at] = add(tree, level + 1, ids)
        node["falsenodeids"][at] = add(tree, level + 1, ids)
        return me

    for tree in range(trees):
        add(tree, 0, [0])
    return {f"nodes_{k}": v for k, v in node.items()}, leaves


def votes(kind, leaves, ids, rng, low=-1.0):
    """Votes of each leaf for one of `ids`."""
    return {f"{kind}_treeids": [t for t, _ in leaves], f"{kind}_nodeids": [n for _, n in leaves], f"{kind}_ids": [int(rng.choice(ids)) for _ in leaves],
            f"{'class' if kind == 'class' else 'target'}_weights": [float(rng.uniform(low, 1)) for _ in leaves]}


def tree_inputs(dtype=np.float32):
    x = np.round(f32(37, 4), 1).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x[3, 1] = x[5, 2] = np.nan
    return x


LEQ, ALL = ["BRANCH_LEQ"], ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def tree_regressor(name, trees=3, targets=1, modes=LEQ, dtype=np.float32, **attrs):
    rng = np.random.default_rng(5)
    nodes, leaves = forest(rng, trees, 4, modes)
    return ml("TreeEnsembleRegressor", [tree_inputs(dtype)], {**nodes, **votes("target", leaves, range(targets), rng), "n_targets": targets, **attrs}, keep=(4,), name=name)


def tree_classifier(name, labels, ids, low=-1.0, trees=5, modes=LEQ, oracle="ort", dtype=np.float32, **attrs):
    rng = np.random.default_rng(6)
    nodes, leaves = forest(rng, trees, 4, modes)
    return ml("TreeEnsembleClassifier", [tree_inputs(dtype)], {**nodes, **votes("class", leaves, ids, rng, low), "classlabels_int64s": labels, **attrs}, outputs=2, keep=(4,), name=name, oracle=oracle)


CASES += [tree_regressor(f"{a} {t}", targets=t, aggregate_function=a) for a in ("SUM", "AVERAGE", "MIN", "MAX") for t in (1, 3)]
CASES += [tree_regressor("modes", modes=ALL), replace(tree_regressor("base", targets=2, base_values=[0.5, -1.5]), oracle="onnx"), tree_regressor("f64", dtype=np.float64), tree_regressor("one leaf", trees=1), tree_regressor("many", trees=60, modes=ALL),
          as_f32(tree_regressor("i64", dtype=np.int64)), tree_regressor("logistic", targets=2, post_transform="LOGISTIC")]
CASES += [tree_classifier(f"three classes {p}", [3, 7, 9], range(3), post_transform=p) for p in TRANSFORMS]
CASES += [tree_classifier(f"one voted {low} {p}", [3, 7], [0], low, post_transform=p) for low in (0.0, -1.0) for p in TRANSFORMS]
CASES += [tree_classifier("second voted", [3, 7], [1]), tree_classifier("one base", [3, 7], [0], base_values=[0.3]), tree_classifier("f64", [3, 7, 9], range(3), dtype=np.float64), tree_classifier("modes", [3, 7, 9, 11], range(4), modes=ALL)]
CASES += [tree_classifier("two voted", [3, 7], [0, 1], oracle="onnx", dtype=np.int64)]

SINGLE = {
    "n_targets": 2, "aggregate_function": 1, "membership_values": None, "nodes_falseleafs": [0, 1, 1], "nodes_falsenodeids": [2, 2, 3], "nodes_featureids": [0, 0, 0], "nodes_trueleafs": [0, 1, 1],
    "nodes_truenodeids": [1, 0, 1], "post_transform": 0, "tree_roots": [0], "leaf_targetids": [0, 1, 0, 1],
}


def ensemble(name, x, dtype=np.float32, **changes):
    attrs = {**SINGLE, "leaf_weights": tensor([5.23, 12.12, -12.23, 7.21], dtype), "nodes_splits": tensor([3.14, 1.2, 4.2], dtype), "nodes_modes": tensor([0, 0, 0], np.uint8)}
    attrs = {k: v for k, v in {**attrs, **changes}.items() if v is not None}
    return ml("TreeEnsemble", [np.asarray(x, dtype=dtype)], attrs, version=5, name=name, oracle="ort onnx")


def transformed_ensemble(ours, theirs):
    """With a post_transform: onnxruntime takes 1 for LOGISTIC and 2 for SOFTMAX, against the standard."""
    other = ensemble("", ROWS, post_transform=theirs, n_targets=3)
    return replace(ensemble(f"post_transform {ours}", ROWS, post_transform=ours, n_targets=3), expect=lambda x: other.expected()[0])


ROWS = [[1.2, 3.4], [-0.12, 1.66], [4.14, 1.77], [3.14, 0.0]]
CASES += [ensemble("one tree", ROWS), ensemble("f64", ROWS, np.float64), ensemble("missing", [[np.nan, 1.0], [2.0, np.nan], [9.0, 3.0]], nodes_missing_value_tracks_true=[1, 0, 1])]
CASES += [ensemble("modes", ROWS, nodes_modes=tensor(m, np.uint8)) for m in ([1, 2, 3], [4, 5, 0])]
CASES += [ensemble("members", [[1.2, 0.1], [3.0, 2.0], [7.0, 5.0], [12.0, 9.0]], nodes_modes=tensor([6, 0, 6], np.uint8), membership_values=tensor([1.2, 3.0, 8.0, np.nan, 12.0, 7.0, np.nan], np.float32))]
CASES += [ensemble("average", ROWS, aggregate_function=0), transformed_ensemble(1, 2), transformed_ensemble(2, 1)]

# ---- maps ----


def vectorized(vocabulary, zero):
    """DictVectorizer in Python."""
    return lambda m: np.array([[m.dict().get(key, zero) for key in vocabulary]], m.dtype)


def cast(form, to, zero, length=9):
    """CastMap in Python."""
    def expect(m):
        values = {key: to(value) for key, value in m.dict().items()}
        row = [values[key] for key in sorted(values)] if form == "DENSE" else [values.get(i, zero) for i in range(length)]
        return np.array([row], {float: np.float32, int: np.int64, str: object}[to])

    return expect


def map_case(op, keys, values, attrs, **options):
    return ml(op, [Map(keys, values)], attrs, version=1, dynamic=False, **options)


NUMBERED, NAMED, COUNTS = [7, 0, 3, 5], ["pear", "apple", "", "日本"], np.float32([1.5, -2.25, 3.0, 0.5])
CASES += [map_case("CastMap", NUMBERED, COUNTS, {"map_form": form, "max_map": 9, "cast_to": to}, name=f"{form} {to}") for form in ("DENSE", "SPARSE") for to in ("TO_FLOAT", "TO_INT64")]
CASES += [map_case("CastMap", NUMBERED, COUNTS, {"map_form": form, "max_map": 9, "cast_to": "TO_STRING"}, name=f"{form} TO_STRING", expect=cast(form, str, "0")) for form in ("DENSE", "SPARSE")]
CASES += [map_case("CastMap", NUMBERED, np.array(["12", "-3", "0", "7"], object), {"map_form": form, "max_map": 9, "cast_to": name}, name=f"strings {form} {name}", expect=cast(form, to, zero))
          for form in ("DENSE", "SPARSE") for name, to, zero in (("TO_FLOAT", float, 0.0), ("TO_INT64", int, 0), ("TO_STRING", str, "0"))]
CASES += [map_case("CastMap", [-9, 2**62, -(2**63), 5], COUNTS, {}, name="any keys"), map_case("CastMap", ints(200, low=0, high=5).cumsum() + np.arange(200), f32(200), {"map_form": "SPARSE", "max_map": 2000}, name="many keys"),
          map_case("CastMap", np.random.default_rng(0).permutation(3000), f32(3000), {}, name="thousands of keys")]
CASES += [map_case("DictVectorizer", NAMED, COUNTS, {"string_vocabulary": words}, name=f"strings, {len(words)} columns") for words in (["apple", "quince", "日本", "pear", "z"], ["fig"], ["", "pear"])]
CASES += [map_case("DictVectorizer", NUMBERED, COUNTS, {"int64_vocabulary": [5, -1, 7, 9]}, name="i64"), map_case("DictVectorizer", NUMBERED, np.array(["a", "b", "", "d"], object), {"int64_vocabulary": [5, -1, 7, 9]}, name="i64 to strings", expect=vectorized([5, -1, 7, 9], ""))]
CASES += [map_case("DictVectorizer", NAMED, COUNTS.astype(d), {"string_vocabulary": ["pear", "fig", "apple"]}, name=f"strings to {np.dtype(d).name}", expect=vectorized(["pear", "fig", "apple"], 0)) for d in (np.float64, np.int64)]
CASES += [ml("ZipMap", [f32(*shape)], {"classlabels_int64s": [7, -3, 0, 9]}, keep=keep, version=1, name=f"i64 {shape} {keep}") for shape in ((6, 4), (1, 4), (4,)) for keep in ((), (4,))]
CASES += [ml("ZipMap", [f32(6, 4)], {"classlabels_strings": ["pear", "", "日本", "apple"]}, keep=keep, version=1, name=f"strings {keep}") for keep in ((), (4,))]
