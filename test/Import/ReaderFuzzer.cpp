// libFuzzer target: any bytes may come as a model; they are refused with a diagnostic or read, never more.
#include "laic/Import/Onnx/Model.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<laic::onnx::Diagnostic> diagnostics;
  auto model = laic::onnx::readModel(data, size, "model.onnx", "", {}, diagnostics);
  if ((model == nullptr) == diagnostics.empty())
    abort(); // refused without a word, or read with complaints
  return 0;
}
