// A counter-based random generator as scalar arithmetic: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy
// as 1, 2, 3; SC 2011). Any element of a stream is computed alone, on any target, in any order.
#ifndef LAIC_LIB_DIALECT_LAIC_PHILOX_H
#define LAIC_LIB_DIALECT_LAIC_PHILOX_H

#include "laic/Dialect/Laic/ScalarBuilder.h"

#include <array>

namespace laic {

/// The two words that choose a stream.
struct PhiloxKey {
  uint32_t low, high;
};

/// The key of an operation: of `seed` where it is given, so that equal seeds draw equal numbers. Otherwise of the node's name, so that
/// nodes differ and a model compiles to the same bytes every time.
PhiloxKey philoxKey(mlir::Operation *op, std::optional<llvm::APFloat> seed);

/// Four words (i32, any bits) for the 64-bit counter `index` (of type index).
std::array<mlir::Value, 4> philox(ScalarBuilder &s, PhiloxKey key, mlir::Value index);

/// A number of type f32 or f64 in [0, 1), with `bits` random bits: at most 32 of one word, or 53 of two.
mlir::Value uniform(ScalarBuilder &s, llvm::ArrayRef<mlir::Value> words, mlir::Type type, unsigned bits);

/// A standard normal number of type f32 or f64, of four words, by the method of Box and Muller.
mlir::Value normal(ScalarBuilder &s, llvm::ArrayRef<mlir::Value> words, mlir::Type type);

} // namespace laic
#endif
