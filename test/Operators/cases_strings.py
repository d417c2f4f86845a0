"""Strings: what moves them, what looks into them, and labels that are strings."""
from case import Case, Const, TensorProto, f32, ints, np


def text(values):
    return np.array(values, dtype=object)


def words(*shape, seed=0, vocabulary=("apple", "", "pear", "Ünder", "日本", "a b", "apple pie")):
    return text(np.array(vocabulary, dtype=object)[ints(*shape, low=0, high=len(vocabulary), seed=seed)])


X, Y, M = words(3, 4), words(3, 4, seed=1), words(2, 3, 4, seed=2)

# ---- movement: the kernels of any element ----
CASES = [
    Case("Identity", [X], name="strings"), Case("Transpose", [M], {"perm": [2, 0, 1]}, name="strings"), Case("Concat", [X, Y], {"axis": 1}, name="strings"),
    Case("Reshape", [X, Const([2, 6])], name="strings"), Case("Reshape", [X, Const([-1])], name="strings, flat"), Case("Squeeze", [words(1, 5), Const([0])], name="strings"),
    Case("Unsqueeze", [X, Const([1])], name="strings"), Case("Flatten", [M], {"axis": 1}, name="strings"),
    Case("Gather", [X, Const([[2, 0], [-1, 1]])], {"axis": 1}, name="strings"), Case("Gather", [X, ints(5, low=0, high=3)], name="strings by data", oracle="onnx"),
    Case("GatherElements", [X, ints(3, 2, low=0, high=4)], {"axis": 1}, name="strings"), Case("GatherND", [X, Const([[0, 1], [2, 3]])], name="strings"),
    Case("ScatterElements", [X, ints(1, 4, low=0, high=3), words(1, 4, seed=3)], name="strings"), Case("ScatterND", [X, Const([[1]]), words(1, 4, seed=3)], name="strings"),
    Case("Where", [f32(3, 1) > 0, X, Y], name="strings"), Case("Slice", [M, Const([1, 0]), Const([3, 4]), Const([1, 2]), Const([1, 2])], name="strings"),
    Case("Split", [X], {"axis": 1, "num_outputs": 2}, outputs=2, name="strings", keep=(4,)), Case("Expand", [words(3, 1), Const([2, 3, 4])], name="strings"),
    Case("Tile", [X, Const([2, 1])], name="strings"), Case("Shape", [X], name="strings"), Case("Size", [X], name="strings", expect=lambda x: np.int64(x.size)),
    Case("Identity", [words(0, 3)], name="no strings", dynamic=False), Case("Concat", [X, Const(words(3, 2, seed=4))], {"axis": 1}, name="strings and a constant"),
    Case("Equal", [X, Y], name="strings"), Case("Equal", [X, words(4)], name="strings, broadcast"), Case("Equal", [X, Const(text("pear"))], name="strings and a constant"),
    Case("Gather", [Const(words(5)), ints(3, 2, low=0, high=5)], name="constant strings"),
    Case("Transpose", [words(67, 41)], {"perm": [1, 0]}, name="many strings"), Case("Transpose", [words(5, 33, 18)], {"perm": [0, 2, 1]}, name="matrices of strings"),
    Case("Transpose", [words(5, 33, 18)], {"perm": [1, 0, 2]}, name="rows of strings"), Case("Gather", [words(50, 37), ints(21, low=-50, high=50)], name="many strings by data", oracle="onnx"),
    Case("Gather", [words(50, 37), ints(21, low=-37, high=37)], {"axis": 1}, name="many columns by data"), Case("Where", [f32(31, 45) > 0, words(31, 45), words(45, seed=1)], name="many strings"),
    Case("Concat", [words(31, 45), words(31, 18, seed=1)], {"axis": 1}, name="many strings"), Case("Expand", [words(31, 1), Const([31, 45])], name="many strings"), Case("Tile", [words(31, 5), Const([2, 9])], name="many strings"),
    Case("Slice", [words(67, 41), Const([60, 1]), Const([3, 41]), Const([0, 1]), Const([-3, 2])], name="many strings"), Case("Identity", [words(67, 41)], name="many strings"),
    Case("Compress", [words(5, 4), np.array([True, False, True, True, False])], {"axis": 0}, name="strings", oracle="onnx ort"),
    Case("OneHot", [ints(5, low=0, high=4), Const(4), Const(text(["off", "on"]))], name="strings", oracle="onnx ort"),
    Case("ReverseSequence", [words(4, 3), Const([3, 1, 2])], {"time_axis": 0, "batch_axis": 1}, name="strings", oracle="onnx ort"),
]

# ---- operators on strings ----
SPLITS = text([["a,b,,c", ",", ""], ["abc", "x,,y", ",a"]])
SPACED = text(["  a b\tc ", "", "d", " \n", "e  f", "tr\u00e8s\u00a0bien\u3000fin"])
CASES += [
    Case("StringConcat", [X, Y], name="equal shapes"), Case("StringConcat", [M, words(4)], name="broadcast"), Case("StringConcat", [words(), words(3, seed=5)], name="a scalar", keep=(3,)),
    *[Case("StringSplit", [SPLITS], {"delimiter": ",", **limit}, outputs=2, name=f"comma {limit}", oracle="onnx") for limit in ({}, {"maxsplit": 1}, {"maxsplit": 2})],
    Case("StringSplit", [text(["a--b-c", "--", "---"])], {"delimiter": "--"}, outputs=2, name="two characters", oracle="onnx"),
    *[Case("StringSplit", [SPACED], {**delimiter, **limit}, outputs=2, name=f"white space {delimiter} {limit}", oracle="onnx") for delimiter in ({}, {"delimiter": ""}) for limit in ({}, {"maxsplit": 1})],
    Case("RegexFullMatch", [text([["www.google.com", "facebook.com"], ["bbc.co.uk", ""]])], {"pattern": r"www\.[\w.-]+\.\bcom\b"}, oracle="onnx"),
    Case("RegexFullMatch", [X], {"pattern": "a.*|日本"}, name="alternatives", oracle="onnx"),
]
DAYS = text(["monday", "Tuesday", "MONDAY", "wednesday", "tuesday"])


def normalized(case, sensitive, stop):
    def expect(x):
        same = (lambda w: w) if sensitive else str.lower
        out = {"NONE": str, "LOWER": str.lower, "UPPER": str.upper}[case]
        kept = [out(w) for w in x.ravel().tolist() if same(w) not in {same(s) for s in stop}] or [""]
        return text(kept).reshape((1, -1) if x.ndim == 2 else -1)

    return expect


CASES += [Case("StringNormalizer", [x], {"case_change_action": case, "is_case_sensitive": sensitive, **({"stopwords": stop} if stop else {})}, name=f"{x.ndim}-d {case} {sensitive} {stop}", expect=normalized(case, sensitive, stop))
          for x in (DAYS, DAYS[None]) for case in ("NONE", "LOWER", "UPPER") for sensitive in (0, 1) for stop in ([], ["monday"], ["Monday", "tuesday", "wednesday"])]
CASES += [Case("StringNormalizer", [text(["Ä", "ß", "ǅ", "é"])], {"case_change_action": "LOWER"}, name="beyond ASCII", expect=normalized("LOWER", 0, []))]

# ---- casts ----
FLOATS = np.array([0.1, -0.0, 1.0, 1e16, 123456.789, 1e-5, 3.4e38, np.inf, -np.inf, np.nan, 5e-324, 65536.0])
CASES += [Case("Cast", [FLOATS.astype(t)], {"to": TensorProto.STRING}, name=f"{np.dtype(t).name} to string", expect=lambda x: text([str(v) for v in x.tolist()] if x.dtype == np.float64 else x.astype(str).tolist()))
          for t in (np.float32, np.float64)]
CASES += [Case("Cast", [np.array([0, 1, -7, 127]).astype(t)], {"to": TensorProto.STRING}, name=f"{np.dtype(t).name} to string", expect=lambda x: text([str(v) for v in x.tolist()]))
          for t in (np.int8, np.int16, np.int32, np.int64)]
CASES += [Case("Cast", [np.array([0, 255]).astype(t)], {"to": TensorProto.STRING}, name=f"{np.dtype(t).name} to string", expect=lambda x: text([str(v) for v in x.tolist()]))
          for t in (np.uint8, np.uint16, np.uint32, np.uint64)]
CASES += [
    Case("Cast", [np.array([True, False])], {"to": TensorProto.STRING}, name="bool to string", expect=lambda x: text([str(v) for v in x.tolist()])),
    Case("Cast", [np.array([0.5, 1.25]).astype(np.float16)], {"to": TensorProto.STRING}, name="f16 to string", expect=lambda x: text(["0.5", "1.25"])),
    *[Case("Cast", [text(["0.1", "-1e-5", " 2 ", "+3", "INF", "-inf", "NaN", "1E8", "1e400", "-1e-400"])], {"to": to}, name=f"string to {np.dtype(t).name}",
           expect=lambda x, t=t: np.array([float(v) for v in x.tolist()]).astype(t)) for to, t in ((TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT16, np.float16))],
    *[Case("Cast", [text(["0", "-12", "+7", " 100 "])], {"to": to}, name=f"string to {np.dtype(t).name}", expect=lambda x, t=t: np.array([int(v) for v in x.tolist()]).astype(t))
      for to, t in ((TensorProto.INT8, np.int8), (TensorProto.INT32, np.int32), (TensorProto.INT64, np.int64))],
    Case("Cast", [text(["255", "0"])], {"to": TensorProto.UINT8}, name="string to uint8", expect=lambda x: np.array([255, 0], np.uint8)),
    Case("Cast", [text(["True", "false", "1", "0"])], {"to": TensorProto.BOOL}, name="string to bool", expect=lambda x: np.array([True, False, True, False])),
    Case("Cast", [X], {"to": TensorProto.STRING}, name="string to string", expect=lambda x: x), Case("CastLike", [np.array([1, 2]), Const(text(["a"]))], name="to strings", expect=lambda x, y: text(["1", "2"])),
]


# ---- ai.onnx.ml ----
def ml(op, inputs, attrs, **options):
    return Case(op, inputs, attrs, domain="ai.onnx.ml", domain_opset=options.pop("opset", 5), **options)


KEYS = ["pear", "apple", "", "日本"]
CASES += [
    ml("LabelEncoder", [X], {"keys_strings": KEYS, "values_int64s": [7, 8, 9, 10], "default_int64": -5}, name="strings to i64"),
    ml("LabelEncoder", [X], {"keys_strings": KEYS, "values_floats": [0.5, 1.5, 2.5, 3.5], "default_float": -0.5}, name="strings to f32"),
    ml("LabelEncoder", [X], {"keys_strings": KEYS, "values_strings": ["P", "A", "E", "J"], "default_string": "?"}, name="strings to strings"),
    ml("LabelEncoder", [ints(5, 3, low=0, high=5)], {"keys_int64s": [3, 1, 4], "values_strings": ["three", "one", "four"]}, name="i64 to strings"),
    ml("LabelEncoder", [f32(4, 3).round()], {"keys_floats": [0.0, 1.0, float("nan")], "values_strings": ["zero", "one", "nan"]}, name="f32 to strings"),
    ml("CategoryMapper", [X], {"cats_strings": KEYS, "cats_int64s": [4, 3, 2, 1], "default_int64": 99}, name="strings to i64", opset=1),
    ml("CategoryMapper", [ints(5, 3, low=0, high=5)], {"cats_strings": KEYS, "cats_int64s": [4, 3, 2, 1], "default_string": "none"}, name="i64 to strings", opset=1),
    ml("OneHotEncoder", [X], {"cats_strings": ["pear", "apple", ""], "zeros": 1}, name="strings", opset=1),
    ml("ArrayFeatureExtractor", [X, Const([2, 0])], {}, name="strings", opset=1),
    *[ml("LinearClassifier", [f32(6, 4)], {"coefficients": f32(4 * n, seed=3).tolist(), "intercepts": [0.1, -0.2, 0.0][:n], "classlabels_strings": ["no", "maybe", "yes"][:max(n, 2)]}, outputs=2, keep=(4,), name=f"strings, {n}", opset=1) for n in (1, 2, 3)],
    ml("SVMClassifier", [f32(6, 4)], {"coefficients": [1.0, 2.0], "kernel_params": [0.3, 0.1, 2.0], "kernel_type": "LINEAR", "rho": [0.1], "support_vectors": f32(8, seed=4).tolist(), "vectors_per_class": [1, 1], "classlabels_strings": ["no", "yes"]}, outputs=2, keep=(4,), name="strings", opset=1),
    *[ml("TreeEnsembleClassifier", [f32(6, 4)], {"nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [1, 0, 0], "nodes_values": [0.1, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
         "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 2 if both else 0], "class_weights": [1.0, 2.0], "classlabels_strings": ["no", "maybe", "yes"] if both else ["no", "yes"]},
         outputs=2, keep=(4,), name=f"strings, {'both' if both else 'one'} voted", opset=3) for both in (True, False)],
]
GRAMS = {"pool_strings": ["pear", "apple", "a b", "", "apple", "pear", "apple"], "ngram_counts": [0, 3], "ngram_indexes": [0, 1, 2, 3, 4], "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 1}
CASES += [Case("TfIdfVectorizer", [x], {**GRAMS, "mode": mode}, name=f"strings {x.ndim}-d {mode}", oracle="ort onnx") for x in (X, X[0], words(2, 30, seed=7)) for mode in ("TF", "IDF")]

# ---- images: test/Python/test_strings.py has all formats ----
GREYS = np.frombuffer(b"P5 3 2 255\n" + bytes(range(6)), np.uint8)
CASES += [Case("ImageDecoder", [GREYS], {"pixel_format": "RGB"}, name="PNM", expect=lambda x: np.repeat(x[-6:].reshape(2, 3, 1), 3, axis=2))]
