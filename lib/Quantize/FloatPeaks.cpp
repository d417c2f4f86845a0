// Adds reductions to a copy of the model: one number per value that is watched.
#include "FloatPeaks.h"

#include "GraphEdit.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

// max over |x| of all that is finite. Infinity is the same in every float type; masks are made of it.
static Value peakOf(OpBuilder &b, Value x) {
  Location loc = x.getLoc();
  b.setInsertionPointAfterValue(x);
  GraphEditor edit(b, loc);
  auto type = cast<RankedTensorType>(x.getType());
  Value infinite = IsInfOp::create(b, loc, type.clone(b.getI1Type()), x, /*detect_negative=*/1, /*detect_positive=*/1);
  Value magnitude = AbsOp::create(b, loc, type, x);
  Value finite = WhereOp::create(b, loc, type, infinite, edit.floats({0.0f}, {}), magnitude);
  return edit.reduceAllBut<ReduceMaxOp>(finite, /*axis=*/-1);
}

LogicalResult FloatPeaks::run(llvm::ArrayRef<Value> values) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone(mapping));
  func::FuncOp main = mainOf(*copy);
  reference.emplace(resultNames(main));
  samples.bindSizes(main);
  unsigned ownResults = main.getNumResults();
  OpBuilder b(main.getContext());
  llvm::SmallVector<Value> watched;
  for (Value value : values)
    watched.push_back(peakOf(b, mapping.lookup(value)));
  addResults(main, watched);
  std::unique_ptr<RunnableGraph> graph = runner.compile(std::move(copy), samples.size());
  if (!graph)
    return failure();
  peaks.assign(values.size(), 0);
  llvm::SmallVector<TensorView> outputs;
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    if (std::string problem = graph->run(samples[sample], outputs); !problem.empty())
      return reportRun(module, "sample " + std::to_string(sample) + ": " + problem);
    reference->add(llvm::ArrayRef(outputs).take_front(ownResults));
    for (auto [peak, view] : llvm::zip_equal(peaks, llvm::ArrayRef(outputs).drop_front(ownResults))) {
      double seen = view.floats().empty() ? 0 : view.floats().front();
      peak = std::max(peak, std::isnan(seen) ? INFINITY : seen);
    }
  }
  return success();
}
