// Elements seen as another type, bit by bit.
#ifndef LAIC_BITCAST_TD
#define LAIC_BITCAST_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_BitCastOp : Laic_LoweredOp<"bit_cast", "BitCast", 26> {
  let description = "Booleans count as bytes; a byte other than 0 and 1 becomes true.";
  let dtypes = "float int uint bool narrow";
  let arguments = (ins Laic_Tensor:$input, I64Attr:$to);
  let results = (outs Laic_Tensor:$output);
}

#endif
