// Signal processing: Fourier transforms, windows, the mel scale.
#ifndef LAIC_SIGNAL_TD
#define LAIC_SIGNAL_TD

include "laic/Dialect/Laic/LaicBase.td"

// The last dim holds real numbers (size 1) or pairs of real and imaginary parts (size 2). `axis` may be known at run time only.
def Laic_DFTOp : Laic_LoweredOp<"dft", "DFT", 20> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_OptTensor:$dft_length, Laic_OptTensor:$axis,
                   DefaultValuedAttr<I64Attr, "0">:$inverse, DefaultValuedAttr<I64Attr, "0">:$onesided);
  let results = (outs Laic_Tensor:$y);
}
def Laic_STFTOp : Laic_LoweredOp<"stft", "STFT", 17> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$signal, Laic_Tensor:$frame_step, Laic_OptTensor:$window, Laic_OptTensor:$frame_length,
                   DefaultValuedAttr<I64Attr, "1">:$onesided);
  let results = (outs Laic_Tensor:$y);
}

class Laic_WindowOp<string mnemonic, string onnx> : Laic_LoweredOp<mnemonic, onnx, 17> {
  let dtypes = "i32 i64";
  let arguments = (ins Laic_Tensor:$size, DefaultValuedAttr<I64Attr, "1">:$output_datatype,
                   DefaultValuedAttr<I64Attr, "1">:$periodic);
  let results = (outs Laic_Tensor:$y);
}
def Laic_BlackmanWindowOp : Laic_WindowOp<"blackman_window", "BlackmanWindow">;
def Laic_HammingWindowOp : Laic_WindowOp<"hamming_window", "HammingWindow">;
def Laic_HannWindowOp : Laic_WindowOp<"hann_window", "HannWindow">;

def Laic_MelWeightMatrixOp : Laic_LoweredOp<"mel_weight_matrix", "MelWeightMatrix", 17> {
  let dtypes = "i32 i64";
  let arguments = (ins Laic_Tensor:$num_mel_bins, Laic_Tensor:$dft_length, Laic_Tensor:$sample_rate,
                   Laic_Tensor:$lower_edge_hertz, Laic_Tensor:$upper_edge_hertz,
                   DefaultValuedAttr<I64Attr, "1">:$output_datatype);
  let results = (outs Laic_Tensor:$y);
}

#endif
