// Small models for the tests of the reader, good and bad.
#ifndef LAIC_TEST_IMPORT_MODELBUILDER_H
#define LAIC_TEST_IMPORT_MODELBUILDER_H

#include "laic/Import/Onnx/Model.h"
#include "laic/Import/Onnx/onnx.pb.h"

#include <functional>

namespace laic {
namespace onnx {

// x: f32[2,3] -> y, no nodes yet.
onnx_proto::ModelProto emptyModel(int64_t opset = 21);
// x -> Relu 'relu' -> y.
onnx_proto::ModelProto reluModel(int64_t opset = 21);

onnx_proto::NodeProto *addNode(onnx_proto::GraphProto &graph, const std::string &op, const std::vector<std::string> &inputs,
                               const std::vector<std::string> &outputs, const std::string &name = "");
onnx_proto::AttributeProto *addInt(onnx_proto::NodeProto &node, const std::string &name, int64_t value);
onnx_proto::AttributeProto *addInts(onnx_proto::NodeProto &node, const std::string &name, const std::vector<int64_t> &values);
onnx_proto::AttributeProto *addText(onnx_proto::NodeProto &node, const std::string &name, const std::string &value);
onnx_proto::GraphProto *addGraph(onnx_proto::NodeProto &node, const std::string &name);
onnx_proto::ValueInfoProto *addInput(onnx_proto::GraphProto &graph, const std::string &name, int type,
                                     const std::vector<int64_t> &dims);
onnx_proto::ValueInfoProto *addOutput(onnx_proto::GraphProto &graph, const std::string &name);

// Fills a tensor proto: dims, type and raw_data of zeros.
void fillTensor(onnx_proto::TensorProto &tensor, const std::string &name, int type, const std::vector<int64_t> &dims,
                uint64_t bytes);
void setExternal(onnx_proto::TensorProto &tensor, const std::string &location, const std::string &offset = "",
                 const std::string &length = "");

// The places of a model that can hold a tensor.
enum class Carrier { Initializer, Constant, Attribute, SparseInitializer, SparseConstant, FunctionBody, Subgraph };
constexpr Carrier kCarriers[] = {Carrier::Initializer,    Carrier::Constant,     Carrier::Attribute, Carrier::SparseInitializer,
                                 Carrier::SparseConstant, Carrier::FunctionBody, Carrier::Subgraph};
// A good model but for a tensor f32[300] (in sparse carriers: the values) that `fill` makes; its name is
// given to `fill`.
onnx_proto::ModelProto carrierModel(Carrier carrier, const std::function<void(onnx_proto::TensorProto &)> &fill);

struct Outcome {
  std::unique_ptr<Model> model;
  std::vector<Diagnostic> diagnostics;
  // All messages, one per line, for the output of a failing test.
  std::string text() const;
};
Outcome readBytes(const std::string &bytes);
Outcome readProto(const onnx_proto::ModelProto &proto);
Outcome readFile(const std::string &path, const std::string &externalDataRoot = "");

// A folder below the system's temporary one, removed with all its files at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string &name) const { return folder + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const; // returns the path

private:
  std::string folder;
};

} // namespace onnx
} // namespace laic
#endif
