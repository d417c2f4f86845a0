// The versions of the operator sets that models are brought to.
#ifndef LAIC_LIB_IMPORT_ONNX_OPSET_H
#define LAIC_LIB_IMPORT_ONNX_OPSET_H

#include <cstdint>

namespace laic {
namespace onnx {

constexpr int64_t kNewestOpset = 28;  // ai.onnx
constexpr int64_t kNewestMLOpset = 5; // ai.onnx.ml

} // namespace onnx
} // namespace laic
#endif
