// Images as patches, crops and what pooling left of them: Col2Im, CenterCropPad, MaxUnpool.
#ifndef LAIC_IMAGE_TD
#define LAIC_IMAGE_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_Col2ImOp : Laic_LoweredOp<"col2im", "Col2Im", 18> {
  let dtypes = "float int uint";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$image_shape, Laic_Tensor:$block_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$dilations, OptionalAttr<DenseI64ArrayAttr>:$pads,
                   OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}
def Laic_CenterCropPadOp : Laic_LoweredOp<"center_crop_pad", "CenterCropPad", 18> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$shape, OptionalAttr<DenseI64ArrayAttr>:$axes);
  let results = (outs Laic_Tensor:$y);
}
// `output_shape` pads the result at the ends of its dims; `indices` speak of the result without it.
def Laic_MaxUnpoolOp : Laic_LoweredOp<"max_unpool", "MaxUnpool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$indices, Laic_OptTensor:$output_shape, DenseI64ArrayAttr:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

#endif
