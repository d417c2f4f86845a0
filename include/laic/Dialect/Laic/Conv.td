// Convolutions and window pooling.
#ifndef LAIC_CONV_TD
#define LAIC_CONV_TD

include "laic/Dialect/Laic/LaicBase.td"

// ---- convolution ----
def Laic_ConvOp : Laic_LoweredOp<"conv", "Conv", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$w, Laic_OptTensor:$b,
                   DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DefaultValuedAttr<I64Attr, "1">:$group, OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}
def Laic_ConvTransposeOp : Laic_LoweredOp<"conv_transpose", "ConvTranspose", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$w, Laic_OptTensor:$b,
                   DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DefaultValuedAttr<I64Attr, "1">:$group, OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$output_padding, OptionalAttr<DenseI64ArrayAttr>:$output_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

// ---- pooling ----
def Laic_MaxPoolOp : Laic_LoweredOp<"max_pool", "MaxPool", 22> {
  let dtypes = "float i8 u8";
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad,
                   DefaultValuedAttr<I64Attr, "0">:$ceil_mode, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DenseI64ArrayAttr:$kernel_shape, OptionalAttr<DenseI64ArrayAttr>:$pads,
                   DefaultValuedAttr<I64Attr, "0">:$storage_order, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y, Laic_Tensor:$indices);
}
def Laic_AveragePoolOp : Laic_LoweredOp<"average_pool", "AveragePool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad,
                   DefaultValuedAttr<I64Attr, "0">:$ceil_mode, DefaultValuedAttr<I64Attr, "0">:$count_include_pad,
                   OptionalAttr<DenseI64ArrayAttr>:$dilations, DenseI64ArrayAttr:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}
def Laic_LpPoolOp : Laic_LoweredOp<"lp_pool", "LpPool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad,
                   DefaultValuedAttr<I64Attr, "0">:$ceil_mode, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DenseI64ArrayAttr:$kernel_shape, DefaultValuedAttr<I64Attr, "2">:$p,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}
def Laic_GlobalAveragePoolOp : Laic_LoweredOp<"global_average_pool", "GlobalAveragePool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y);
}
def Laic_GlobalMaxPoolOp : Laic_LoweredOp<"global_max_pool", "GlobalMaxPool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y);
}
def Laic_GlobalLpPoolOp : Laic_LoweredOp<"global_lp_pool", "GlobalLpPool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<I64Attr, "2">:$p);
  let results = (outs Laic_Tensor:$y);
}

#endif
