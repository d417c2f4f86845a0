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

#endif
