// The thresholding operator of FINN and QONNX, which quantised networks for FPGAs are streamlined into.
#ifndef LAIC_FINN_TD
#define LAIC_FINN_TD

include "laic/Dialect/Laic/LaicBase.td"

// out_bias + out_scale * (how many thresholds of the channel are <= x). `thresholds` is [C, T] or [1, T].
class Laic_ThresholdOp<string mnemonic, string domain> : Laic_LoweredOp<mnemonic, "MultiThreshold", 1> {
  let onnxDomain = domain;
  let dtypes = "float int uint";
  let arguments = (ins Laic_Tensor:$v, Laic_Tensor:$thresholds, DefaultValuedAttr<StrAttr, "\"NCHW\"">:$data_layout,
                   DefaultValuedAttr<F32Attr, "0.0">:$out_bias, DefaultValuedAttr<StrAttr, "\"\"">:$out_dtype,
                   DefaultValuedAttr<F32Attr, "1.0">:$out_scale);
  let results = (outs Laic_Tensor:$y);
}
def Laic_MultiThresholdOp : Laic_ThresholdOp<"multi_threshold", "qonnx.custom_op.general">;
def Laic_FinnMultiThresholdOp : Laic_ThresholdOp<"finn_multi_threshold", "finn.custom_op.general">;

#endif
