// Contractions of f16 on a target's matrix unit.
#ifndef LAIC_LIB_CONVERSION_KERNELTOGPU_MATRIXTILEEMITTER_H
#define LAIC_LIB_CONVERSION_KERNELTOGPU_MATRIXTILEEMITTER_H

#include "ContractionEmitter.h"

namespace laic::gpu {

/// Tiles of a contraction, as ContractionEmitter splits its loops, with y's as rows of the unit's products and x's as their columns.
///
/// A workgroup of 4 or 8 subgroups computes a tile of C from slices of 32 k's of both operands, which pass through workgroup memory in a ring:
/// while one is multiplied the next ones are under way. A slice holds f16 in rows of whatever direction is contiguous in device memory (k, or
/// the side itself), in chunks of 16 bytes. Chunks are permuted within each row so that the same chunk of 8 neighbouring rows, which the unit
/// loads at once, lies in 8 different parts of the 128 bytes that memory serves at a time, and so do 8 neighbouring chunks of a row, which
/// are copied at once. What is beyond an edge becomes zero in workgroup memory and is not stored.
class MatrixTileEmitter {
public:
  explicit MatrixTileEmitter(ContractionEmitter &c) : c(c), e(c.e), l(c.l), unit(c.e.options.matrixUnit) {}
  /// Is there a unit, has it these types, and are the sizes large enough to fill it?
  bool recognise();
  LogicalResult run();

private:
  using Side = ContractionEmitter::Side;
  struct Shape {
    int64_t groupsY, fragmentsY, groupsX, fragmentsX; // subgroups, and 16's of each, along a side
    int64_t tileY() const { return groupsY * fragmentsY * 16; }
    int64_t tileX() const { return groupsX * fragmentsX * 16; }
  };
  /// One operand on its way through workgroup memory.
  struct Staged {
    Side *side = nullptr;
    int64_t tile = 0; // along the side
    int64_t run = 1;  // elements copied at once: 8, 4, 2; 1: each by itself
    Value aligned;    // where only run time tells: may 8 be copied at once, rather than each by itself?
    Value memory, warpFirst;
    bool alongSide() const { return side->contiguous; }
    int64_t rowChunks(int64_t depth) const { return (alongSide() ? tile : depth) / 8; }
  };
  static Shape chooseShape(int64_t y, int64_t x, int64_t batch);
  void learnRun(Staged &s);
  bool isRun(const Staged &s, int64_t run, SmallVector<SmallVector<Extent>> *atRunTime);
  Value plus(Value a, Value b); // of addresses in workgroup memory
  Value times(Value a, int64_t b);
  Value swizzled(Value row, Value chunk, int64_t rowChunks);
  void startGroup(Value group);
  SmallVector<Value> accumulate();
  void stage(Staged &s, Value k0, Value buffer);
  void stageSlot(Staged &s, Value k0, Value buffer, Value slot, int64_t run);
  Value addressOf(Staged &s, Value at, Value k);
  void copyRun(Staged &s, Value at, Value k, Value to, int64_t run);
  void loadRun(Staged &s, Value at, Value k, Value to);
  SmallVector<Value> fragmentPlaces(Staged &s, int64_t fragments, bool isRows);
  void multiply(Value buffer, llvm::MutableArrayRef<Value> sums);
  void storeTile(ArrayRef<Value> sums);
  void storePair(ArrayRef<Value> yIvs, Value atX, ArrayRef<SmallVector<Value>> xIvs, ArrayRef<Value> pair);

  ContractionEmitter &c;
  Emitter &e;
  const ContractionLoops &l;
  const MatrixUnit *unit;
  Shape shape = {};
  Staged x, y;
  SmallVector<Value> batch, placesY, placesX;
  Value lane;
};

} // namespace laic::gpu
#endif
