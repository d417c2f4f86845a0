// The `hls` dialect: a dataflow design as stages that pass words through bounded streams, printed as HLS C++.
//
// A design holds ROMs, ports, streams and stages. A stage is a task of a DATAFLOW region: loops with constant trip counts over
// local arrays, that reads and writes its streams in an order which no data decides. So a design either always deadlocks with
// given stream depths or never does (Kahn), and depths can be proven.
//
// Numbers are two's complement of any width with a fixed binary point; arithmetic is exact: its result type holds every
// result. Only hls.convert and hls.requantize lose bits, and they say how.
#ifndef LAIC_HLS_OPS_TD
#define LAIC_HLS_OPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HLS_Dialect : Dialect {
  let name = "hls";
  let cppNamespace = "::laic::hls";
  let summary = "Streaming designs for high-level synthesis: stages, bounded streams, partitioned arrays, pipelined loops, ports.";
  let useDefaultTypePrinterParser = 1;
}

class HLS_Op<string mnemonic, list<Trait> traits = []> : Op<HLS_Dialect, mnemonic, traits>;

// ---- types ----

class HLS_Type<string name, string typeMnemonic> : TypeDef<HLS_Dialect, name> { let mnemonic = typeMnemonic; }

def HLS_NumType : HLS_Type<"Num", "num"> {
  let summary = "a two's complement number of `width` bits, `integer` of them (with the sign) before the binary point";
  let description = [{
    `!hls.num<8, 8, signed>` is ap_int<8>; `!hls.num<16, 6, signed>` is ap_fixed<16, 6>: its value is the raw integer times
    2^(6 - 16). Values only exist in numbers of at most 127 bits.
  }];
  let parameters = (ins "unsigned":$width, "int":$integer, "bool":$isSigned);
  let assemblyFormat = "`<` $width `,` $integer `,` custom<Sign>($isSigned) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr unsigned kMaxWidth = 127;
    bool isInteger() const { return getInteger() == static_cast<int>(getWidth()); }
    /// Bits behind the binary point.
    int getFraction() const { return static_cast<int>(getWidth()) - getInteger(); }
    /// The least and greatest raw integer; for up to 64 bits (63 unsigned).
    int64_t getLowest() const;
    int64_t getHighest() const;
    static NumType getInt(::mlir::MLIRContext *context, unsigned width, bool isSigned = true) {
      return get(context, width, static_cast<int>(width), isSigned);
    }
  }];
}

def HLS_ArrayType : HLS_Type<"Array", "array"> {
  let summary = "a local array or a ROM";
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "NumType":$element);
  let assemblyFormat = "`<` `[` $shape `]` `,` $element `>`";
  let genVerifyDecl = 1;
}

def HLS_StreamType : HLS_Type<"Stream", "stream"> {
  let summary = "a FIFO of words of `lanes` numbers each";
  let parameters = (ins "unsigned":$lanes, "NumType":$element);
  let assemblyFormat = "`<` $lanes `,` $element `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bits of one word.
    unsigned getBits() const { return getLanes() * getElement().getWidth(); }
    static constexpr unsigned kMaxBits = 4096; // hls::stream's widest word that tools document
  }];
}

// ---- the design ----

def HLS_DesignOp : HLS_Op<"design", [Symbol, SymbolTable, IsolatedFromAbove, SingleBlock, NoTerminator]> {
  let summary = "a top function: its ports, streams, ROMs and stages";
  let description = [{
    Stages stand in an order in which each comes after those that write its streams. Every stream has one writer and one reader.

    ```mlir
    hls.design @top {
      %x = hls.port "x" in at 0 : !hls.stream<1, !hls.num<8, 8, signed>>
      %y = hls.port "y" out at 0 : !hls.stream<1, !hls.num<8, 8, signed>>
      hls.stage @copy reads(%x) writes(%y) : ... { ... }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$chip);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`for` $chip^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def HLS_RomOp : HLS_Op<"rom", [Symbol, HasParent<"DesignOp">]> {
  let summary = "constant numbers; `value` holds their raw integers, sign-extended to bytes";
  let description = "`partition` is as for hls.buffer.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypedAttrInterface:$value, TypeAttrOf<HLS_ArrayType>:$type,
                   OptionalAttr<DenseI64ArrayAttr>:$partition);
  let assemblyFormat = "$sym_name `=` $value `as` $type (`partition` $partition^)? attr-dict";
  let hasVerifier = 1;
}

def HLS_PortOp : HLS_Op<"port", [HasParent<"DesignOp">]> {
  let summary = "a stream between the design and its surroundings";
  let description = [{
    `tensor` is the model's tensor type, `order` the elements' order in the stream as pairs (size, stride) from the slowest to the
    fastest, strides in elements of the row-major tensor; real value = (raw - zero_point) * scale.
  }];
  let arguments = (ins StrAttr:$name, UnitAttr:$output, I64Attr:$index, TypeAttr:$tensor, DenseI64ArrayAttr:$order,
                   F64Attr:$scale, I64Attr:$zero_point);
  let results = (outs HLS_StreamType:$stream);
  let assemblyFormat = [{
    $name (`out` $output^):(`in`)? `at` $index `of` $tensor `order` $order `scale` $scale `zero_point` $zero_point attr-dict
      `:` type($stream)
  }];
  let hasVerifier = 1;
}

def HLS_StreamOp : HLS_Op<"stream", [HasParent<"DesignOp">]> {
  let summary = "a FIFO between two stages that holds `depth` words";
  let arguments = (ins StrAttr:$name, I64Attr:$depth);
  let results = (outs HLS_StreamType:$stream);
  let assemblyFormat = "$name `depth` $depth attr-dict `:` type($stream)";
  let hasVerifier = 1;
}

def HLS_StageOp : HLS_Op<"stage", [Symbol, HasParent<"DesignOp">, AttrSizedOperandSegments, SingleBlock, NoTerminator]> {
  let summary = "a task: one function of the HLS code";
  let description = [{
    The body gets the streams it reads, then those it writes, as arguments of the same types. `kind` says what the stage does,
    for reports ("convolution", "window", ...).
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, Variadic<HLS_StreamType>:$inputs,
                   Variadic<HLS_StreamType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name $kind `reads` `(` ($inputs^ `:` type($inputs))? `)` `writes` `(` ($outputs^ `:` type($outputs))? `)`
      attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getInput(unsigned i) { return getBody().getArgument(i); }
    ::mlir::BlockArgument getOutput(unsigned i) { return getBody().getArgument(getInputs().size() + i); }
  }];
}

// ---- control ----

def HLS_ForOp : HLS_Op<"for", [SingleBlock, NoTerminator]> {
  let summary = "a loop from 0 to `trip`, pipelined with an initiation interval, unrolled, or neither";
  let arguments = (ins I64Attr:$trip, StrAttr:$label, OptionalAttr<I64Attr>:$ii, UnitAttr:$unroll);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$label `to` $trip (`pipeline` $ii^)? (`unroll` $unroll^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getIndex() { return getBody().getArgument(0); }
    static constexpr int64_t kMaxUnroll = 1024; // instances of a loop body beyond which tools stop unrolling
  }];
}

def HLS_IfOp : HLS_Op<"if", [SingleBlock, NoTerminator]> {
  let summary = "runs its body where the condition on loop indices holds";
  let arguments = (ins I1:$condition);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$condition attr-dict-with-keyword $body";
}

// ---- storage ----

def HLS_BufferOp : HLS_Op<"buffer", [MemoryEffects<[MemAlloc]>]> {
  let summary = "a local array, not initialised";
  let description = [{
    `partition` gives per dim the number of memories that its elements are dealt to in turn, so that as many neighbours are reachable
    at once; its absence means one.
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<DenseI64ArrayAttr>:$partition);
  let results = (outs HLS_ArrayType:$array);
  let assemblyFormat = "$name (`partition` $partition^)? attr-dict `:` type($array)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kMaxPartition = 1024; // registers of one array that tools accept
  }];
}

def HLS_ReadOp : HLS_Op<"read", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "takes a word; its lanes go to consecutive elements of the array's last dim, from the last index on";
  let arguments = (ins HLS_StreamType:$stream, HLS_ArrayType:$array, Variadic<Index>:$indices);
  let assemblyFormat = "$stream `into` $array `[` $indices `]` attr-dict `:` type($stream) `into` type($array)";
  let hasVerifier = 1;
}

def HLS_WriteOp : HLS_Op<"write", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "puts a word of consecutive elements of the array's last dim, from the last index on";
  let arguments = (ins HLS_StreamType:$stream, HLS_ArrayType:$array, Variadic<Index>:$indices);
  let assemblyFormat = "$stream `from` $array `[` $indices `]` attr-dict `:` type($stream) `from` type($array)";
  let hasVerifier = 1;
}

def HLS_LoadOp : HLS_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "an element of an array";
  let arguments = (ins HLS_ArrayType:$array, Variadic<Index>:$indices);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$array `[` $indices `]` attr-dict `:` type($array) `->` type($result)";
  let hasVerifier = 1;
}

def HLS_StoreOp : HLS_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "sets an element of an array";
  let arguments = (ins HLS_NumType:$value, HLS_ArrayType:$array, Variadic<Index>:$indices);
  let assemblyFormat = "$value `,` $array `[` $indices `]` attr-dict `:` type($value) `,` type($array)";
  let hasVerifier = 1;
}

def HLS_RomLoadOp : HLS_Op<"rom_load", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "an element of a ROM";
  let arguments = (ins FlatSymbolRefAttr:$rom, Variadic<Index>:$indices);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$rom `[` $indices `]` attr-dict `:` type($result)";
}

// ---- arithmetic ----

def HLS_ConstantOp : HLS_Op<"constant", [Pure]> {
  let summary = "a number by its raw integer";
  let arguments = (ins I64Attr:$raw);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$raw attr-dict `:` type($result)";
  let hasVerifier = 1;
}

class HLS_ExactOp<string mnemonic, string does, list<Trait> traits = []>
    : HLS_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)> {
  let summary = does;
  let arguments = (ins HLS_NumType:$lhs, HLS_NumType:$rhs);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}
def HLS_AddOp : HLS_ExactOp<"add", "exact sum", [Commutative]>;
def HLS_SubOp : HLS_ExactOp<"sub", "exact difference; signed">;
def HLS_MulOp : HLS_ExactOp<"mul", "exact product", [Commutative]>;

class HLS_SameOp<string mnemonic, string does, list<Trait> traits = []>
    : HLS_Op<mnemonic, !listconcat([Pure, SameOperandsAndResultType], traits)> {
  let summary = does;
  let arguments = (ins HLS_NumType:$lhs, HLS_NumType:$rhs);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}
def HLS_MaxOp : HLS_SameOp<"max", "the greater one", [Commutative]>;
def HLS_MinOp : HLS_SameOp<"min", "the lesser one", [Commutative]>;

def HLS_DivOp : HLS_Op<"div", [Pure, AllTypesMatch<["lhs", "result"]>]> {
  let summary = "quotient of two integers of which the divisor is positive, rounded toward zero";
  let arguments = (ins HLS_NumType:$lhs, HLS_NumType:$rhs);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
  let hasVerifier = 1;
}

def HLS_Trn : I32EnumAttrCase<"Trn", 0, "trn">; // toward minus infinity
def HLS_Rnd : I32EnumAttrCase<"Rnd", 1, "rnd">; // to nearest, halves toward plus infinity
def HLS_RndConv : I32EnumAttrCase<"RndConv", 2, "rnd_conv">; // to nearest, halves to even
def HLS_Rounding : I32EnumAttr<"Rounding", "what becomes of bits below the last", [HLS_Trn, HLS_Rnd, HLS_RndConv]> {
  let cppNamespace = "::laic::hls";
}
def HLS_Wrap : I32EnumAttrCase<"Wrap", 0, "wrap">;
def HLS_Sat : I32EnumAttrCase<"Sat", 1, "sat">;
def HLS_Overflow : I32EnumAttr<"Overflow", "what becomes of bits above the first", [HLS_Wrap, HLS_Sat]> {
  let cppNamespace = "::laic::hls";
}

def HLS_ConvertOp : HLS_Op<"convert", [Pure]> {
  let summary = "the number in another format";
  let arguments = (ins HLS_NumType:$value, HLS_Rounding:$rounding, HLS_Overflow:$overflow);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$value $rounding $overflow attr-dict `:` type($value) `to` type($result)";
}

def HLS_RequantizeOp : HLS_Op<"requantize", [Pure]> {
  let summary = "an accumulator in the units of a quantised tensor";
  let description = [{
    clamp(zero_point + acc * multiplier / 2^shift to nearest, halves to even, lowest, highest) on raw integers. `lowest` and `highest`
    fit the result.
  }];
  let arguments = (ins HLS_NumType:$acc, HLS_NumType:$multiplier, I64Attr:$shift, I64Attr:$zero_point, I64Attr:$lowest,
                   I64Attr:$highest);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = [{
    $acc `times` $multiplier `shift` $shift `zero_point` $zero_point `clamp` $lowest `to` $highest attr-dict
      `:` type($acc) `,` type($multiplier) `to` type($result)
  }];
  let hasVerifier = 1;
}

def HLS_AccumulateOp : HLS_Op<"accumulate", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "adds a value to an element of an array that takes `terms` of them";
  let description = [{
    The accumulator must be wide enough for `terms` values beside what it started with: its width is at least the value's plus
    ceil(log2(terms)) plus one, with the same binary point.
  }];
  let arguments = (ins HLS_NumType:$value, HLS_ArrayType:$array, Variadic<Index>:$indices, I64Attr:$terms);
  let assemblyFormat = "$value `into` $array `[` $indices `]` `terms` $terms attr-dict `:` type($value) `into` type($array)";
  let hasVerifier = 1;
}

def HLS_BitsOp : HLS_Op<"bits", [Pure]> {
  let summary = "the same raw bits as another type of the same width";
  let arguments = (ins HLS_NumType:$value);
  let results = (outs HLS_NumType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `as` type($result)";
  let hasVerifier = 1;
}

def HLS_IndexOp : HLS_Op<"index", [Pure]> {
  let summary = "the raw integer, shifted right by `shift` bits (rounding down), plus `offset`, as an index into an array";
  let arguments = (ins HLS_NumType:$value, I64Attr:$shift, I64Attr:$offset);
  let results = (outs Index:$result);
  let assemblyFormat = "$value `shift` $shift `plus` $offset attr-dict `:` type($value)";
}

#endif
