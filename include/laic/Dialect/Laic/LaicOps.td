// All operations of the `laic` dialect, by family.
#ifndef LAIC_OPS_TD
#define LAIC_OPS_TD

include "laic/Dialect/Laic/Structured.td"
include "laic/Dialect/Laic/Elementwise.td"

#endif
