// Multiply-accumulate generics (matmul, batched matmul, convolution as implicit GEMM) in tiles through workgroup memory.
#ifndef LAIC_LIB_CONVERSION_KERNELTOGPU_CONTRACTIONEMITTER_H
#define LAIC_LIB_CONVERSION_KERNELTOGPU_CONTRACTIONEMITTER_H

#include "GenericEmitter.h"

namespace laic::gpu {

/// C[x, y] += A[x, k] * B[k, y] for every batch: x are the loops of the operand that owns the innermost dim of C, y those that the
/// other one alone has, k the reductions, batch the parallel loops that both have. All are flattened.
///
/// A thread computes `columns` vectors of 4 neighbouring x's times `rows` y's, kept in registers over the whole loop over k; its
/// vectors lie 16 vectors apart, so that neighbouring threads read neighbouring ones. A workgroup is 16 threads along x. Both operands go
/// through workgroup memory, 16 k's at a time, as vectors of 4.
class ContractionEmitter {
public:
  explicit ContractionEmitter(GenericEmitter &g) : g(g), e(g.e) {}
  bool recognise();
  LogicalResult run();

private:
  struct Side {
    unsigned input = 0;
    SmallVector<unsigned> loops; // that this side alone has
    SmallVector<Extent> extents;
    bool contiguous = false; // neighbours along the side, not along k, are neighbours in memory
    Value tile;              // workgroup memory [16][quads] of vectors
    int64_t quads = 0;
    Value first, size; // of this workgroup; of the side
  };
  bool recogniseBody();
  bool splitLoops();
  void chooseTile();
  SmallVector<Value> accumulate(ArrayRef<Value> batch);
  void multiplyTile(Value k, llvm::SmallVectorImpl<Value> &sums);
  void loadTile(Side &side, ArrayRef<Value> batch, Value k0);
  Value element(Side &side, ArrayRef<Value> batch, Value at, ArrayRef<Value> k, Value valid);
  void loadQuad(Side &side, ArrayRef<Value> batch, Value k0, Value quad, Value depth);
  void storeTile(ArrayRef<Value> batch, ArrayRef<Value> sums);
  void storeElement(ArrayRef<Value> batch, ArrayRef<Value> yIvs, ArrayRef<Value> xIvs, Value sum);
  Value multiplyAdd(Value x, Value y, Value sum);

  GenericEmitter &g;
  Emitter &e;
  Side x, y;
  SmallVector<unsigned> batchLoops;
  SmallVector<Extent> batchExtents, kExtents;
  mlir::Type sumType; // f32 or i32
  int64_t rows = 8, columns = 2, threadsX = 16, threadsY = 8;
  Value tx, ty, kSize;
};

} // namespace laic::gpu
#endif
