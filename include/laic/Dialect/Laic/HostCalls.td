// What runs in functions of the runtime instead of code: operations that look into strings, and codecs.
#ifndef LAIC_HOSTCALLS_TD
#define LAIC_HOSTCALLS_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_HostFunctionOp
    : Laic_Op<"host_function", [Pure, DeclareOpInterfaceMethods<OnnxOpInterface, ["inferShapes", "lower"]>]> {
  let summary = "tensors that a function of the runtime computes from tensors, on the host";
  let description = [{
    `function` is `core.<name>`, which every runtime has, or `<library>.<name>` of an optional library of it. The shape of result i is
    `result_shapes`[i], a map from the dims of the first input; with `sized` the last input is no argument of the function but an
    integer tensor whose elements are the symbols of the maps: sizes that another function has computed.
  }];
  let arguments = (ins Variadic<Laic_Tensor>:$inputs, StrAttr:$function, DenseI64ArrayAttr:$parameters,
                   AffineMapArrayAttr:$result_shapes, TypeArrayAttr:$result_elements, UnitAttr:$sized);
  let results = (outs Variadic<Laic_Tensor>:$outputs);
  let hasVerifier = 1;
}

def Laic_HostCallOp : Laic_Op<"host_call", [Pure, AttrSizedOperandSegments]> {
  let summary = "laic.host_function on lowered tensors";
  let description = "Becomes a dispatch of a declared function that the host runs, whatever the plan's device.";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, Variadic<Index>:$result_sizes, StrAttr:$function,
                   DenseI64ArrayAttr:$parameters);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
}

#endif
