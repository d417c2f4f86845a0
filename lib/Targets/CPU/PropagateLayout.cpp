// Channels-last layouts.
#include "laic/Targets/CPU/Prepare.h"
#include "laic/Dialect/Laic/Laic.h"
using namespace mlir;
namespace laic::cpu {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "laic/Targets/CPU/Passes.h.inc"
} // namespace laic::cpu
namespace { struct P : laic::cpu::impl::PropagateLayoutBase<P> { void runOnOperation() override {} }; }
