// The class of operators that functions of the runtime compute, for the families that have some.
#ifndef LAIC_HOSTBASE_TD
#define LAIC_HOSTBASE_TD

include "laic/Dialect/Laic/LaicBase.td"

// An operator that inference replaces by laic.host_function.
class Laic_HostedOp<string mnemonic, string onnx, int since> : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes"], [Pure]>;

#endif
