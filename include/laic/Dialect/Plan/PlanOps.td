// The `plan` dialect: dispatches of kernels on tensors, and the host schedule that an artifact holds field by field.
//
// Two forms, one after the other:
//   tensor form    `plan.dispatch` between tensors, inside a function;
//   schedule form  `plan.entry` with buffers, checks and steps, in the order in which the runtime walks them.
// All sizes of the schedule form are affine expressions over the entry's size symbols (laic/Dialect/Laic/SizeSymbols.h).
#ifndef LAIC_PLAN_OPS_TD
#define LAIC_PLAN_OPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::laic::plan";
  let summary = "The host schedule: which kernel runs when, on which device, on which bytes.";
  let useDefaultTypePrinterParser = 1;
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

// ---- tensor form ----

def Plan_DispatchOp : Plan_Op<"dispatch", [Pure, AttrSizedOperandSegments,
                                           DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel on tensors";
  let description = [{
    The kernel is a private `func.func` that takes the operands, then the sizes, and returns the results.
    `shapes` gives each result's dims over the size symbols of the enclosing function.

    ```mlir
    %1 = plan.dispatch @laic_gemm_f32_10(%x, %w)[%n] on "cpu" shapes [affine_map<()[s0] -> (s0, 10)>]
           : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyRankedTensor>:$inputs, Variadic<Index>:$sizes,
                   DefaultValuedAttr<StrAttr, "\"cpu\"">:$device, AffineMapArrayAttr:$shapes);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` (`[` $sizes^ `]`)? (`on` $device^)? `shapes` $shapes attr-dict
      `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

def Plan_TransferOp : Plan_Op<"transfer", [Pure, AllTypesMatch<["source", "result"]>]> {
  let summary = "the same tensor in the memory of another device";
  let description = [{
    Inserted by laic-insert-transfers wherever a value is used on another device than it was made on; becomes a plan.copy.
  }];
  let arguments = (ins AnyRankedTensor:$source, StrAttr:$device);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source `to` $device attr-dict `:` type($source)";
}

// ---- schedule form ----

def Plan_BufferType : TypeDef<Plan_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "a dense row-major view of storage; dims are expressions over the entry's symbols";
  let description = [{
    With `room` R, the memory of the input or output may have places for more than the elements along dim R: strides before R are then those
    that the caller has bound. Kernels that use it take them.
  }];
  let parameters = (ins "::mlir::Type":$element, "::mlir::AffineMap":$shape, DefaultValuedParameter<"int64_t", "-1">:$room);
  let assemblyFormat = "`<` $element `,` custom<Sizes>($shape) (`,` `room` $room^)? `>`";
  let extraClassDeclaration = [{
    unsigned getRank() const { return getShape().getNumResults(); }
  }];
}

def Plan_EntryOp : Plan_Op<"entry", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator]> {
  let summary = "a callable schedule with its signature";
  let description = [{
    `symbols` says what the size symbols s0, s1, ... are, as `laic.symbols` of a function does. `inputs` and `outputs` are
    dictionaries {name, element (TypeAttr, ONNX type), dims (array of string|int), shape (outputs: affine map), room (the dim along which
    memory may have room), grows (outputs: the input that it continues)}; the last two may be missing.
    `arena` is the number of bytes that the allocations span on the device, `host_arena` those in host memory (a plan for the host
    has its allocations in the first alone).
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$device, ArrayAttr:$symbols, ArrayAttr:$inputs,
                   ArrayAttr:$outputs, AffineMapAttr:$arena, AffineMapAttr:$host_arena);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `on` $device `symbols` $symbols `inputs` $inputs `outputs` $outputs `arena` custom<SizesAttr>($arena)
      `host_arena` custom<SizesAttr>($host_arena) attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

class Plan_StorageOp<string mnemonic, list<Trait> traits = []>
    : Plan_Op<mnemonic, !listconcat([Pure, HasParent<"EntryOp">], traits)> {
  let results = (outs Plan_BufferType:$buffer);
}

def Plan_InputOp : Plan_StorageOp<"input"> {
  let summary = "the memory bound to an input of the entry";
  let arguments = (ins I64Attr:$index);
  let assemblyFormat = "$index attr-dict `:` type($buffer)";
}

def Plan_OutputOp : Plan_StorageOp<"output"> {
  let summary = "the memory bound to an output of the entry";
  let arguments = (ins I64Attr:$index);
  let assemblyFormat = "$index attr-dict `:` type($buffer)";
}

def Plan_ConstantOp : Plan_StorageOp<"constant"> {
  let summary = "bytes of a weight segment; equal bytes are stored once";
  let arguments = (ins AnyAttr:$value);
  let assemblyFormat = "$value attr-dict `as` type($buffer)";
}

def Plan_AllocOp : Plan_StorageOp<"alloc"> {
  let summary = "a range of the arena; ranges of values that are never live together overlap";
  let arguments = (ins AffineMapAttr:$offset, AffineMapAttr:$size, UnitAttr:$host);
  let assemblyFormat = [{
    (`host` $host^)? `arena` `offset` custom<SizesAttr>($offset) `size` custom<SizesAttr>($size) attr-dict `:` type($buffer)
  }];
}

def Plan_LateOp : Plan_StorageOp<"late"> {
  let summary = "memory that is found in the middle of a call, when a `plan.read` has made its size known";
  let description = [{
    On the host. Values that share a `slot` are never live together, counted from the read that their size waits for; a slot only grows.
  }];
  let arguments = (ins I64Attr:$slot);
  let assemblyFormat = "`slot` $slot attr-dict `:` type($buffer)";
}

def Plan_ViewOp : Plan_StorageOp<"view"> {
  let summary = "the same bytes under another shape";
  let arguments = (ins Plan_BufferType:$source);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($buffer)";
}

def Plan_CheckOp : Plan_Op<"check", [HasParent<"EntryOp">]> {
  let summary = "refuses the call with a message unless `lhs` equals (eq) or is at least (ge) `rhs`";
  let arguments = (ins StrAttr:$relation, AffineMapAttr:$lhs, AffineMapAttr:$rhs, StrAttr:$message);
  let assemblyFormat = "$relation custom<SizesAttr>($lhs) `,` custom<SizesAttr>($rhs) `,` $message attr-dict";
  let hasVerifier = 1;
}

def Plan_StepOp : Plan_Op<"step", [AttrSizedOperandSegments, HasParent<"EntryOp">,
                                   DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel on buffers";
  let description = [{
    `tiles` is how many tiles the pool shares out, `workspace` the bytes each thread needs, `sizes` what the kernel gets as
    scalars. With `concurrent` the step may start before the steps since the last step without it have ended; with `host` it runs on
    the host in a plan for another device.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Plan_BufferType>:$inputs, Variadic<Plan_BufferType>:$outputs,
                   AffineMapAttr:$sizes, AffineMapAttr:$tiles, AffineMapAttr:$workspace, UnitAttr:$concurrent,
                   UnitAttr:$host);
  let assemblyFormat = [{
    (`concurrent` $concurrent^)? (`host` $host^)? $kernel `tiles` custom<SizesAttr>($tiles) `workspace` custom<SizesAttr>($workspace)
      `sizes` custom<SizesAttr>($sizes) `ins` `(` ($inputs^ `:` type($inputs))? `)`
      `outs` `(` ($outputs^ `:` type($outputs))? `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_ReadOp : Plan_Op<"read", [HasParent<"EntryOp">]> {
  let summary = "waits for all earlier steps, then makes the elements of a small integer buffer the size symbols of read `number`";
  let description = [{
    Sizes, checks and memory that depend on them are settled before the next step. `host`, and in host memory, in a plan for another
    device.
  }];
  let arguments = (ins Plan_BufferType:$source, I64Attr:$number, UnitAttr:$host);
  let assemblyFormat = "(`host` $host^)? $source `as` $number attr-dict `:` type($source)";
}

def Plan_CallOp : Plan_Op<"call", [AttrSizedOperandSegments, HasParent<"EntryOp">,
                                   DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "waits for all earlier steps, then runs other entries: one of two (if), or one again and again (loop)";
  let description = [{
    As laic.call, on buffers in host memory. The dims of the outputs, counted over all of them, that `late` names become the size symbols
    of read `read` (-1: there are none), as those of a plan.read do. With `host` in a plan for another device.
  }];
  let arguments = (ins StrAttr:$kind, FlatSymbolRefArrayAttr:$programs, Variadic<Plan_BufferType>:$inputs,
                   Variadic<Plan_BufferType>:$outputs, I64Attr:$carried, I64Attr:$first, I64Attr:$read,
                   DenseI64ArrayAttr:$late, UnitAttr:$host);
  let assemblyFormat = [{
    (`host` $host^)? $kind $programs `ins` `(` ($inputs^ `:` type($inputs))? `)` `outs` `(` ($outputs^ `:` type($outputs))? `)`
      attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_CopyOp : Plan_Op<"copy", [HasParent<"EntryOp">]> {
  let summary = "copies the bytes of one buffer to another of equal size";
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$target, UnitAttr:$concurrent);
  let assemblyFormat = [{
    (`concurrent` $concurrent^)? $source `to` $target attr-dict `:` type($source) `to` type($target)
  }];
}

#endif
