// Normalisations and softmax.
#ifndef LAIC_NORM_TD
#define LAIC_NORM_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_NormOp<string mnemonic, string onnx, int since> : Laic_LoweredOp<mnemonic, onnx, since> {
  let dtypes = "float";
  let results = (outs Laic_Tensor:$y);
}

def Laic_BatchNormalizationOp : Laic_LoweredOp<"batch_normalization", "BatchNormalization", 15> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$scale, Laic_Tensor:$b, Laic_Tensor:$input_mean,
                   Laic_Tensor:$input_var, DefaultValuedAttr<F32Attr, "1e-5">:$epsilon,
                   DefaultValuedAttr<F32Attr, "0.9">:$momentum, DefaultValuedAttr<I64Attr, "0">:$training_mode);
  let results = (outs Laic_Tensor:$y, Laic_Tensor:$running_mean, Laic_Tensor:$running_var);
}
def Laic_InstanceNormalizationOp : Laic_NormOp<"instance_normalization", "InstanceNormalization", 22> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$scale, Laic_Tensor:$b, DefaultValuedAttr<F32Attr, "1e-5">:$epsilon);
}
def Laic_GroupNormalizationOp : Laic_NormOp<"group_normalization", "GroupNormalization", 21> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$scale, Laic_Tensor:$bias, DefaultValuedAttr<F32Attr, "1e-5">:$epsilon,
                   I64Attr:$num_groups, DefaultValuedAttr<I64Attr, "1">:$stash_type);
}
def Laic_LayerNormalizationOp : Laic_LoweredOp<"layer_normalization", "LayerNormalization", 17> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$scale, Laic_OptTensor:$b, DefaultValuedAttr<I64Attr, "-1">:$axis,
                   DefaultValuedAttr<F32Attr, "1e-5">:$epsilon, DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Laic_Tensor:$y, Laic_Tensor:$mean, Laic_Tensor:$inv_std_dev);
}
def Laic_RMSNormalizationOp : Laic_NormOp<"rms_normalization", "RMSNormalization", 23> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$scale, DefaultValuedAttr<I64Attr, "-1">:$axis,
                   DefaultValuedAttr<F32Attr, "1e-5">:$epsilon, DefaultValuedAttr<I64Attr, "1">:$stash_type);
}
def Laic_LRNOp : Laic_NormOp<"lrn", "LRN", 13> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1e-4">:$alpha, DefaultValuedAttr<F32Attr, "0.75">:$beta,
                   DefaultValuedAttr<F32Attr, "1.0">:$bias, I64Attr:$size);
}
def Laic_LpNormalizationOp : Laic_NormOp<"lp_normalization", "LpNormalization", 22> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis, DefaultValuedAttr<I64Attr, "2">:$p);
}
def Laic_MeanVarianceNormalizationOp : Laic_NormOp<"mean_variance_normalization", "MeanVarianceNormalization", 13> {
  let arguments = (ins Laic_Tensor:$x, OptionalAttr<DenseI64ArrayAttr>:$axes);
}
def Laic_SoftmaxOp : Laic_NormOp<"softmax", "Softmax", 13> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis);
}
def Laic_LogSoftmaxOp : Laic_NormOp<"log_softmax", "LogSoftmax", 13> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis);
}

#endif
