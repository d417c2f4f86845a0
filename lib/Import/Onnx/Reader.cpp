// readModel: from a file or bytes to a validated, sorted and upgraded Model.
#include "GraphCheck.h"
#include "GraphReader.h"
#include "Upgrade.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>

namespace laic {
namespace onnx {

namespace {

// The bytes of a model and where they came from.
struct Input {
  const uint8_t *data;
  uint64_t size;
  std::string name;      // for diagnostics
  std::string file;      // for tensors; empty when the bytes lie in memory
  std::string directory; // for external data
};

// Types and other opaque messages nest below those that the scan follows.
constexpr int kProtobufRecursion = kDeepestMessage + 32;
constexpr char kLfsPointer[] = "version https://git-lfs";

} // namespace

static bool parse(const Input &input, Skeleton &skeleton, onnx_proto::ModelProto &proto, Reporter &reporter) {
  const char *note = "the file is truncated, damaged or no ONNX model; export or download it again";
  if (input.size == 0)
    return reporter.error("the file is empty", note);
  if (input.size > sizeof(kLfsPointer) && memcmp(input.data, kLfsPointer, sizeof(kLfsPointer) - 1) == 0)
    return reporter.error("not an ONNX model but a pointer of Git LFS", "fetch the file itself with git lfs pull");
  std::string problem;
  if (!scanModel(input.data, input.size, skeleton, problem))
    return reporter.error("not a valid ONNX model: " + problem, note);
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t *>(skeleton.bytes.data()),
                                                static_cast<int>(skeleton.bytes.size()));
  stream.SetRecursionLimit(kProtobufRecursion);
  google::protobuf::LogSilencer silencer; // protobuf prints to stderr; we have our own words
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return reporter.error("not a valid ONNX model: a message is malformed or nests too deeply", note);
  skeleton.bytes = std::string();
  return true;
}

static std::unique_ptr<Model> build(const Input &input, const ReadOptions &options, std::shared_ptr<Storage> storage,
                                    std::vector<Diagnostic> &diagnostics) {
  Reporter reporter(input.name, diagnostics);
  Skeleton skeleton;
  auto proto = std::make_unique<onnx_proto::ModelProto>();
  if (!parse(input, skeleton, *proto, reporter))
    return nullptr;
  auto model = std::make_unique<Model>();
  model->path = input.name;
  model->storage = storage;
  ExternalFiles external(input.directory, options.externalDataRoot, *storage);
  TensorReader tensors({input.data, input.file, &skeleton.payloads}, *storage, external, reporter);
  NameSet names;
  if (!GraphReader(*proto, tensors, names, reporter, *model).read())
    return nullptr;
  proto.reset();
  model->externalFiles = external.paths();
  if (!checkAndSort(model->graph, reporter) || !upgrade(model->graph, names, *storage, reporter))
    return nullptr;
  for (const auto &mapping : storage->mappings)
    model->mappings.emplace_back(mapping->data(), mapping->size());
  return model;
}

std::unique_ptr<Model> readModel(const std::string &path, const ReadOptions &options, std::vector<Diagnostic> &diagnostics) {
  Reporter reporter(path, diagnostics);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    reporter.error(std::string("cannot be opened: ") + strerror(errno), "name an ONNX file that can be read");
    return nullptr;
  }
  std::string problem;
  std::unique_ptr<Mapping> mapping = Mapping::create(file, problem);
  if (!mapping) {
    reporter.error(problem, "name an ONNX file that can be read");
    return nullptr;
  }
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  auto storage = std::make_shared<Storage>();
  Input input{mapping->data(), mapping->size(), path, path, directory};
  storage->mappings.push_back(std::move(mapping));
  return build(input, options, storage, diagnostics);
}

std::unique_ptr<Model> readModel(const void *data, size_t size, const std::string &name, const std::string &directory,
                                 const ReadOptions &options, std::vector<Diagnostic> &diagnostics) {
  Input input{static_cast<const uint8_t *>(data), size, name, "", directory};
  return build(input, options, std::make_shared<Storage>(), diagnostics);
}

} // namespace onnx
} // namespace laic
