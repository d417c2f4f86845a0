// Multiply-accumulate loops (matmul, batched matmul, convolution as implicit GEMM), in tiles through workgroup memory or per element.
#ifndef LAIC_LIB_CONVERSION_KERNELTOGPU_CONTRACTIONEMITTER_H
#define LAIC_LIB_CONVERSION_KERNELTOGPU_CONTRACTIONEMITTER_H

#include "Emitter.h"

#include <functional>

namespace laic::gpu {

/// C[parallel loops] = finish(sum over the reduction loops of extend(0, A[maps[0]]) * extend(1, B[maps[1]])), however an operation says it.
struct ContractionLoops {
  SmallVector<Extent> sizes;                 // per loop
  SmallVector<unsigned> parallel, reduction; // loops; the parallel ones in the order of C's dims
  Operand inputs[2];
  mlir::AffineMap maps[2]; // over all loops
  Operand output;
  mlir::Type sumType; // f32 or i32
  std::function<Value(unsigned input, Value element)> extend;
  std::function<FailureOr<Value>(ArrayRef<Value> ivs, Value sum)> finish; // ivs of all loops, those of reductions 0
};

/// Tiles: C[x, y] += A[x, k] * B[k, y] for every batch. x are the loops of the operand that owns the innermost dim of C, y those that the
/// other one alone has, k the reductions, batch the parallel loops that both have. All are flattened.
///
/// A thread computes `columns` vectors of 4 neighbouring x's times `rows` y's, kept in registers over the whole loop over k; its
/// vectors lie 16 vectors apart, so that neighbouring threads read neighbouring ones. A workgroup is 16 threads along x. Both operands go
/// through workgroup memory, 16 k's at a time, as vectors of 4.
class ContractionEmitter {
public:
  ContractionEmitter(Emitter &e, const ContractionLoops &loops) : e(e), l(loops) {}
  /// Do tiles pay?
  bool recognise();
  LogicalResult run();
  /// Without tiles: a thread per element of C, which any loops allow.
  LogicalResult runPerElement();

private:
  friend class MatrixTileEmitter;
  struct Side {
    unsigned input = 0;
    SmallVector<unsigned> loops; // that this side alone has
    SmallVector<Extent> extents;
    bool contiguous = false; // neighbours along the side, not along k, are neighbours in memory
    Value tile;              // workgroup memory [16][quads] of vectors
    int64_t quads = 0;
    Value first, size; // of this workgroup; of the side
  };
  bool splitLoops();
  bool storesWords() const;
  void chooseTile();
  SmallVector<Value> accumulate(ArrayRef<Value> batch);
  void multiplyTile(Value k, llvm::SmallVectorImpl<Value> &sums);
  void loadTile(Side &side, ArrayRef<Value> batch, Value k0);
  Value element(Side &side, ArrayRef<Value> batch, Value at, ArrayRef<Value> k, Value valid);
  void loadQuad(Side &side, ArrayRef<Value> batch, Value k0, Value quad, Value depth);
  void storeTile(ArrayRef<Value> batch, ArrayRef<Value> sums);
  void storeRow(ArrayRef<Value> batch, ArrayRef<Value> yIvs, Value firstX, Value sums);
  SmallVector<Value> place(ArrayRef<Value> batch, ArrayRef<Value> xIvs, ArrayRef<Value> yIvs);
  SmallVector<Value> indexOf(ArrayRef<Value> ivs);
  Value finished(ArrayRef<Value> ivs, Value sum);
  void storeElement(ArrayRef<Value> ivs, Value sum);
  Value multiplyAdd(Value x, Value y, Value sum);
  SmallVector<Value> sumUp(unsigned at, SmallVector<Value> &ivs, ValueRange carried);

  Emitter &e;
  const ContractionLoops &l;
  Side x, y;
  SmallVector<unsigned> batchLoops;
  SmallVector<Extent> batchExtents, kExtents;
  int64_t rows = 8, columns = 2, threadsX = 16, threadsY = 8;
  bool onMatrixUnit = false;
  Value tx, ty, kSize;
  bool broken = false;
};

/// Are all sizes known and their product a multiple of `tile`?
bool isWhole(ArrayRef<Extent> extents, int64_t tile);
/// The product of sizes, with a guess for each unknown one.
int64_t estimate(ArrayRef<Extent> extents, int64_t unknown = 256);
/// Elements of a type in one 32-bit word; 1 for larger ones.
int64_t elementsPerWord(mlir::Type type);

} // namespace laic::gpu
#endif
