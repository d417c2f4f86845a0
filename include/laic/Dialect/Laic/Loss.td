// Losses: the negative log likelihood of classes, from log probabilities or from scores.
#ifndef LAIC_LOSS_TD
#define LAIC_LOSS_TD

include "laic/Dialect/Laic/LaicBase.td"

// `x` [N, C, ...] holds the log probability of every class, `target` [N, ...] the right class.
def Laic_NegativeLogLikelihoodLossOp
    : Laic_LoweredOp<"negative_log_likelihood_loss", "NegativeLogLikelihoodLoss", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$target, Laic_OptTensor:$weight, OptionalAttr<I64Attr>:$ignore_index,
                   DefaultValuedAttr<StrAttr, "\"mean\"">:$reduction);
  let results = (outs Laic_Tensor:$loss);
}
// The same of log_softmax(scores), which is the second result.
def Laic_SoftmaxCrossEntropyLossOp
    : Laic_DecomposedOp<"softmax_cross_entropy_loss", "SoftmaxCrossEntropyLoss", 13> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$scores, Laic_Tensor:$labels, Laic_OptTensor:$weights, OptionalAttr<I64Attr>:$ignore_index,
                   DefaultValuedAttr<StrAttr, "\"mean\"">:$reduction);
  let results = (outs Laic_Tensor:$loss, Laic_Tensor:$log_prob);
}

#endif
