// Shares the multipliers of a part out to the layers of a design.
#ifndef LAIC_LIB_TARGETS_HLS_FOLDING_H
#define LAIC_LIB_TARGETS_HLS_FOLDING_H

#include "GraphConverter.h"

namespace laic::hls {

/// Cycles of a layer per frame: pixels * (outputs / PE) * (taps * inputs / SIMD).
int64_t cyclesOf(const LinearLayer &layer, Folding folding);

/// The fastest design whose layers have together at most `multipliers`: the least T such that every layer has a folding of at most T
/// cycles, each with as few multipliers as T allows (at least one per layer, whatever `multipliers` is).
std::vector<Folding> solveFolding(llvm::ArrayRef<LinearLayer> layers, int64_t multipliers);

} // namespace laic::hls
#endif
