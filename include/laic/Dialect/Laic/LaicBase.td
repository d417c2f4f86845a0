// The `laic` dialect and the record classes that every ONNX operator is an instance of.
#ifndef LAIC_BASE_TD
#define LAIC_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Laic_Dialect : Dialect {
  let name = "laic";
  let cppNamespace = "::laic";
  let summary = "Tensors with ONNX semantics, one operation per ONNX operator, at the newest operator version only.";
  let description = [{
    Operands and results stand in the order of the ONNX operator's inputs and outputs; an absent optional operand is a
    `laic.none`. Types are builtin tensors (booleans i1, signed integers signless, unsigned ones ui2..ui64); before
    `laic-infer-shapes` they may be unranked. After it every operation carries `laic.shapes`: one affine map
    per result, `()[s0, s1, ...] -> (dims)`, over the function's size symbols (`laic.symbols`), so that equal unknown dims
    are known to be equal.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 0;
  let hasNonDefaultDestructor = 1;
  let extraClassDeclaration = [{
    /// Bytes of large constants; shared by everything that lives in this context.
    class WeightStore &getWeights() { return *weights; }
  private:
    std::unique_ptr<class WeightStore> weights;
  public:
  }];
}

def OnnxOpInterface : OpInterface<"OnnxOpInterface"> {
  let cppNamespace = "::laic";
  let description = [{
    What every operation that stands for an ONNX operator does. Exactly one of `decompose` and `lower` is implemented by
    an operation (ops with a scalar body get `lower` for free).
  }];
  let methods = [
    InterfaceMethod<"Sets shape, element type and, where they are known, contents of every result. Emits a diagnostic "
                    "and fails where the operands contradict the operator.",
      "::llvm::LogicalResult", "inferShapes", (ins "::laic::ShapeContext &":$ctx)>,
    InterfaceMethod<"Replaces the operation by other `laic` operations; result types may be left unranked, inference runs again.",
      "::llvm::LogicalResult", "decompose", (ins "::mlir::RewriterBase &":$rewriter), "",
      [{ return ::mlir::failure(); }]>,
    InterfaceMethod<"Emits linalg, tensor and structured operations for this one.",
      "::llvm::LogicalResult", "lower", (ins "::laic::LowerContext &":$ctx), "",
      [{ return ::mlir::failure(); }]>,
  ];
}

def ScalarBodyInterface : OpInterface<"ScalarBodyInterface"> {
  let cppNamespace = "::laic";
  let description = "An elementwise operation with numpy broadcasting, given by what it does to one element of each operand.";
  let methods = [
    InterfaceMethod<"The scalar computation, in the builder's compute type.",
      "::mlir::Value", "scalarBody", (ins "::laic::ScalarBuilder &":$b, "::mlir::ValueRange":$in)>,
    InterfaceMethod<"Element type of the result, given the operands' element types.",
      "::mlir::Type", "resultElement", (ins "::mlir::ArrayRef<::mlir::Type>":$in)>,
  ];
}

def StructuredOpInterface : OpInterface<"StructuredOpInterface"> {
  let cppNamespace = "::laic";
  let description = [{
    A structured operation on lowered tensors (what linalg says badly: sort, scatter, recurrence) that every target may
    turn into loops: `emitLoops` gets memrefs with identity layout, tensor operands first, then results. Index operands at the
    end of an operation are the sizes of the results' dynamic dims, in order.
  }];
  let methods = [
    InterfaceMethod<"How many independent tiles there are: a map `()[dims] -> (count)` whose symbols are all dims of the "
                    "tensor operands, then of the results, tensor by tensor.",
      "::mlir::AffineMap", "tileCount", (ins)>,
    InterfaceMethod<"Emits loops (scf, memref, arith, math, vector) that compute tiles [begin, end). `workspace` is a "
                    "memref<?xi8> of at least `workspaceBytes`.",
      "::llvm::LogicalResult", "emitLoops",
      (ins "::mlir::OpBuilder &":$b, "::mlir::ValueRange":$buffers, "::mlir::Value":$begin, "::mlir::Value":$end,
           "::mlir::Value":$workspace)>,
    InterfaceMethod<"Bytes of private scratch a call needs; static.", "int64_t", "workspaceBytes", (ins), "",
      [{ return 0; }]>,
  ];
}

// ---- types that are no tensors ----

def Laic_SequenceType : TypeDef<Laic_Dialect, "Sequence"> {
  let mnemonic = "seq";
  let summary = "a list of tensors of one element type";
  let description = [{
    `!laic.seq<tensor<*xf32>>`. As a tensor's, the element type of a value inside a graph is a placeholder until
    `laic-resolve-control-flow`, after which no sequence is left.
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
}
def Laic_OptionalType : TypeDef<Laic_Dialect, "Optional"> {
  let mnemonic = "optional";
  let summary = "a tensor, a sequence, or nothing";
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
}

def Laic_StringType : TypeDef<Laic_Dialect, "String"> {
  let mnemonic = "string";
  let summary = "an element of a tensor: UTF-8 text of any length";
  let description = [{
    Lowered, it is an i128 that kernels move and nothing looks into: address and length of bytes that it does not own
    (docs/Rationale/Strings.md). Constants of it are bytes that `laic.host_function "core.strings"` makes strings of.
  }];
}

// ---- operand and attribute shorthands ----

// What laic-resolve-control-flow replaces before shapes are inferred.
def Laic_Structural : NativeOpTrait<"StructuralOp"> { let cppNamespace = "::laic"; }

def Laic_Tensor : AnyTypeOf<[AnyTensor], "a tensor, ranked or unranked">;
def Laic_OptTensor : AnyTypeOf<[AnyTensor, NoneType], "a tensor or an absent operand">;
def Laic_Float : AnyTypeOf<[AnyTensor], "a float tensor">;

class Laic_Op<string mnemonic, list<Trait> traits = []> : Op<Laic_Dialect, mnemonic, traits> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// One ONNX operator. `onnx` and `since` name the newest version; older ones are upgraded at import.
//   dtypes        element types that are accepted, "f32 f16 ..." (groups: float, int, uint, narrow), for the typed operand: those that
//                 ONNX allows and that run right; others are refused with a diagnostic. docs/SupportMatrix.md shows them.
//                 "narrow": floats and integers of less than 8 bits and all 8-bit floats, which can be moved and cast
//   typedOperand  the operand that dtypes speaks of
//   tolerance     relative tolerance of its example in f32
//   example       an instance in ONNX's text form, compiled, run and compared with an oracle as a lit test; `inherits` from its
//                 class where that knows one
class Laic_OnnxOp<string mnemonic, string onnx, int since, list<string> methods, list<Trait> traits = []>
    : Laic_Op<mnemonic, !listconcat([DeclareOpInterfaceMethods<OnnxOpInterface, methods>], traits)> {
  string onnxDomain = "";
  string onnxName = onnx;
  int onnxSince = since;
  string dtypes = "float int uint bool";
  int typedOperand = 0;
  string tolerance = "1e-3";
  string example = "";
  let summary = "ONNX " # onnx # ", operator version " # since;
}

// Emits linalg and structured ops itself.
class Laic_LoweredOp<string mnemonic, string onnx, int since, list<Trait> traits = []>
    : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes", "lower"], !listconcat([Pure], traits)>;

// Becomes other laic ops before anything else sees it.
class Laic_DecomposedOp<string mnemonic, string onnx, int since, list<Trait> traits = []>
    : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes", "decompose"], !listconcat([Pure], traits)>;

// Only moves sizes: inference gives its contents, nothing is ever lowered.
class Laic_ShapeOnlyOp<string mnemonic, string onnx, int since, list<Trait> traits = []>
    : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes"], !listconcat([Pure], traits)>;

// Control flow, sequences and optionals: gone after laic-resolve-control-flow.
class Laic_ResolvedOp<string mnemonic, string onnx, int since, list<Trait> traits = []>
    : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes"], !listconcat([Laic_Structural], traits)> {
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferShapes(::laic::ShapeContext &ctx) {
      return ctx.fail("must be resolved by laic-resolve-control-flow before shapes are inferred");
    }
  }];
}

// Elementwise with numpy broadcasting. `body` is a C++ expression over the scalars x, y, z (also in[i]), the ScalarBuilder b
// and the operation's attribute getters. `element` is a C++ expression for the result's element type over in[i].
class Laic_ElementwiseOp<string mnemonic, string onnx, int since, string body, string element = "in[0]">
    : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes", "lower"],
                  [Pure, DeclareOpInterfaceMethods<ScalarBodyInterface>]> {
  let results = (outs Laic_Tensor:$result);
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::scalarBody(::laic::ScalarBuilder &b, ::mlir::ValueRange in) {
      ::mlir::Value x = in[0], y = in.size() > 1 ? in[1] : ::mlir::Value(), z = in.size() > 2 ? in[2] : ::mlir::Value();
      (void)x; (void)y; (void)z;
      return }] # body # [{;
    }
    ::mlir::Type $cppClass::resultElement(::mlir::ArrayRef<::mlir::Type> in) { return }] # element # [{; }
    ::llvm::LogicalResult $cppClass::inferShapes(::laic::ShapeContext &ctx) { return ctx.inferElementwise(*this); }
    ::llvm::LogicalResult $cppClass::lower(::laic::LowerContext &ctx) { return ctx.lowerElementwise(*this); }
  }];
}
class Laic_UnaryOp<string mnemonic, string onnx, int since, string body, string element = "in[0]">
    : Laic_ElementwiseOp<mnemonic, onnx, since, body, element> {
  let arguments = (ins Laic_Tensor:$x);
}
class Laic_BinaryOp<string mnemonic, string onnx, int since, string body, string element = "in[0]">
    : Laic_ElementwiseOp<mnemonic, onnx, since, body, element> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$y);
}
class Laic_CompareOp<string mnemonic, string onnx, int since, string body>
    : Laic_BinaryOp<mnemonic, onnx, since, body, "::mlir::IntegerType::get(getContext(), 1)">;

#endif
