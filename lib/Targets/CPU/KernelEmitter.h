// Emits one kernel function as loops over flat buffers: what all roots share (the call interface, sizes, tiles, bodies).
//
// Every tensor is a flat memref<?xT>; a root computes linear indices itself. Sizes are monomials over the kernel's size
// symbols, so that strides of tensors with unknown dims can be compared when loops are collapsed.
#ifndef LAIC_LIB_TARGETS_CPU_KERNELEMITTER_H
#define LAIC_LIB_TARGETS_CPU_KERNELEMITTER_H

#include "Features.h"
#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/DepthwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "laic/Dialect/Laic/WinogradOps.h"
#include "laic/Target/Target.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace laic::cpu {

using llvm::ArrayRef;
using llvm::FailureOr;
using llvm::function_ref;
using llvm::LogicalResult;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using mlir::Value;
using mlir::ValueRange;

/// Columns that a packed operand of a product holds side by side.
constexpr int64_t kPanel = 32;

/// factor * product of size symbols (ids sorted, may repeat).
struct Size {
  int64_t factor = 1;
  SmallVector<unsigned, 2> symbols;

  Size(int64_t factor = 1) : factor(factor) {}
  static Size symbol(unsigned id) {
    Size size;
    size.symbols.push_back(id);
    return size;
  }
  bool isStatic() const { return symbols.empty(); }
  bool is(int64_t value) const { return symbols.empty() && factor == value; }
  bool operator==(const Size &other) const { return factor == other.factor && symbols == other.symbols; }
  bool operator!=(const Size &other) const { return !(*this == other); }
  Size operator*(const Size &other) const;
  /// The constant, or `unknown` where a symbol takes part.
  int64_t estimate(int64_t unknown) const { return isStatic() ? factor : unknown; }
};

/// A sum of sizes; empty is zero.
using Linear = SmallVector<Size, 1>;
inline bool isZero(const Linear &x) { return x.empty(); }
inline bool isOne(const Linear &x) { return x.size() == 1 && x[0].is(1); }

/// A tensor in memory, row-major. `memref` is memref<?xT>.
struct Buffer {
  Value memref, pointer;
  mlir::Type element;
  SmallVector<Size> sizes;
  /// Dense from dim `room` on; before it one step along a dim is over `pitch` elements for each of the dims in between. -1: dense.
  int64_t room = -1;
  Size pitch;
  Linear stride(unsigned dim) const;
};

/// How a loop nest reads or writes an operand: at offset + sum(coefficients[d] * iv[d]), or one scalar everywhere.
struct Access {
  Value scalar;
  Buffer buffer;
  SmallVector<Linear> coefficients; // one per loop
  Linear offset;
  Value base;                // added to the offset: where the rows begin that are computed now
  mlir::AffineMap nonLinear; // set where an index divides; coefficients then say only which loops take part (0 or 1)
  bool isScalar() const { return bool(scalar); }
};

/// A value in a vectorised body: the same in all lanes (`scalar`), `scalar` + lane number (`iota`), or a vector.
struct LaneValue {
  Value scalar, vector;
  bool iota = false;
  LaneValue() = default;
  LaneValue(Value scalar) : scalar(scalar) {}
  static LaneValue ofVector(Value vector) {
    LaneValue value;
    value.vector = vector;
    return value;
  }
  bool isUniform() const { return scalar && !iota && !vector; }
};

/// The rows of a laic.rows that are computed now: `count` neighbours along the last row dim, from `start` on.
struct RowScope {
  SmallVector<Value> at; // per row dim but the last
  Value start;
  int64_t count = 1;
  bool direct = false;                      // laic.panels are read where their source lies
  SmallVector<unsigned> loops;              // of the current operation, per row dim
  llvm::DenseMap<Value, Buffer> inside;     // what lives for these rows only
  llvm::DenseMap<Value, unsigned> resultOf; // what is yielded: the number of the result
};

/// A loop that tiles may cut: blocks of `block` iterations (0: never cut).
struct TileDim {
  Size size;
  int64_t block = 0;
  /// Is all of it in every tile?
  bool isWhole() const { return block == 0 || (size.isStatic() && size.factor > 0 && size.factor <= block); }
};

class KernelEmitter {
public:
  /// Emits `kernel` into `module`. The kernel is only read.
  KernelEmitter(mlir::func::FuncOp kernel, const Level &level, mlir::ModuleOp module);
  /// Returns failure after a diagnostic at the kernel's location.
  FailureOr<KernelInfo> run();

private:
  friend class BlockProductEmitter;
  friend class ContractEmitter;
  friend class DepthwiseEmitter;
  friend class GenericEmitter;
  friend class RowsEmitter;
  friend class WinogradEmitter;

  // ---- CallInterface.cpp ----
  LogicalResult createFunction();
  /// Gives memory with room the strides that the caller passes.
  LogicalResult readPitches();
  void finish();

  // ---- KernelEmitter.cpp: sizes, buffers ----
  LogicalResult emitRoot(mlir::Operation *root);
  LogicalResult fail(const llvm::Twine &message);
  /// Makes two size symbols one: they are known to be equal.
  void unify(const Size &a, const Size &b);
  Size canonical(const Size &size) const;
  SmallVector<Size> sizesOf(Value tensor);
  Size sizeOfIndex(Value index); // a constant or an index argument; otherwise a new local symbol
  Value value(const Size &size);
  Value value(const Linear &sum);
  mlir::AffineExpr expr(const Size &size);
  FailureOr<Buffer> bufferOf(Value tensor);
  FailureOr<Buffer> panelsOf(PanelsOp op);
  Buffer makeBuffer(Value pointer, mlir::Type element, ArrayRef<Size> sizes);
  Value makeMemRef(const Buffer &buffer, mlir::MemRefType type);
  /// A scalar that is computed outside the root: constants, index arguments, arithmetic on them.
  FailureOr<Value> scalarOf(Value value);
  /// Where elements of a result lie: at the indices that `map` makes of the loops, in the middle of what a pad behind it makes.
  FailureOr<Access> accessOfResult(mlir::OpResult result, mlir::AffineMap map, unsigned loops);
  /// Lets the first call of a kernel write what the pad behind `root`, if any, puts around its result.
  LogicalResult fillBorder(mlir::Operation *root);
  FailureOr<Access> accessOf(Value tensor, mlir::AffineMap map, unsigned loops);
  /// Inside laic.rows: moves the access to the current rows and takes the row loops but the last out of it.
  LogicalResult moveToRows(Value tensor, Access &access);
  /// The tensor.pad behind a contraction or transpose in the same kernel, which then writes into the middle of the pad's result; null
  /// elsewhere.
  mlir::tensor::PadOp padBehind(mlir::Operation *root);
  /// The memory of what that pad makes, with the sizes of the `inner` tensor of its root.
  Buffer middleOf(mlir::tensor::PadOp pad, mlir::RankedTensorType inner);
  /// The memory of a result, with the sizes of what the root computes; its strides differ where a pad is behind: see accessOfResult.
  Buffer resultBuffer(mlir::OpResult result);
  /// Turns laic.check_index into a test that fills the error cell.
  void lowerCheckIndex();
  void recordError(Value bad, int32_t code, Value original);

  // ---- building blocks ----
  Value index(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return mul(a, index(b)); }
  Value minimum(Value a, Value b);
  Value ceilDiv(Value a, int64_t b);
  Value floorDiv(Value a, int64_t b);
  Value less(Value a, Value b);
  std::optional<int64_t> constantOf(Value v);
  using LoopBody = function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  /// scf.for; a loop of no or one trip is not built.
  SmallVector<Value> loop(Value lo, Value hi, int64_t step, ValueRange init, LoopBody body);
  void loop(Value lo, Value hi, int64_t step, function_ref<void(Value iv)> body);
  /// What an addition of floats rounds off is a share of the sum so far, which stays small where long sums are sums of pieces, of so many
  /// terms at most.
  static constexpr int64_t kPiece = 128;
  /// `totals` and what `piece` adds to zeros.
  SmallVector<Value> addPiece(ValueRange totals, function_ref<SmallVector<Value>(ValueRange zeros)> piece);
  void when(Value condition, function_ref<void()> body);
  Value address(const Access &access, ArrayRef<Value> ivs);
  /// The type of a value in memory and in registers without arithmetic: i16 for bf16, which LLVM moves about through f32 and calls
  /// where the level has no bf16 of its own; otherwise the type.
  mlir::Type storedAs(mlir::Type type);
  Value as(Value v, mlir::Type type); // the same bits
  Value load(const Buffer &buffer, Value at);
  void store(Value v, const Buffer &buffer, Value at);
  Value loadVector(const Buffer &buffer, Value at, int64_t lanes, Value mask = nullptr);
  void storeVector(Value v, const Buffer &buffer, Value at, Value mask = nullptr);
  /// Brings `elements` from `at` on into the second-level cache, without waiting for them; they need not exist.
  void prefetch(const Buffer &buffer, Value at, int64_t elements);
  Value splat(Value scalar, int64_t lanes);
  Value fromElements(ArrayRef<Value> elements);
  /// n vectors of n lanes, rows to columns.
  SmallVector<Value> transposeInRegisters(SmallVector<Value> rows);
  /// x * y + sum, in one step where the level has it.
  Value multiplyAdd(Value x, Value y, Value sum);
  /// sum + x * y of each pair of neighbours: x and y are i16, sum has half their lanes of i32.
  Value multiplyPairs(Value x, Value y, Value sum);
  /// x * y of each pair of neighbours: x holds unsigned bytes, y signed ones, the sum has half their lanes of i16 and saturates. For
  /// levels with `pairsOfBytes`, and vectors of the native width.
  Value multiplyBytePairs(Value x, Value y);
  /// sum + x * y of each four neighbours: y holds signed bytes, x signed or unsigned ones, sum a fourth of their lanes of i32. For
  /// levels with such dot products, and vectors of the native width.
  Value dotBytes(Value x, Value y, Value sum, bool unsignedX);
  /// sum + x * y of each two neighbours: x and y are bf16, sum has half their lanes of f32. For levels with `dotsBF16`, likewise.
  Value dotBrains(Value x, Value y, Value sum);
  /// The sum of a vector's lanes, first to last.
  Value sumOfLanes(Value vector);
  /// Lanes below `count` are set.
  Value maskOf(Value count, int64_t lanes);
  Value zero(mlir::Type type);

  // ---- tiles ----
  /// Runs `body` for the ranges of every tile in [begin, end); sets the tile count. The last dim varies fastest.
  void tiles(ArrayRef<TileDim> dims, function_ref<void(ArrayRef<Value> lo, ArrayRef<Value> hi)> body);
  /// Blocks for parallel loops (innermost last) so that a tile does about `budget` units; `unit` is the work per point.
  SmallVector<TileDim> planTiles(ArrayRef<Size> sizes, double unit, int64_t innermostStep);

  // ---- EmitBody.cpp ----
  Value asVector(LaneValue v, int64_t lanes);
  LaneValue loadLanes(const Access &access, ArrayRef<Value> ivs, int vectorDim, int64_t lanes, Value mask);
  void storeLanes(LaneValue v, const Access &access, ArrayRef<Value> ivs, int64_t lanes, Value mask);
  using IndexOf = function_ref<LaneValue(unsigned dim)>;
  /// Computes a body's terminator operands. lanes 0: scalars only.
  FailureOr<SmallVector<LaneValue>> emitBody(mlir::Block &block, ArrayRef<LaneValue> args, IndexOf indexOf, int64_t lanes);
  LaneValue emitOp(mlir::Operation *op, ArrayRef<LaneValue> operands, int64_t lanes);
  /// How a loop nest of so many loops reads what the epilogue of `root` takes beside the sum.
  FailureOr<SmallVector<Access>> epilogueOperands(mlir::Operation *root, mlir::OperandRange extras, mlir::ArrayAttr maps,
                                                  unsigned loops);
  /// What the epilogue makes of a sum at `ivs`: of the neighbours along `vectorDim`, or of one where `lanes` is 0.
  FailureOr<LaneValue> emitEpilogue(mlir::Block &block, LaneValue sum, ArrayRef<Access> extras, ArrayRef<Value> ivs,
                                    int vectorDim, int64_t lanes, Value mask);
  FailureOr<LaneValue> emitExtract(mlir::tensor::ExtractOp op, ArrayRef<LaneValue> indices, int64_t lanes);
  LaneValue emitCheckIndex(CheckIndexOp op, ArrayRef<LaneValue> operands, int64_t lanes);
  Value gatherLanes(const Buffer &buffer, Value at, int64_t lanes);

  // ---- roots, one file each ----
  LogicalResult emitGeneric(mlir::linalg::GenericOp op);
  LogicalResult emitContract(ContractOp op);
  LogicalResult emitFill(mlir::linalg::FillOp op);
  LogicalResult emitPad(mlir::tensor::PadOp op);
  LogicalResult emitConcat(mlir::tensor::ConcatOp op);
  LogicalResult emitAppend(AppendOp op);
  LogicalResult emitExtractSlice(mlir::tensor::ExtractSliceOp op);
  LogicalResult emitInsertSlice(mlir::tensor::InsertSliceOp op);
  LogicalResult emitTranspose(mlir::linalg::TransposeOp op);
  LogicalResult emitSizesTensor(SizesTensorOp op);
  LogicalResult emitStructured(StructuredOpInterface op);
  LogicalResult emitRows(RowsOp op);
  LogicalResult emitBlockProduct(BlockProductOp op);
  LogicalResult emitPackPanels(PackPanelsOp op);
  LogicalResult emitDepthwise(DepthwiseOp op);
  LogicalResult emitWinograd(WinogradOp op);
  /// dst = src over `sizes` (one coefficient per dim); loops that walk both sides like one are merged.
  void emitCopy(ArrayRef<Size> sizes, const Access &dst, const Access &src);
  void copyLoops(unsigned at, ArrayRef<TileDim> dims, ArrayRef<Value> lo, ArrayRef<Value> hi, SmallVectorImpl<Value> &ivs,
                 const Access &dst, const Access &src);
  /// dst[to, to + length) = src[from, ...), or the scalar of `src`.
  void copyRun(const Buffer &dst, Value to, const Access &src, Value from, Value length);
  /// Parts side by side in rows of `rowSize`: each row of a part has its length.
  void concatInLoop(const Buffer &result, ArrayRef<TileDim> dims, const Size &rowSize, ArrayRef<Access> parts,
                    ArrayRef<Value> lengths);
  /// result = `outside` but for the window at `low`, which is `inner`.
  void emitWindow(const Buffer &result, ArrayRef<Linear> low, ArrayRef<Size> innerSizes, const Access &inner,
                  const Access &outside);
  FailureOr<Linear> linearOf(mlir::OpFoldResult size);

  mlir::func::FuncOp kernel;
  const Level &level;
  mlir::ModuleOp module;
  mlir::MLIRContext *context;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::func::FuncOp function;
  Value tensors, scalars, begin, end, workspace, error;
  mlir::Operation *entryEnd = nullptr; // values that hold everywhere are inserted before it
  SmallVector<Buffer> argBuffers, resultBuffers;
  SmallVector<Value> symbolValues;     // per symbol; null until loaded
  SmallVector<unsigned> symbolParents; // union-find
  unsigned exportedSymbols = 0;        // those that KernelInfo speaks of
  llvm::DenseMap<Value, Value> scalarCache;
  llvm::DenseMap<int64_t, Value> indexCache;
  std::vector<std::pair<Size, Value>> sizeCache;
  llvm::DenseMap<Value, unsigned> localSymbols;
  mlir::AffineExpr tileCount, workspaceBytes; // over the exported symbols
  RowScope *rows = nullptr;                   // set while the body of a laic.rows is emitted
  bool usesError = false;
  unsigned globals = 0;
};

} // namespace laic::cpu
#endif
