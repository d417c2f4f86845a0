// Finds the least depths of streams without deadlock.
#include "Simulation.h"

namespace laic::hls {
#define GEN_PASS_DEF_SIZESTREAMS
#include "laic/Targets/HLS/Passes.h.inc"
} // namespace laic::hls

using namespace mlir;
using namespace laic::hls;

namespace {

constexpr int64_t kLeast = 2; // a tool's default

class SizeStreams : public laic::hls::impl::SizeStreamsBase<SizeStreams> {
public:
  void runOnOperation() override {
    for (auto design : getOperation().getOps<DesignOp>())
      if (failed(size(design)))
        return signalPassFailure();
  }

private:
  LogicalResult size(DesignOp design) {
    Simulation simulation(design);
    std::vector<int64_t> depths(simulation.getStreams().size(), kLeast);
    if (!simulation.deepen(depths))
      return design.emitError("deadlocks whatever the depths of its streams are");
    for (size_t i = 0; i < depths.size(); ++i)
      depths[i] = least(simulation, depths, i);
    for (auto [stream, depth] : llvm::zip(simulation.getStreams(), depths)) {
      StreamOp op = stream;
      op.setDepth(depth);
    }
    return success();
  }

  /// More depth never makes a deadlock, so it can be bisected. What is least now stays so when others shrink afterwards.
  static int64_t least(const Simulation &simulation, std::vector<int64_t> depths, size_t stream) {
    int64_t low = kLeast - 1, high = depths[stream];
    auto finishes = [&](int64_t depth) {
      depths[stream] = depth;
      return simulation.finishes(depths);
    };
    if (high == kLeast || !finishes(high - 1)) // most were deepened no more than was needed
      return high;
    for (--high; high - low > 1;) {
      int64_t middle = low + (high - low) / 2;
      (finishes(middle) ? high : low) = middle;
    }
    return high;
  }
};

} // namespace
