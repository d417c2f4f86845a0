// Reading an image at fractional positions that are data: GridSample, AffineGrid, DeformConv.
#ifndef LAIC_SAMPLING_TD
#define LAIC_SAMPLING_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_GridSampleOp : Laic_LoweredOp<"grid_sample", "GridSample", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$grid, DefaultValuedAttr<I64Attr, "0">:$align_corners,
                   DefaultValuedAttr<StrAttr, "\"linear\"">:$mode, DefaultValuedAttr<StrAttr, "\"zeros\"">:$padding_mode);
  let results = (outs Laic_Tensor:$y);
}
def Laic_AffineGridOp : Laic_LoweredOp<"affine_grid", "AffineGrid", 20> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$theta, Laic_Tensor:$size, DefaultValuedAttr<I64Attr, "0">:$align_corners);
  let results = (outs Laic_Tensor:$grid);
}
def Laic_DeformConvOp : Laic_LoweredOp<"deform_conv", "DeformConv", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$w, Laic_Tensor:$offset, Laic_OptTensor:$b, Laic_OptTensor:$mask,
                   OptionalAttr<DenseI64ArrayAttr>:$dilations, DefaultValuedAttr<I64Attr, "1">:$group,
                   OptionalAttr<DenseI64ArrayAttr>:$kernel_shape, DefaultValuedAttr<I64Attr, "1">:$offset_group,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

#endif
