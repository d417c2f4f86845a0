// Interpolation: Resize and GridSample.
#ifndef LAIC_RESIZE_TD
#define LAIC_RESIZE_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_ResizeOp : Laic_LoweredOp<"resize", "Resize", 19> {
  let arguments = (ins Laic_Tensor:$x, Laic_OptTensor:$roi, Laic_OptTensor:$scales, Laic_OptTensor:$sizes,
                   DefaultValuedAttr<I64Attr, "0">:$antialias, OptionalAttr<DenseI64ArrayAttr>:$axes,
                   DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
                   DefaultValuedAttr<F32Attr, "-0.75">:$cubic_coeff_a, DefaultValuedAttr<I64Attr, "0">:$exclude_outside,
                   DefaultValuedAttr<F32Attr, "0.0">:$extrapolation_value,
                   DefaultValuedAttr<StrAttr, "\"stretch\"">:$keep_aspect_ratio_policy,
                   DefaultValuedAttr<StrAttr, "\"nearest\"">:$mode,
                   DefaultValuedAttr<StrAttr, "\"round_prefer_floor\"">:$nearest_mode);
  let results = (outs Laic_Tensor:$y);
}

#endif
