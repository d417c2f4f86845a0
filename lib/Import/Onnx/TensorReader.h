// Turns TensorProto and SparseTensorProto into Tensor: sizes are checked before anything is allocated or
// touched.
#ifndef LAIC_LIB_IMPORT_ONNX_TENSORREADER_H
#define LAIC_LIB_IMPORT_ONNX_TENSORREADER_H

#include "Files.h"
#include "Reporter.h"
#include "WireScan.h"

#include "laic/Import/Onnx/onnx.pb.h"

#include <unordered_map>

namespace laic {
namespace onnx {

// The number of elements, or false when a dim is negative or the product (zeros aside) exceeds 2^63-1
// elements or bits.
bool countElements(const std::vector<int64_t> &dims, DataType type, uint64_t &count);

class TensorReader {
public:
  struct Source {
    const uint8_t *data; // the scanned model
    std::string file;    // its path; empty when it is in memory
    const std::vector<Payload> *payloads;
  };

  TensorReader(Source source, Storage &storage, ExternalFiles &external, Reporter &reporter)
      : source(std::move(source)), storage(storage), external(external), reporter(reporter) {}

  // `where` opens the diagnostics: "initializer 'w'", "node 'c' (Constant, opset 9): attribute 'value'". Null
  // after an error. A proto is read once; later calls return the same tensor.
  std::shared_ptr<Tensor> read(const onnx_proto::TensorProto &proto, const std::string &where);
  // Expands to a dense tensor; the dense sizes of one model are bounded.
  std::shared_ptr<Tensor> readSparse(const onnx_proto::SparseTensorProto &proto, const std::string &where);

  // A tensor whose bytes the model owns.
  std::shared_ptr<Tensor> own(DataType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes);

  // Tensors without any data are reported together, by the first of them.
  void reportMissing();

private:
  std::shared_ptr<Tensor> convert(const onnx_proto::TensorProto &proto, const std::string &where);
  bool convertHeader(const onnx_proto::TensorProto &proto, const std::string &where, Tensor &tensor, uint64_t &count);
  bool readExternal(const onnx_proto::TensorProto &proto, const std::string &where, uint64_t bytes, Tensor &tensor);
  bool readRaw(const onnx_proto::TensorProto &proto, const std::string &where, uint64_t bytes, Tensor &tensor);
  bool readTyped(const onnx_proto::TensorProto &proto, const std::string &where, uint64_t count, Tensor &tensor);
  bool readInt32Data(const onnx_proto::TensorProto &proto, const std::string &where, uint64_t count, Tensor &tensor);
  bool checkBool(const std::string &where, Tensor &tensor);
  void adopt(Tensor &tensor, std::vector<uint8_t> bytes);
  const Payload *payload(const onnx_proto::TensorProto &proto) const;

  Source source;
  Storage &storage;
  ExternalFiles &external;
  Reporter &reporter;
  std::unordered_map<const void *, std::shared_ptr<Tensor>> done;
  uint64_t densified = 0;
  size_t missing = 0;
  std::string firstMissing;
};

} // namespace onnx
} // namespace laic
#endif
