// FPGA parts: what --chip may name, and the resources that bound a design.
#ifndef LAIC_LIB_TARGETS_HLS_PARTS_H
#define LAIC_LIB_TARGETS_HLS_PARTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace laic::hls {

/// Counts of the whole part (of a U250, of one of its four regions), from the vendor's product tables in FINN's rounding.
struct Part {
  llvm::StringLiteral name;     // for --chip
  llvm::StringLiteral fullName; // for the vendor's tool
  int64_t lut, bram18, uram, dsp;
};

llvm::ArrayRef<Part> getParts();
const Part *findPart(llvm::StringRef name);
constexpr llvm::StringLiteral kDefaultPart = "zu7ev";
/// How much of a part's DSPs a design may take.
constexpr double kDspShare = 0.8;

} // namespace laic::hls
#endif
