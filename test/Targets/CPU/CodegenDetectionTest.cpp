// select_boxes, compared with non-maximum suppression as ONNX describes it: candidates in the order of their scores, each kept unless
// one that was kept before overlaps it too much.
#include "KernelTest.h"

#include <numeric>

using namespace laic;
using namespace laic::test;

namespace {

constexpr int64_t kBatch = 2, kClasses = 3, kBoxes = 9;

struct Options {
  int64_t limit;
  float overlap, least;
  bool centred;
};

using Selection = std::vector<std::array<int64_t, 3>>;

class CodegenDetection : public KernelTest {
protected:
  Selection expected(const Options &options) const;
  bool overlaps(int64_t batch, int64_t a, int64_t b, const Options &options) const;
  void check(const Options &options);

  Tensor boxes, scores;
};

bool CodegenDetection::overlaps(int64_t batch, int64_t a, int64_t b, const Options &options) const {
  auto field = [&](int64_t box, int64_t k) { return float(boxes.get((batch * kBoxes + box) * 4 + k)); };
  float common = 1, areas[] = {1, 1};
  for (int64_t dim = 0; dim < 2; ++dim) {
    std::pair<float, float> ends[2];
    for (int64_t i = 0; i < 2; ++i) {
      int64_t box = i == 0 ? a : b;
      float middle = field(box, 1 - dim), half = field(box, 3 - dim) / 2;
      ends[i] =
          options.centred ? std::make_pair(middle - half, middle + half) : std::minmax({field(box, dim), field(box, dim + 2)});
      areas[i] *= ends[i].second - ends[i].first;
    }
    common *= std::max(0.0f, std::min(ends[0].second, ends[1].second) - std::max(ends[0].first, ends[1].first));
  }
  return common > 0 && areas[0] > 0 && areas[1] > 0 && common / (areas[0] + areas[1] - common) > options.overlap;
}

Selection CodegenDetection::expected(const Options &options) const {
  Selection kept;
  for (int64_t batch = 0; batch < kBatch; ++batch)
    for (int64_t category = 0; category < kClasses; ++category) {
      auto score = [&](int64_t box) { return scores.get((batch * kClasses + category) * kBoxes + box); };
      std::vector<int64_t> order(kBoxes), own;
      std::iota(order.begin(), order.end(), 0);
      llvm::sort(order, [&](int64_t a, int64_t b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
      for (int64_t box : order) {
        bool isFree = llvm::none_of(own, [&](int64_t other) { return overlaps(batch, box, other, options); });
        if (isFree && score(box) > options.least && int64_t(own.size()) < options.limit) {
          own.push_back(box);
          kept.push_back({batch, category, box});
        }
      }
    }
  return kept;
}

void CodegenDetection::check(const Options &options) {
  std::string text = R"(
    func.func private @k(%boxes: tensor<2x9x4xf32>, %scores: tensor<2x3x9xf32>, %limit: tensor<1xi64>, %overlap: tensor<1xf32>,
                         %least: tensor<1xf32>) -> (tensor<54x3xi64>, tensor<1xi64>, tensor<9xi8>) {
      %kept, %count, %open = laic.select_boxes %boxes, %scores, %limit, %overlap, %least)";
  text += options.centred ? " {center_point_box}" : "";
  text += R"( : (tensor<2x9x4xf32>, tensor<2x3x9xf32>, tensor<1xi64>, tensor<1xf32>, tensor<1xf32>)
          -> (tensor<54x3xi64>, tensor<1xi64>, tensor<9xi8>)
      return %kept, %count, %open : tensor<54x3xi64>, tensor<1xi64>, tensor<9xi8>
    })";
  parse(text);
  ASSERT_TRUE(module);
  std::vector<Tensor> tensors = makeTensors({});
  // Two equal scores, the same box twice.
  tensors[1].set(3, tensors[1].get(5));
  for (int64_t k = 0; k < 4; ++k)
    tensors[0].set(4 + k, tensors[0].get(8 + k));
  boxes = tensors[0];
  scores = tensors[1];
  tensors[2].set(0, options.limit);
  tensors[3].set(0, options.overlap);
  tensors[4].set(0, options.least);

  Selection want = expected(options);
  llvm::FailureOr<CodegenResult> result = compile({"native"});
  ASSERT_TRUE(succeeded(result));
  for (const CodeBlob &blob : result->blobs) {
    if (!blob.hostRunnable)
      continue;
    MappedCode code(blob);
    laic_kernel_error_t error = run(code, *result, tensors, {}, {}, 1);
    ASSERT_EQ(error.code, 0);
    const Tensor &kept = tensors[5];
    ASSERT_EQ(tensors[6].get(0), double(want.size()));
    for (int64_t row = 0; row < kept.shape[0]; ++row)
      for (int64_t k = 0; k < 3; ++k)
        ASSERT_EQ(kept.get(row * 3 + k), row < int64_t(want.size()) ? double(want[row][k]) : 0) << "row " << row;
  }
}

TEST_F(CodegenDetection, SelectBoxes) {
  for (int64_t limit : {-1, 0, 1, 3, 100})
    for (float overlap : {0.0f, 0.2f, 0.6f})
      for (float least : {-2.0f, 0.1f})
        for (bool centred : {false, true})
          check({limit, overlap, least, centred});
}

} // namespace
