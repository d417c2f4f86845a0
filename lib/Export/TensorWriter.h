// Constants as ONNX stores them.
#ifndef LAIC_LIB_EXPORT_TENSORWRITER_H
#define LAIC_LIB_EXPORT_TENSORWRITER_H

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Import/Onnx/onnx.pb.h"

#include <functional>
#include <vector>

namespace laic {

/// Fills in tensors of a model whose elements follow later, once all are known: inside of the model or in a file beside it.
class TensorWriter {
public:
  explicit TensorWriter(class WeightStore &store) : store(store) {}

  /// Type and dims of `tensor`, whose place must not change until its elements have been placed; texts at once.
  void add(onnx_proto::TensorProto &tensor, mlir::Attribute value);

  /// Bytes of all elements that were added, as they are stored.
  uint64_t size() const { return total; }
  /// Puts all elements into the model.
  void placeInside();
  /// Gives the elements of larger tensors to `write`, in order, and makes the tensors refer to the file `location`. Returns the first
  /// problem of `write`, or nothing.
  using Write = std::function<std::string(const char *data, size_t size)>;
  std::string placeOutside(const std::string &location, const Write &write);

private:
  struct Entry {
    onnx_proto::TensorProto *tensor;
    mlir::Attribute value;
    uint64_t size;
  };
  llvm::ArrayRef<char> bytesOf(const Entry &entry, std::vector<char> &scratch) const;

  WeightStore &store;
  std::vector<Entry> entries;
  uint64_t total = 0;
};

} // namespace laic
#endif
