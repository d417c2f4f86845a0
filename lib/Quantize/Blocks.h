// Matrices in blocks of few bits.
#ifndef LAIC_LIB_QUANTIZE_BLOCKS_H
#define LAIC_LIB_QUANTIZE_BLOCKS_H

#include "ErrorFeedback.h"

namespace laic {

/// A matrix [rows][columns], each row in blocks of neighbouring columns. An integer q of block b stands for (q - zeros[b]) * scales[b].
struct BlockWeights {
  std::vector<uint8_t> packed;  // [rows][blocks][bytes of a block], the lowest bits first
  std::vector<float> scales;    // [rows][blocks]
  std::vector<uint8_t> zeros;   // packed like a row; empty: 2^(bits - 1)
  double signal = 0, noise = 0; // sums of squares: of the weights, and of their rounding errors
};

/// How blocks are made.
struct BlockForm {
  int64_t blockSize = 32, bits = 4;
  bool asymmetric = false;
};

/// Rounds to nearest, with the scale of each block that has the least square error. Columns beyond the last whole block are filled up with
/// zeros. `feedback`, where given: rounding errors of a column are made up for by the columns behind it. `importance`: a weight for the error
/// of each column, or empty.
BlockWeights quantizeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form,
                            llvm::ArrayRef<double> importance = {}, const ErrorFeedback *feedback = nullptr);
/// The square error of outputs that rounding some of the rows makes on the second half of the samples, when the first half says how errors
/// are made up for. Only to compare with others of the same layer. `feedback` has both halves.
double judgeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form, llvm::ArrayRef<double> importance,
                   const ErrorFeedback &feedback);

} // namespace laic
#endif
