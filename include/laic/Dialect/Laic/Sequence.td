// Operators on sequences and optionals.
#ifndef LAIC_SEQUENCE_TD
#define LAIC_SEQUENCE_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_SequenceOp<string mnemonic, string onnx, int since> : Laic_ResolvedOp<mnemonic, onnx, since, [Pure]>;

// ---- sequences ----
def Laic_SequenceConstructOp : Laic_SequenceOp<"sequence_construct", "SequenceConstruct", 11> {
  let arguments = (ins Variadic<Laic_Tensor>:$inputs);
  let results = (outs Laic_SequenceType:$output_sequence);
}
def Laic_SequenceEmptyOp : Laic_SequenceOp<"sequence_empty", "SequenceEmpty", 11> {
  let arguments = (ins OptionalAttr<I64Attr>:$dtype);
  let results = (outs Laic_SequenceType:$output);
}
def Laic_SequenceInsertOp : Laic_SequenceOp<"sequence_insert", "SequenceInsert", 11> {
  let typedOperand = 1;
  let arguments = (ins Laic_SequenceType:$input_sequence, Laic_Tensor:$tensor, Laic_OptTensor:$position);
  let results = (outs Laic_SequenceType:$output_sequence);
}
def Laic_SequenceEraseOp : Laic_SequenceOp<"sequence_erase", "SequenceErase", 11> {
  let arguments = (ins Laic_SequenceType:$input_sequence, Laic_OptTensor:$position);
  let results = (outs Laic_SequenceType:$output_sequence);
}
def Laic_SequenceAtOp : Laic_SequenceOp<"sequence_at", "SequenceAt", 11> {
  let arguments = (ins Laic_SequenceType:$input_sequence, Laic_Tensor:$position);
  let results = (outs Laic_Tensor:$tensor);
}
def Laic_SequenceLengthOp : Laic_SequenceOp<"sequence_length", "SequenceLength", 11> {
  let arguments = (ins Laic_SequenceType:$input_sequence);
  let results = (outs Laic_Tensor:$length);
}
def Laic_ConcatFromSequenceOp : Laic_SequenceOp<"concat_from_sequence", "ConcatFromSequence", 11> {
  let arguments = (ins Laic_SequenceType:$input_sequence, I64Attr:$axis, DefaultValuedAttr<I64Attr, "0">:$new_axis);
  let results = (outs Laic_Tensor:$concat_result);
}
def Laic_SplitToSequenceOp : Laic_SequenceOp<"split_to_sequence", "SplitToSequence", 24> {
  let arguments = (ins Laic_Tensor:$input, Laic_OptTensor:$split, DefaultValuedAttr<I64Attr, "0">:$axis,
                   DefaultValuedAttr<I64Attr, "1">:$keepdims);
  let results = (outs Laic_SequenceType:$output_sequence);
}

// ---- optionals ----
def Laic_AnyElement : AnyTypeOf<[AnyTensor, Laic_SequenceType, NoneType], "a tensor, a sequence or an absent operand">;
def Laic_AnyOptional : AnyTypeOf<[AnyTensor, Laic_SequenceType, Laic_OptionalType, NoneType],
                                 "a tensor, sequence or optional, or an absent operand">;

def Laic_OptionalOp : Laic_SequenceOp<"optional", "Optional", 28> {
  let arguments = (ins Laic_AnyElement:$input, OptionalAttr<TypeAttr>:$type);
  let results = (outs Laic_OptionalType:$output);
}
def Laic_OptionalHasElementOp : Laic_SequenceOp<"optional_has_element", "OptionalHasElement", 28> {
  let arguments = (ins Laic_AnyOptional:$input);
  let results = (outs Laic_Tensor:$output);
}
def Laic_OptionalGetElementOp : Laic_SequenceOp<"optional_get_element", "OptionalGetElement", 28> {
  let arguments = (ins Laic_AnyOptional:$input);
  let results = (outs AnyTypeOf<[AnyTensor, Laic_SequenceType]>:$output);
}

#endif
