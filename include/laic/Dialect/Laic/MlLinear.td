// Linear models and support vector machines: the domain ai.onnx.ml.
#ifndef LAIC_MLLINEAR_TD
#define LAIC_MLLINEAR_TD

include "laic/Dialect/Laic/StructuredBase.td"

class Laic_LinearModelOp<string mnemonic, string onnx, dag attributes> : Laic_LoweredOp<mnemonic, onnx, 1> {
  let onnxDomain = "ai.onnx.ml";
  let dtypes = "f32 f64 i32 i64";
  let arguments = !con((ins Laic_Tensor:$X), attributes, (ins DefaultValuedAttr<StrAttr, "\"NONE\"">:$post_transform));
}

def Laic_LinearRegressorOp
    : Laic_LinearModelOp<"linear_regressor", "LinearRegressor",
                         (ins DenseF32ArrayAttr:$coefficients, OptionalAttr<DenseF32ArrayAttr>:$intercepts,
                              DefaultValuedAttr<I64Attr, "1">:$targets)> {
  let results = (outs Laic_Tensor:$Y);
}
def Laic_LinearClassifierOp
    : Laic_LinearModelOp<"linear_classifier", "LinearClassifier",
                         (ins OptionalAttr<DenseI64ArrayAttr>:$classlabels_ints, OptionalAttr<StrArrayAttr>:$classlabels_strings,
                              DenseF32ArrayAttr:$coefficients, OptionalAttr<DenseF32ArrayAttr>:$intercepts,
                              DefaultValuedAttr<I64Attr, "0">:$multi_class)> {
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Z);
}

// Without support vectors both are linear models.
defvar svmKernel = (ins OptionalAttr<DenseF32ArrayAttr>:$kernel_params, DefaultValuedAttr<StrAttr, "\"LINEAR\"">:$kernel_type,
                        DenseF32ArrayAttr:$coefficients, DenseF32ArrayAttr:$rho,
                        OptionalAttr<DenseF32ArrayAttr>:$support_vectors);

def Laic_SVMRegressorOp
    : Laic_LinearModelOp<"svm_regressor", "SVMRegressor",
                         !con(svmKernel, (ins DefaultValuedAttr<I64Attr, "0">:$n_supports,
                                              DefaultValuedAttr<I64Attr, "0">:$one_class))> {
  let results = (outs Laic_Tensor:$Y);
}
def Laic_SVMClassifierOp
    : Laic_LinearModelOp<"svm_classifier", "SVMClassifier",
                         !con(svmKernel, (ins OptionalAttr<DenseI64ArrayAttr>:$classlabels_ints,
                                              OptionalAttr<StrArrayAttr>:$classlabels_strings,
                                              OptionalAttr<DenseF32ArrayAttr>:$prob_a, OptionalAttr<DenseF32ArrayAttr>:$prob_b,
                                              OptionalAttr<DenseI64ArrayAttr>:$vectors_per_class))> {
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Z);
}

def Laic_CouplePairsOp : Laic_StructuredOp<"couple_pairs", ["workspaceBytes"]> {
  let summary = "probabilities of classes from those of pairs: [rows, k (k - 1) / 2] -> [rows, k]";
  let description = [{
    Column (i, j), i < j in row-major order, is the probability of class i against class j, in (0, 1). Wu, Lin, Weng: Probability Estimates for
    Multi-class Classification by Pairwise Coupling (JMLR 2004), second method, with libsvm's stopping rule: runtimes that are
    built on it give the same numbers. A row is a tile.
  }];
  let arguments = (ins AnyRankedTensor:$pairs, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$probabilities);
}

#endif
