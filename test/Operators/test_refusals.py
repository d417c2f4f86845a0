"""What is refused of n-grams, thresholds and ai.onnx.ml: attributes that contradict each other or the input."""
import subprocess

import numpy as np
import onnx
import pytest
from case import Map
from cases_ml import DOMAIN, SINGLE, tensor
from cases_text import POOL
from locations import BUILD
from onnx import helper

X = np.zeros((5, 4), dtype=np.float32)
I64 = X.astype(np.int64)
GRAMS = {**POOL, "mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0}
NODES = {"nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [1, 0, 0], "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
         "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}
TREES = {**NODES, "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0], "n_targets": 1}
CLASSES = {**NODES, "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 1], "class_weights": [1.0, 2.0], "classlabels_int64s": [3, 7]}
ENSEMBLE = {k: v for k, v in SINGLE.items() if v is not None}
ENSEMBLE.update(leaf_weights=tensor([5.0, 12.0, -12.0, 7.0], np.float32), nodes_splits=tensor([3.0, 1.0, 4.0], np.float32), nodes_modes=tensor([0, 0, 0], np.uint8))


def deep_tree(depth):
    """A chain: the true branch of each node is the next one, the false branch a leaf."""
    return {**ENSEMBLE, "nodes_featureids": [0] * depth, "nodes_falseleafs": [1] * depth, "nodes_falsenodeids": [0] * depth, "nodes_trueleafs": [0] * (depth - 1) + [1],
            "nodes_truenodeids": [*range(1, depth), 0], "nodes_splits": tensor([0.0] * depth, np.float32), "nodes_modes": tensor([0] * depth, np.uint8)}


LINEAR = {"coefficients": [1.0] * 8, "intercepts": [0.0, 0.0], "targets": 2}
LABELS = {"classlabels_ints": [3, 7]}
CLASSIFIER = {"coefficients": [1.0] * 8, "intercepts": [0.0, 0.0], **LABELS}
SVR = {"coefficients": [1.0, 2.0], "kernel_type": "LINEAR", "n_supports": 2, "rho": [0.0], "support_vectors": [1.0] * 8}
SVC = {"coefficients": [1.0, 2.0], "kernel_type": "LINEAR", "rho": [0.0], "support_vectors": [1.0] * 8, "vectors_per_class": [1, 1], **LABELS}
KEYS = {"keys_int64s": [1, 2], "values_int64s": [3, 4]}

# operator, inputs, attributes, what the message says
TEXT = [
    ("TfIdfVectorizer", [I64], {**GRAMS, "pool_int64s": None}, "expects a pool of the input's items alone: 'pool_strings' for strings, 'pool_int64s' for integers"),
    ("TfIdfVectorizer", [I64[None]], GRAMS, "expects an input of rank 1 or 2, got rank 3"),
    ("TfIdfVectorizer", [I64], {**GRAMS, "mode": "DF"}, "expects mode 'TF', 'IDF' or 'TFIDF', got 'DF'"),
    ("TfIdfVectorizer", [I64], {**GRAMS, "min_gram_length": 3}, "expects 1 <= min_gram_length <= max_gram_length and max_skip_count >= 0"),
    ("TfIdfVectorizer", [I64], {**GRAMS, "ngram_counts": [4, 0]}, "expects 'ngram_counts' to ascend within the pool"),
    ("TfIdfVectorizer", [I64], {**GRAMS, "ngram_indexes": [0]}, "expects 'ngram_indexes' to have a column for each of the 7 n-grams"),
    ("TfIdfVectorizer", [I64], {**GRAMS, "weights": [1.0]}, "expects 'weights' to have a value for each of the 7 columns"),
]
THRESHOLDS = [
    ("MultiThreshold", [X, np.zeros((4, 3), np.float32)], {"data_layout": "CN"}, "unknown data_layout 'CN'"),
    ("MultiThreshold", [X, np.zeros((4, 3), np.int32)], {}, "expects thresholds of a float type"),
    ("MultiThreshold", [X, np.zeros((3, 3), np.float32)], {}, "expects dim 0 of thresholds to be 4 (channels), got 3"),
]
FEATURES = [
    ("ArrayFeatureExtractor", [X, np.zeros(2, np.int32)], {}, "expects indices of type int64"),
    ("FeatureVectorizer", [X, X], {"inputdimensions": [4]}, "expects 'inputdimensions' to have a width for each of 2 inputs"),
    ("FeatureVectorizer", [X[None]], {"inputdimensions": [4]}, "expects inputs of rank 1 or 2, got rank 3"),
    ("FeatureVectorizer", [X, X[:3]], {"inputdimensions": [4, 4]}, "expects dim 0 of each input to be 5 (rows), got 3"),
    ("FeatureVectorizer", [X], {"inputdimensions": [-1]}, "expects widths >= 0 in 'inputdimensions', got -1"),
    ("Imputer", [X], {"imputed_value_int64s": [1]}, "expects 'imputed_value_floats'"),
    ("Imputer", [I64], {"imputed_value_floats": [1.0]}, "expects 'imputed_value_int64s'"),
    ("Imputer", [X], {"imputed_value_floats": [1.0, 2.0]}, "expects the last dim of the input to be 2 (values in the imputed values), got 4"),
    ("Normalizer", [X], {"norm": "L3"}, "unknown norm 'L3'"),
    ("Normalizer", [X[None]], {}, "expects an input of rank 1 or 2, got rank 3"),
    ("OneHotEncoder", [X], {"cats_strings": ["a"]}, "expects categories of the input's kind alone: 'cats_strings' for strings, 'cats_int64s' for numbers"),
    ("Scaler", [X], {"offset": [], "scale": [1.0]}, "expects values in 'offset' and 'scale'"),
]
MODELS = [
    ("LinearRegressor", [X], {**LINEAR, "post_transform": "TANH"}, "unknown post_transform 'TANH'"),
    ("LinearRegressor", [X], {**LINEAR, "coefficients": [1.0] * 7}, "expects as many coefficients for each of 2 rows, got 7 in all"),
    ("LinearRegressor", [X], {**LINEAR, "coefficients": [1.0] * 6}, "expects dim 1 of the input to be 3 (coefficients in a row), got 4"),
    ("LinearRegressor", [X], {**LINEAR, "intercepts": [1.0]}, "expects 2 intercepts, got 1"),
    ("LinearClassifier", [X], {**CLASSIFIER, "classlabels_strings": ["a", "b"]}, "expects class labels that are integers or strings, got both"),
    ("LinearClassifier", [X], {**CLASSIFIER, "classlabels_ints": [1]}, "expects at least two class labels"),
    ("LinearClassifier", [X], {**CLASSIFIER, "classlabels_ints": [1, 2, 3]}, "expects 3 intercepts, one for each class, got 2"),
    ("SVMRegressor", [X], {**SVR, "kernel_type": "COSINE"}, "unknown kernel_type 'COSINE'"),
    ("SVMRegressor", [X], {**SVR, "kernel_type": "RBF"}, "expects three kernel_params: gamma, coef0 and degree"),
    ("SVMRegressor", [X], {**SVR, "rho": []}, "expects a value in 'rho'"),
    ("SVMRegressor", [X], {**SVR, "coefficients": [1.0]}, "expects a coefficient for each of 2 support vectors"),
    ("SVMClassifier", [X], {**SVC, "rho": []}, "expects a value in 'rho' for each of 1 pairs of classes"),
    ("SVMClassifier", [X], {**SVC, "coefficients": [1.0]}, "expects 'vectors_per_class' for 2 classes and 1 coefficients for each vector"),
    ("SVMClassifier", [X], {**SVC, "prob_a": [1.0]}, "expects values in 'prob_a' and 'prob_b' for each of 1 pairs of classes"),
    ("CategoryMapper", [I64], {"cats_int64s": [1, 2], "cats_strings": ["a"]}, "expects as many 'cats_int64s' as 'cats_strings', at least one"),
    ("LabelEncoder", [I64], {**KEYS, "values_int64s": None}, "expects keys and values"),
    ("LabelEncoder", [X], KEYS, "expects keys of the input's element type f32, got i64"),
    ("LabelEncoder", [I64], {**KEYS, "values_int64s": None, "values_tensor": tensor([1, 2], np.uint8)}, "does not support values of element type u8"),
    ("LabelEncoder", [I64], {**KEYS, "values_int64s": [3]}, "expects as many values as keys, at least one"),
]
FORESTS = [
    ("TreeEnsembleRegressor", [X], {**TREES, "aggregate_function": "MEAN"}, "unknown aggregate_function 'MEAN'"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_values": [0.5]}, "expects all attributes of nodes to have 3 values, got 1"),
    ("TreeEnsembleRegressor", [X], {**TREES, "target_ids": [0]}, "expects all attributes of the leaves to have 2 values, got 1"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_nodeids": [0, 1, 1]}, "gives a node twice"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_modes": ["BRANCH_LEQ", "LEAF", "TWIG"]}, "has an unknown mode 'TWIG' among nodes_modes"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_truenodeids": [9, 0, 0]}, "has a branch to a node that does not exist"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_truenodeids": [2, 0, 0]}, "has a node that two branches lead to"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_modes": ["LEAF"] * 3}, "has a tree with two roots"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}, "has a node that two branches lead to"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_treeids": [0] * 2, "nodes_nodeids": [0, 1], "nodes_featureids": [0] * 2, "nodes_values": [0.0] * 2, "nodes_modes": ["BRANCH_LEQ"] * 2,
                                    "nodes_truenodeids": [1, 0], "nodes_falsenodeids": [1, 0]}, "has a node that two branches lead to"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_treeids": [0] * 4, "nodes_nodeids": [0, 1, 2, 3], "nodes_featureids": [0] * 4, "nodes_values": [0.0] * 4,
                                    "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0, 0], "nodes_falsenodeids": [2, 3, 0, 0]}, "has a tree without a root"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_featureids": [7, 0, 0]}, "expects an input of at least 8 features, got 4"),
    ("TreeEnsembleRegressor", [X], {**TREES, "nodes_featureids": [-1, 0, 0]}, "has a node with a negative feature"),
    ("TreeEnsembleRegressor", [X], {**TREES, "target_ids": [0, 1]}, "expects targets in [0, 1), got 1"),
    ("TreeEnsembleRegressor", [X], {**TREES, "base_values": [1.0, 2.0]}, "expects one of 'base_values', or one for each of the 1 targets"),
    ("TreeEnsembleClassifier", [X], {**CLASSES, "classlabels_strings": ["a", "b"]}, "expects class labels that are integers or strings, got both"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "aggregate_function": 4}, "unknown aggregate_function 4"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "post_transform": 5}, "unknown post_transform 5"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "leaf_targetids": [0]}, "expects as many leaf_targetids as leaf_weights"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "tree_roots": [3]}, "has a root that is no node"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "nodes_modes": tensor([6, 0, 0], np.uint8)}, "expects membership_values to have a set, which a NaN ends, for each membership test"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "nodes_modes": tensor([7, 0, 0], np.uint8)}, "has an unknown mode among nodes_modes"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "nodes_truenodeids": [1, 9, 1]}, "has a branch to a leaf that does not exist"),
    ("TreeEnsemble", [X], deep_tree(5000), "has a tree of more than 4096 branches below each other"),
    ("TreeEnsemble", [X], {**ENSEMBLE, "nodes_truenodeids": [0, 0, 1]}, "has a node that two branches lead to"),
]


NUMBERED, NAMED = Map([3, 1], np.float32([1, 2])), Map(["a", "b"], np.float32([1, 2]))
VOCABULARY = "expects a vocabulary of the keys' kind alone: 'string_vocabulary' for strings, 'int64_vocabulary' for i64"
MAPS = [
    ("CastMap", [NUMBERED], {"cast_to": "TO_INT"}, "unknown cast_to 'TO_INT'"),
    ("CastMap", [NUMBERED], {"map_form": "THIN"}, "unknown map_form 'THIN'"),
    ("CastMap", [NUMBERED], {"map_form": "SPARSE", "max_map": 0}, "expects max_map to be at least 1, got 0"),
    ("CastMap", [NAMED], {}, "expects a map with keys of type i64, got string"),
    ("CastMap", [X], {}, "input 'x0' is a tensor, expects a map"),
    ("CastMap", [NUMBERED, NUMBERED], {}, "has 2 inputs, expects at most 1"),
    ("CastMap", [], {}, "needs input 0, which is absent"),
    ("DictVectorizer", [NUMBERED], {}, VOCABULARY),
    ("DictVectorizer", [NUMBERED], {"string_vocabulary": ["a"]}, VOCABULARY),
    ("DictVectorizer", [NAMED], {"string_vocabulary": ["a"], "int64_vocabulary": [1]}, VOCABULARY),
    ("DictVectorizer", [NUMBERED], {"int64_vocabulary": [4, 5, 4]}, "expects entries of the vocabulary that differ, got 4 twice"),
    ("DictVectorizer", [NAMED.astype(np.int32)], {"string_vocabulary": ["a"]}, "expects operand 1 to have one of the element types f32 f64 i64 string, got i32"),
    ("ZipMap", [X], {}, "expects class labels that are integers or strings, got none"),
    ("ZipMap", [X], {"classlabels_int64s": [1, 2, 3, 4], "classlabels_strings": ["a", "b", "c", "d"]}, "expects class labels that are integers or strings, got both"),
    ("ZipMap", [X], {"classlabels_int64s": [1, 2, 3]}, "expects the last dim of the input to be 3 (class labels), got 4"),
    ("ZipMap", [X], {"classlabels_strings": ["a", "b", "c", "a"]}, "expects class labels that differ, got 'a' twice"),
    ("ZipMap", [X[None]], {"classlabels_int64s": [1, 2, 3, 4]}, "expects an input of rank 1 or 2, got rank 3"),
    ("ZipMap", [NUMBERED], {"classlabels_int64s": [1]}, "input 'x0' is a map, which this operator does not take"),
]


def refusal(path, op, inputs, attrs, domain):
    names = [f"x{i}" for i in range(len(inputs))]
    outputs = ["y", "z"] if op.endswith("Classifier") else ["y"]
    node = helper.make_node(op, names, outputs, name="the node", domain=domain, **{k: v for k, v in attrs.items() if v is not None and v != []})
    for name in [k for k, v in attrs.items() if v == []]:
        node.attribute.append(onnx.AttributeProto(name=name, type=onnx.AttributeProto.FLOATS))
    infos = [a.info(n) if isinstance(a, Map) else helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in zip(names, inputs)]
    graph = helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=n) for n in outputs])
    opsets = [helper.make_opsetid("", 22), *([helper.make_opsetid(domain, 5 if domain == DOMAIN else 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    done = subprocess.run([BUILD / "bin" / "laic", path, "-o", path.with_suffix(".bin"), "-q"], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("domain,refused", [("", TEXT), ("qonnx.custom_op.general", THRESHOLDS), (DOMAIN, FEATURES), (DOMAIN, MODELS), (DOMAIN, FORESTS), (DOMAIN, MAPS)],
                         ids=["text", "thresholds", "features", "models", "forests", "maps"])
def test_refused(domain, refused, tmp_path):
    silent = []
    for op, inputs, attrs, message in refused:
        said = refusal(tmp_path / "m.onnx", op, inputs, attrs, domain)
        if message not in said or "the node" not in said:
            silent.append(f"{op}: {message!r} is not in {said[-400:]!r}")
    assert not silent, "\n".join(silent)
