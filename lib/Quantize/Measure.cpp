// Signal to noise and agreement of a graph's outputs with those of another.
#include "Measure.h"

#include <algorithm>
#include <cmath>

using namespace laic;

double laic::decibels(double signal, double noise) {
  constexpr double kMost = 200;
  if (noise <= 0)
    return kMost;
  return std::clamp(10 * std::log10(signal / noise), -kMost, kMost);
}

void Reference::add(llvm::ArrayRef<TensorView> outputs) {
  std::vector<Kept> kept(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    kept[i].bytes.assign(outputs[i].bytes.begin(), outputs[i].bytes.end());
    kept[i].view = outputs[i];
    kept[i].view.bytes = kept[i].bytes;
  }
  samples.push_back(std::move(kept));
}

static void countAgreement(llvm::ArrayRef<float> want, llvm::ArrayRef<float> got, int64_t width, OutputLoss &loss) {
  for (size_t row = 0; row + width <= want.size(); row += width) {
    auto best = [&](llvm::ArrayRef<float> all) {
      llvm::ArrayRef<float> line = all.slice(row, width);
      return std::max_element(line.begin(), line.end()) - line.begin();
    };
    ++loss.rows;
    loss.agreeing += best(want) == best(got);
  }
}

std::string Reference::compare(RunnableGraph &graph, const Samples &inputs, std::vector<OutputLoss> &losses) const {
  constexpr int32_t kFloat = 1;
  llvm::SmallVector<TensorView> outputs;
  losses.clear();
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    if (std::string problem = graph.run(inputs[sample], outputs); !problem.empty())
      return problem;
    size_t at = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      const TensorView &want = samples[sample][i].view;
      if (want.type != kFloat)
        continue;
      if (losses.size() == at)
        losses.emplace_back().name = names[i];
      OutputLoss &loss = losses[at++];
      if (outputs[i].shape != want.shape)
        continue; // sizes that depend on what was computed
      llvm::ArrayRef<float> x = want.floats(), y = outputs[i].floats();
      double signal = 0, noise = 0;
      for (size_t e = 0; e < x.size(); ++e) {
        double difference = double(y[e]) - x[e];
        if (!std::isfinite(x[e]))
          continue; // masks of minus infinity, say
        signal += double(x[e]) * x[e];
        noise += std::isfinite(y[e]) ? difference * difference : INFINITY;
      }
      loss.signal += signal;
      loss.noise += noise;
      if (double own = decibels(signal, noise); own < loss.worst) {
        loss.worst = own;
        loss.worstSample = sample;
      }
      if (want.shape.size() >= 2 && want.shape.back() > 1)
        countAgreement(x, y, want.shape.back(), loss);
    }
  }
  return "";
}
