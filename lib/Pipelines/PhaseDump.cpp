// Writes and reads phase dumps.
#include "PhaseDump.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace laic;

namespace {

std::string weightsPath(llvm::StringRef module) {
  llvm::SmallString<128> path(module);
  llvm::sys::path::replace_extension(path, "weights");
  return path.str().str();
}

// The weights that a module refers to, in order of first use.
llvm::SmallVector<WeightAttr> collectWeights(ModuleOp module) {
  llvm::SmallVector<WeightAttr> weights;
  llvm::DenseSet<Attribute> seen;
  module.walk([&](Operation *op) {
    for (NamedAttribute attr : op->getAttrs())
      if (auto weight = dyn_cast<WeightAttr>(attr.getValue()); weight && seen.insert(weight.getSource()).second)
        weights.push_back(weight);
  });
  return weights;
}

template <typename Write> std::optional<std::string> writeWhole(const std::string &path, Write write) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (!error) {
    write(os);
    os.close();
    error = os.error();
  }
  if (!error)
    return std::nullopt;
  os.clear_error();
  return "cannot write '" + path + "': " + error.message();
}

} // namespace

std::optional<std::string> laic::dumpPhase(ModuleOp module, Phase phase, const std::string &folder, llvm::StringRef target) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return "cannot create '" + folder + "': " + error.message();
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, std::to_string(static_cast<int>(phase)) + "-" + phaseName(phase) +
                                    (target.empty() ? "" : "-" + target) + ".mlir");
  if (auto error = writeWhole(path.str().str(), [&](llvm::raw_ostream &os) {
        OpPrintingFlags flags;
        flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
        module.print(os, flags);
      }))
    return error;
  WeightStore &store = module.getContext()->getOrLoadDialect<LaicDialect>()->getWeights();
  return writeWhole(weightsPath(path), [&](llvm::raw_ostream &os) {
    llvm::SmallVector<WeightAttr> weights = collectWeights(module);
    llvm::json::Object index;
    int64_t offset = 0;
    for (WeightAttr weight : weights) {
      index[weight.getSource().getValue()] = llvm::json::Array{offset, weight.getLength()};
      offset += weight.getLength();
    }
    os << llvm::json::Value(std::move(index)) << "\n";
    for (WeightAttr weight : weights) {
      llvm::ArrayRef<char> bytes = store.lookup(weight);
      os.write(bytes.data(), bytes.size());
    }
  });
}

OwningOpRef<ModuleOp> laic::readPhaseDump(const std::string &path, MLIRContext *context) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, context);
  if (!module)
    return {};
  llvm::SmallVector<WeightAttr> weights = collectWeights(*module);
  if (weights.empty())
    return module;
  auto refuse = [&](const llvm::Twine &why) -> OwningOpRef<ModuleOp> {
    emitError(UnknownLoc::get(context)) << "weights file '" << weightsPath(path) << "' " << why;
    return {};
  };
  auto file = llvm::MemoryBuffer::getFile(weightsPath(path), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return refuse("cannot be read: " + file.getError().message());
  std::shared_ptr<llvm::MemoryBuffer> buffer = std::move(*file);
  auto [header, payload] = buffer->getBuffer().split('\n');
  auto index = llvm::json::parse(header);
  if (!index || !index->getAsObject()) {
    if (!index)
      llvm::consumeError(index.takeError());
    return refuse("does not start with a JSON object");
  }
  WeightStore &store = context->getOrLoadDialect<LaicDialect>()->getWeights();
  for (WeightAttr weight : weights) {
    llvm::json::Array *place = index->getAsObject()->getArray(weight.getSource().getValue());
    auto offset = place && place->size() == 2 ? (*place)[0].getAsInteger() : std::nullopt;
    auto length = place && place->size() == 2 ? (*place)[1].getAsInteger() : std::nullopt;
    if (!offset || !length || *offset < 0 || *length < 0 || static_cast<uint64_t>(*offset) > payload.size() ||
        static_cast<uint64_t>(*length) > payload.size() - *offset)
      return refuse("has no bytes for '" + weight.getSource().getValue() + "'");
    store.addSource(weight.getSource().getValue(), {payload.data() + *offset, static_cast<size_t>(*length)},
                    std::static_pointer_cast<void>(buffer));
  }
  return module;
}
