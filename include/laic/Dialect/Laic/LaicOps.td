// All operations of the `laic` dialect, by family. CMake reads this list: each family gets a header of its own, <Family>Ops.h.
#ifndef LAIC_OPS_TD
#define LAIC_OPS_TD

include "laic/Dialect/Laic/Core.td"
include "laic/Dialect/Laic/Activation.td"
include "laic/Dialect/Laic/Attention.td"
include "laic/Dialect/Laic/BitCast.td"
include "laic/Dialect/Laic/ContribAttention.td"
include "laic/Dialect/Laic/ContribElementwise.td"
include "laic/Dialect/Laic/ContribLinear.td"
include "laic/Dialect/Laic/ContribNorm.td"
include "laic/Dialect/Laic/Conv.td"
include "laic/Dialect/Laic/DataMovement.td"
include "laic/Dialect/Laic/Elementwise.td"
include "laic/Dialect/Laic/GatherScatter.td"
include "laic/Dialect/Laic/Linear.td"
include "laic/Dialect/Laic/LinearAttention.td"
include "laic/Dialect/Laic/Logic.td"
include "laic/Dialect/Laic/Norm.td"
include "laic/Dialect/Laic/QLinear.td"
include "laic/Dialect/Laic/Quant.td"
include "laic/Dialect/Laic/Recurrent.td"
include "laic/Dialect/Laic/Reduction.td"
include "laic/Dialect/Laic/Resize.td"
include "laic/Dialect/Laic/Shape.td"
include "laic/Dialect/Laic/Structured.td"
include "laic/Dialect/Laic/Variadic.td"

#endif
