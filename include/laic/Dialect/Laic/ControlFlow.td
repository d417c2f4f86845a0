// Operators with subgraphs: a region per graph attribute. Its block arguments are the subgraph's inputs; values of the graphs
// around it are captured as they are.
#ifndef LAIC_CONTROLFLOW_TD
#define LAIC_CONTROLFLOW_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_AnyValue : AnyTypeOf<[AnyTensor, Laic_SequenceType, Laic_OptionalType, NoneType], "a tensor, sequence or optional">;

def Laic_OutputsOp : Laic_Op<"outputs", [Pure, Terminator]> {
  let summary = "ends a subgraph: its outputs";
  let arguments = (ins Variadic<Laic_AnyValue>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

class Laic_SubgraphOp<string mnemonic, string onnx, int since>
    : Laic_ResolvedOp<mnemonic, onnx, since, [SingleBlock, RecursiveMemoryEffects]> {
  let hasRegionVerifier = 1;
}

def Laic_IfOp : Laic_SubgraphOp<"if", "If", 25> {
  let dtypes = "bool";
  let arguments = (ins Laic_Tensor:$cond);
  let results = (outs Variadic<Laic_AnyValue>:$outputs);
  let regions = (region SizedRegion<1>:$then_branch, SizedRegion<1>:$else_branch);
  let assemblyFormat = [{
    $cond attr-dict `:` functional-type($cond, $outputs) $then_branch `else` $else_branch
  }];
}

// Body: (iteration, condition, carried...) -> (condition, carried..., scanned...). Scanned values are stacked along a new first dim.
def Laic_LoopOp : Laic_SubgraphOp<"loop", "Loop", 25> {
  let dtypes = "i64";
  let arguments = (ins Laic_OptTensor:$M, Laic_OptTensor:$cond, Variadic<Laic_AnyValue>:$v_initial);
  let results = (outs Variadic<Laic_AnyValue>:$v_final_and_scan_outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results) $body";
  let extraClassDeclaration = [{
    /// How many values one iteration hands to the next.
    unsigned getNumCarried() { return getVInitial().size(); }
  }];
}

// Body: (carried..., one slice of each scanned input...) -> (carried..., one slice of each scanned output...).
def Laic_ScanLoopOp : Laic_SubgraphOp<"scan_loop", "Scan", 25> {
  let arguments = (ins Variadic<Laic_Tensor>:$initial_state_and_scan_inputs, I64Attr:$num_scan_inputs,
                   OptionalAttr<DenseI64ArrayAttr>:$scan_input_axes,
                   OptionalAttr<DenseI64ArrayAttr>:$scan_input_directions,
                   OptionalAttr<DenseI64ArrayAttr>:$scan_output_axes,
                   OptionalAttr<DenseI64ArrayAttr>:$scan_output_directions);
  let results = (outs Variadic<Laic_Tensor>:$final_state_and_scan_outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results) $body";
}

// Body: (element or tensor...) -> (element...), once for each position of the first sequence.
def Laic_SequenceMapOp : Laic_SubgraphOp<"sequence_map", "SequenceMap", 17> {
  let arguments = (ins Laic_SequenceType:$input_sequence, Variadic<Laic_AnyValue>:$additional_inputs);
  let results = (outs Variadic<Laic_SequenceType>:$out_sequence);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results) $body";
}

// score_mod changes the scores in front of the softmax, prob_mod the weights behind it; a region without a block changes nothing.
def Laic_FlexAttentionOp : Laic_ResolvedOp<"flex_attention", "FlexAttention", 1, [RecursiveMemoryEffects]> {
  let onnxDomain = "ai.onnx.preview";
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$Q, Laic_Tensor:$K, Laic_Tensor:$V, OptionalAttr<F32Attr>:$scale,
                   OptionalAttr<I64Attr>:$softmax_precision);
  let results = (outs Laic_Tensor:$Y);
  let regions = (region MaxSizedRegion<1>:$score_mod, MaxSizedRegion<1>:$prob_mod);
  let hasRegionVerifier = 1;
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results) `score` $score_mod `prob` $prob_mod
  }];
}

// ---- what is left of them ----

def Laic_CallOp : Laic_Op<"call", [MemoryEffects<[MemWrite]>,
                                   DeclareOpInterfaceMethods<OnnxOpInterface, ["inferShapes", "lower"]>]> {
  let summary = "runs other programs of the module, where only the call knows which one (if) or how often (loop)";
  let description = [{
    Programs are functions with `laic.program` (laic/Dialect/Laic/Programs.h); each is run by one operation.

    `if [@then, @else] (%cond, captures...)` runs one of two functions of the captures, which return the results.
    `loop [@body] (%trips, %cond, carried..., captures...)` runs (iteration, condition, carried..., captures...) -> (condition,
    carried..., scanned...) for iterations `first`, `first` + 1, ... below the trip count, while the condition holds. Its results are the
    carried values and the scanned ones, stacked along a new first dim.

    `dims` tells each dim of each result by two numbers: (operand, dim) has the same size; (kConstant, size); (kLate, i) becomes element i
    of read `read` when the operation has run. `read` is -1 where there are none of these. `shapes` says the same over the function's size
    symbols, once it is lowered.
  }];
  let arguments = (ins StrAttr:$kind, FlatSymbolRefArrayAttr:$programs, Variadic<AnyTensor>:$inputs,
                   DefaultValuedAttr<I64Attr, "0">:$carried, DefaultValuedAttr<I64Attr, "0">:$first, I64Attr:$read,
                   DenseI64ArrayAttr:$dims, OptionalAttr<TypedArrayAttrBase<AffineMapAttr, "shapes">>:$shapes);
  let results = (outs Variadic<AnyTensor>:$outputs);
  let assemblyFormat = "$kind $programs `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kConstant = -1, kLate = -2;
    /// Which dims of the results, counted over all of them, are late: in the order of the read's elements.
    ::llvm::SmallVector<int64_t> getLateDims();
  }];
}

#endif
