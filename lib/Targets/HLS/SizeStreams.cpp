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
    // Only streams that writers wait for in a deadlock can end it. Doubling them ends, for no stream takes more than a frame's words.
    for (;;) {
      SimulationResult result = simulation.run(depths, 1);
      if (result.finished)
        break;
      bool hopeless = result.full.empty();
      for (unsigned stream : result.full) {
        hopeless |= depths[stream] > kMostWords;
        depths[stream] *= 2;
      }
      if (hopeless)
        return design.emitError("deadlocks whatever the depths of its streams are");
    }
    for (size_t i = 0; i < depths.size(); ++i)
      depths[i] = depths[i] > kLeast ? least(simulation, depths, i) : kLeast;
    for (auto [stream, depth] : llvm::zip(simulation.getStreams(), depths)) {
      StreamOp op = stream;
      op.setDepth(depth);
    }
    return success();
  }

  /// More depth never makes a deadlock, so it can be bisected. What is least now stays so when others shrink afterwards.
  static int64_t least(const Simulation &simulation, std::vector<int64_t> depths, size_t stream) {
    int64_t low = kLeast - 1, high = depths[stream];
    while (high - low > 1) {
      depths[stream] = low + (high - low) / 2;
      (simulation.run(depths, 1).finished ? high : low) = depths[stream];
    }
    return high;
  }

  static constexpr int64_t kMostWords = int64_t(1) << 40;
};

} // namespace
