// A linalg.generic while it is emitted.
#ifndef LAIC_LIB_CONVERSION_KERNELTOGPU_GENERICEMITTER_H
#define LAIC_LIB_CONVERSION_KERNELTOGPU_GENERICEMITTER_H

#include "Emitter.h"

namespace laic::gpu {

struct ContractionLoops;

class GenericEmitter {
public:
  GenericEmitter(Emitter &e, mlir::linalg::GenericOp op) : e(e), op(op), body(op.getRegion().front()) {}
  LogicalResult run();

private:
  LogicalResult gather();
  LogicalResult gatherOperands();
  LogicalResult invertOutput();
  bool recogniseCombiners();
  bool describeContraction(ContractionLoops &loops);
  bool reducesRows() const;
  bool isFlat() const;
  FailureOr<SmallVector<Value>> loadInits(ArrayRef<Value> ivs);
  FailureOr<SmallVector<Value>> compute(ArrayRef<Value> ivs, ValueRange accumulators);
  FailureOr<SmallVector<Value>> point(ArrayRef<Value> parallel);
  SmallVector<Value> reduce(unsigned at, SmallVector<Value> &ivs, ValueRange carried);
  LogicalResult perThread();
  LogicalResult perRow();
  Value combine(unsigned output, Value x, Value y);

  Emitter &e;
  mlir::linalg::GenericOp op;
  mlir::Block &body;
  SmallVector<Extent> sizes; // per loop
  SmallVector<unsigned> parallelLoops, reductionLoops;
  SmallVector<Operand> inputs, outputs, inits;
  SmallVector<bool> initRead;
  SmallVector<mlir::AffineMap> inputMaps, outputMaps; // over all loops
  SmallVector<Extent> space;                          // dims of the first output
  SmallVector<unsigned> loopOfSpace;                  // which loop each of them is
  SmallVector<mlir::Operation *> combiners;           // per output
  bool flat = false;                                  // ivs are one dense index
  bool broken = false;
};

} // namespace laic::gpu
#endif
