// One step of an optimiser on any number of tensors: the domain ai.onnx.preview.training.
#ifndef LAIC_TRAINING_TD
#define LAIC_TRAINING_TD

include "laic/Dialect/Laic/LaicBase.td"

// `inputs` are all tensors to be optimised, then all of their gradients, then each kind of state; `results` are the new tensors and
// the new states in the same order.
class Laic_OptimizerOp<string mnemonic, string onnx, dag attributes> : Laic_LoweredOp<mnemonic, onnx, 1> {
  let onnxDomain = "ai.onnx.preview.training";
  let dtypes = "f32 f64";
  let typedOperand = 2;
  let arguments = !con((ins Laic_Tensor:$rate, Laic_Tensor:$count, Variadic<Laic_Tensor>:$inputs), attributes);
  let results = (outs Variadic<Laic_Tensor>:$outputs);
}

def Laic_AdagradOp
    : Laic_OptimizerOp<"adagrad", "Adagrad", (ins DefaultValuedAttr<F32Attr, "0.0">:$decay_factor,
                                                  DefaultValuedAttr<F32Attr, "1e-6">:$epsilon,
                                                  DefaultValuedAttr<F32Attr, "0.0">:$norm_coefficient)>;
def Laic_AdamOp
    : Laic_OptimizerOp<"adam", "Adam", (ins DefaultValuedAttr<F32Attr, "0.9">:$alpha, DefaultValuedAttr<F32Attr, "0.999">:$beta,
                                            DefaultValuedAttr<F32Attr, "1e-6">:$epsilon,
                                            DefaultValuedAttr<F32Attr, "0.0">:$norm_coefficient,
                                            DefaultValuedAttr<F32Attr, "0.0">:$norm_coefficient_post)>;
def Laic_MomentumOp
    : Laic_OptimizerOp<"momentum", "Momentum", (ins F32Attr:$alpha, F32Attr:$beta, StrAttr:$mode, F32Attr:$norm_coefficient)>;

#endif
