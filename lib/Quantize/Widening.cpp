// Tries quantised copies of the model on the samples.
#include "Widening.h"

#include "GraphEdit.h"
#include "HalfLayers.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

FailureOr<bool> Widening::holds(llvm::ArrayRef<Candidate> widened, Apply apply) {
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  samples.bindSizes(mainOf(*copy));
  apply(*copy, widened);
  floatsToHalfLayers(mainOf(*copy));
  returnFloats(mainOf(*copy));
  std::unique_ptr<RunnableGraph> graph = runner.compile(std::move(copy), samples.size());
  if (!graph)
    return failure();
  if (std::string problem = reference.compare(*graph, samples, losses); !problem.empty()) {
    (void)reportRun(module, problem);
    return failure();
  }
  return llvm::all_of(losses, [&](const OutputLoss &loss) {
    return options.leastAgreement && loss.rows ? loss.agreement() >= *options.leastAgreement
                                               : loss.sqnr() >= options.leastDecibels;
  });
}

FailureOr<size_t> Widening::fewest(llvm::ArrayRef<Candidate> candidates, Apply apply) {
  size_t low = 0, high = candidates.size(); // nothing is quantised at the end, which always holds
  std::vector<OutputLoss> best;
  while (low + 1 < high) {
    size_t middle = (low + high) / 2;
    FailureOr<bool> enough = holds(candidates.take_front(middle), apply);
    if (failed(enough))
      return failure();
    (*enough ? high : low) = middle;
    if (*enough)
      best = losses;
  }
  if (!best.empty())
    losses = best;
  else if (failed(holds(candidates.take_front(high), apply)))
    return failure();
  return high;
}

FailureOr<std::vector<Candidate>> Widening::search(std::vector<Candidate> candidates, Apply apply) {
  FailureOr<bool> enough = holds({}, apply);
  if (failed(enough))
    return failure();
  if (*enough)
    return std::vector<Candidate>();
  auto wideBytes = [](llvm::ArrayRef<Candidate> wide) {
    int64_t bytes = 0;
    for (const Candidate &one : wide)
      bytes += one.bytes;
    return bytes;
  };
  // Most noise per byte comes near the fewest bytes, but for the last layer that it takes; a large noisy layer alone may do with less.
  std::vector<Candidate> best;
  std::vector<OutputLoss> bestLosses;
  for (bool perByte : {true, false}) {
    auto rank = [&](const Candidate &one) {
      double bytes = perByte ? static_cast<double>(std::max<int64_t>(one.bytes, 1)) : 1;
      return std::pair(-one.noise / bytes, one.layer);
    };
    llvm::sort(candidates, [&](const Candidate &a, const Candidate &b) { return rank(a) < rank(b); });
    FailureOr<size_t> count = fewest(candidates, apply);
    if (failed(count))
      return failure();
    llvm::ArrayRef<Candidate> wide = llvm::ArrayRef(candidates).take_front(*count);
    if (best.empty() || wideBytes(wide) < wideBytes(best)) {
      best = wide.vec();
      bestLosses = losses;
    }
  }
  losses = bestLosses;
  return best;
}
