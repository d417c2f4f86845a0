// A module into a ModelProto, and a ModelProto into files.
#include "laic/Export/ExportModel.h"

#include "GraphWriter.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Support/AtomicFile.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;
using namespace laic;

namespace {

// What protobuf writes goes into a file that is on its way.
class FileStream : public google::protobuf::io::CopyingOutputStream {
public:
  explicit FileStream(AtomicFile &file) : file(file) {}
  bool Write(const void *data, int size) override {
    problem = file.write(data, static_cast<size_t>(size));
    return problem.empty();
  }
  std::string problem;

private:
  AtomicFile &file;
};

class ModelWriter {
public:
  ModelWriter(ModuleOp module, const ExportOptions &options)
      : module(module), options(options), tensors(module.getContext()->getOrLoadDialect<LaicDialect>()->getWeights()) {}

  LogicalResult build();
  LogicalResult write(const std::string &path);
  LogicalResult write(std::vector<char> &bytes);

private:
  LogicalResult fail(const std::string &problem) { return emitError(module.getLoc()) << problem; }
  std::string writeData(AtomicFile &file, const std::string &path);
  std::string writeProto(AtomicFile &file);

  ModuleOp module;
  const ExportOptions &options;
  onnx_proto::ModelProto model;
  TensorWriter tensors;
};

} // namespace

LogicalResult ModelWriter::build() {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  onnx_proto::GraphProto *graph = model.mutable_graph();
  auto name = module->getAttrOfType<StringAttr>("laic.model");
  graph->set_name(name && !name.empty() ? name.str() : "main"); // which may not be empty
  GraphWriter writer(function, *graph, tensors);
  if (failed(writer.run()))
    return failure();
  std::map<std::string, int64_t> opsets = writer.getOpsets();
  int64_t &standard = opsets[""];
  standard = std::max(standard, onnx::kOldestWrittenOpset);
  model.set_ir_version(onnx::irVersion(standard));
  model.set_producer_name("laic");
  model.set_producer_version(options.producerVersion);
  for (const auto &[domain, version] : opsets) {
    onnx_proto::OperatorSetIdProto *import = model.add_opset_import();
    import->set_domain(domain);
    import->set_version(version);
  }
  return success();
}

std::string ModelWriter::writeData(AtomicFile &file, const std::string &path) {
  if (std::string problem = file.open(path); !problem.empty())
    return problem;
  return tensors.placeOutside(llvm::sys::path::filename(path).str(),
                              [&](const char *data, size_t size) { return file.write(data, size); });
}

std::string ModelWriter::writeProto(AtomicFile &file) {
  FileStream target(file);
  google::protobuf::io::CopyingOutputStreamAdaptor stream(&target);
  bool done = model.SerializeToZeroCopyStream(&stream) && stream.Flush();
  return done || !target.problem.empty() ? target.problem : "the model is too large for protobuf";
}

LogicalResult ModelWriter::write(const std::string &path) {
  bool isSplit = tensors.size() > options.mostInside;
  AtomicFile data, file;
  if (!isSplit)
    tensors.placeInside();
  else if (std::string problem = writeData(data, path + ".data"); !problem.empty())
    return fail(problem);
  // Whatever can go wrong goes wrong before the first of the two has taken its place.
  std::string problem = file.open(path);
  if (problem.empty())
    problem = writeProto(file);
  for (AtomicFile *part : {&data, &file})
    if (problem.empty() && isSplit)
      problem = part->sync();
  if (problem.empty() && isSplit)
    problem = data.commit();
  if (problem.empty())
    problem = file.commit();
  return problem.empty() ? success() : fail(problem);
}

LogicalResult ModelWriter::write(std::vector<char> &bytes) {
  if (tensors.size() > options.mostInside)
    return fail("the model has " + std::to_string(tensors.size()) +
                " bytes of constants, which need a file of their own; name a file to write it to");
  tensors.placeInside();
  bytes.resize(model.ByteSizeLong());
  if (model.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())))
    return success();
  return fail("the model is too large for protobuf");
}

LogicalResult laic::exportModel(ModuleOp module, const ExportOptions &options, const std::string &path) {
  ModelWriter writer(module, options);
  return failed(writer.build()) ? failure() : writer.write(path);
}

LogicalResult laic::exportModel(ModuleOp module, const ExportOptions &options, std::vector<char> &bytes) {
  ModelWriter writer(module, options);
  return failed(writer.build()) ? failure() : writer.write(bytes);
}
