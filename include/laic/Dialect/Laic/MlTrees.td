// Ensembles of decision trees: the domain ai.onnx.ml.
#ifndef LAIC_MLTREES_TD
#define LAIC_MLTREES_TD

include "laic/Dialect/Laic/MlAttributes.td"
include "laic/Dialect/Laic/StructuredBase.td"

class Laic_TreesOp<string mnemonic, string onnx, int since, dag attributes> : Laic_LoweredOp<mnemonic, onnx, since> {
  let onnxDomain = "ai.onnx.ml";
  let dtypes = "f32 f64";
  let arguments = !con((ins Laic_Tensor:$X), attributes);
}

def Laic_TreeEnsembleOp
    : Laic_TreesOp<"tree_ensemble", "TreeEnsemble", 5,
                   (ins DefaultValuedAttr<I64Attr, "1">:$aggregate_function, DenseI64ArrayAttr:$leaf_targetids,
                        Laic_TensorAttr:$leaf_weights, OptionalAttr<Laic_TensorAttr>:$membership_values,
                        OptionalAttr<I64Attr>:$n_targets, DenseI64ArrayAttr:$nodes_falseleafs,
                        DenseI64ArrayAttr:$nodes_falsenodeids, DenseI64ArrayAttr:$nodes_featureids,
                        OptionalAttr<Laic_TensorAttr>:$nodes_hitrates,
                        OptionalAttr<DenseI64ArrayAttr>:$nodes_missing_value_tracks_true, Laic_TensorAttr:$nodes_modes,
                        Laic_TensorAttr:$nodes_splits, DenseI64ArrayAttr:$nodes_trueleafs,
                        DenseI64ArrayAttr:$nodes_truenodeids, DefaultValuedAttr<I64Attr, "0">:$post_transform,
                        DenseI64ArrayAttr:$tree_roots)> {
  let results = (outs Laic_Tensor:$Y);
}

// What the classifier and the regressor say of their nodes.
defvar treeNodes = (ins OptionalAttr<DenseF32ArrayAttr>:$base_values, OptionalAttr<Laic_TensorAttr>:$base_values_as_tensor,
                        DenseI64ArrayAttr:$nodes_falsenodeids, DenseI64ArrayAttr:$nodes_featureids,
                        OptionalAttr<DenseF32ArrayAttr>:$nodes_hitrates, OptionalAttr<Laic_TensorAttr>:$nodes_hitrates_as_tensor,
                        OptionalAttr<DenseI64ArrayAttr>:$nodes_missing_value_tracks_true, StrArrayAttr:$nodes_modes,
                        DenseI64ArrayAttr:$nodes_nodeids, DenseI64ArrayAttr:$nodes_treeids, DenseI64ArrayAttr:$nodes_truenodeids,
                        OptionalAttr<DenseF32ArrayAttr>:$nodes_values, OptionalAttr<Laic_TensorAttr>:$nodes_values_as_tensor,
                        DefaultValuedAttr<StrAttr, "\"NONE\"">:$post_transform);

def Laic_TreeEnsembleRegressorOp
    : Laic_TreesOp<"tree_ensemble_regressor", "TreeEnsembleRegressor", 5,
                   !con((ins DefaultValuedAttr<StrAttr, "\"SUM\"">:$aggregate_function, OptionalAttr<I64Attr>:$n_targets,
                             DenseI64ArrayAttr:$target_ids, DenseI64ArrayAttr:$target_nodeids,
                             DenseI64ArrayAttr:$target_treeids, OptionalAttr<DenseF32ArrayAttr>:$target_weights,
                             OptionalAttr<Laic_TensorAttr>:$target_weights_as_tensor),
                        treeNodes)> {
  let dtypes = "f32 f64 i32 i64";
  let results = (outs Laic_Tensor:$Y);
}
def Laic_TreeEnsembleClassifierOp
    : Laic_TreesOp<"tree_ensemble_classifier", "TreeEnsembleClassifier", 5,
                   !con((ins DenseI64ArrayAttr:$class_ids, DenseI64ArrayAttr:$class_nodeids, DenseI64ArrayAttr:$class_treeids,
                             OptionalAttr<DenseF32ArrayAttr>:$class_weights,
                             OptionalAttr<Laic_TensorAttr>:$class_weights_as_tensor,
                             OptionalAttr<DenseI64ArrayAttr>:$classlabels_int64s,
                             OptionalAttr<StrArrayAttr>:$classlabels_strings),
                        treeNodes)> {
  let dtypes = "f32 f64 i32 i64";
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Z);
}

def Laic_ForestOp : Laic_StructuredOp<"forest"> {
  let summary = "scores of an ensemble of trees: x [rows, features] -> [rows, targets]";
  let description = [{
    Node k compares x[row, `feature`[k]] with `threshold`[k] as `mode`[k] says (<= < >= > == !=, or 6: a leaf), a NaN counts as true
    where `missing`[k], and goes on to `yes`[k] or `no`[k]. A leaf votes `weight`[v] for `target`[v], v in [yes, no). `aggregate` is sum, min or
    max; a target without a vote scores 0. The nodes are known to be a forest over the features that x has. A row is a tile.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$threshold, AnyRankedTensor:$feature, AnyRankedTensor:$mode,
                   AnyRankedTensor:$missing, AnyRankedTensor:$yes, AnyRankedTensor:$no, AnyRankedTensor:$roots,
                   AnyRankedTensor:$target, AnyRankedTensor:$weight, Variadic<Index>:$result_sizes, StrAttr:$aggregate,
                   DenseI64ArrayAttr:$modes);
  let results = (outs AnyRankedTensor:$scores);
}

#endif
