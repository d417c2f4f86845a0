// What a target offers that multiplies small matrices held by the 32 lanes of a subgroup together, with copies that run meanwhile.
#ifndef LAIC_CONVERSION_MATRIXUNIT_H
#define LAIC_CONVERSION_MATRIXUNIT_H

#include "mlir/IR/Builders.h"

#include <cstdint>

namespace laic {

/// Emits the operations of a matrix unit. Matrices come in blocks of 8x8 elements of f16: lane 4r + c of a subgroup holds of each block the
/// elements 2c and 2c + 1 of row r as a vector<2xf16>, of four blocks a vector<4x2xf16>. Indices count elements; all lanes of a subgroup run
/// each operation together.
class MatrixUnit {
public:
  static constexpr int64_t kLanes = 32, kBlock = 8;
  static constexpr int64_t kRows = 16, kColumns = 8, kDepth = 16; // of one product
  static constexpr int64_t kCopyBytes = 16;                       // the most that a lane copies at once

  virtual ~MatrixUnit() = default;

  /// Starts to copy `elements` of f16 (2, 4 or 8, both places aligned to as many) from device memory to workgroup memory. With `valid`, an
  /// index, only as many are read and the others become zero; a place that none is read from need not exist.
  virtual void copy(mlir::OpBuilder &b, mlir::Location loc, mlir::Value from, mlir::Value fromAt, mlir::Value to,
                    mlir::Value toAt, int64_t elements, mlir::Value valid) const = 0;
  /// Makes a group of a thread's copies since the last one, perhaps of none.
  virtual void closeGroup(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  /// Waits for all groups of the thread but for the latest `pending` ones.
  virtual void waitForGroups(mlir::OpBuilder &b, mlir::Location loc, int64_t pending) const = 0;

  /// Loads four blocks, each transposed if asked for: `at` of lane 8i + r is where row r of block i lies in workgroup memory, aligned to
  /// 16 bytes.
  virtual mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value from, mlir::Value at, bool transposed) const = 0;
  /// sum + A * B in f32. `a`: the blocks of A (16 rows, 16 of depth), down its columns first. `bs`: those of the transposes of two
  /// neighbouring B's (16 of depth, 8 columns), along the depth first, of which number `column` is multiplied. `sum`: a vector<4xf32>; lane
  /// 4r + c holds columns 2c and 2c + 1 of row r, then those of row r + 8.
  virtual mlir::Value multiply(mlir::OpBuilder &b, mlir::Location loc, mlir::Value a, mlir::Value bs, unsigned column,
                               mlir::Value sum) const = 0;
};

} // namespace laic
#endif
