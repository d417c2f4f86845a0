// The CUDA target: PTX for NVIDIA GPUs, made without a toolkit.
#include "Codegen.h"
#include "laic/Target/Target.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace laic;

namespace {

class CUDATarget : public Target {
public:
  llvm::StringRef getName() const override { return "cuda"; }
  llvm::StringRef getSummary() const override { return "NVIDIA GPUs: PTX for sm_70 to sm_120"; }
  std::vector<std::string> getChips() const override { return {std::begin(cuda::kChips), std::end(cuda::kChips)}; }

  std::optional<std::string> parseLevels(llvm::StringRef text, std::vector<std::string> &levels) const override {
    llvm::SmallVector<llvm::StringRef> parts;
    text.split(parts, ',', -1, /*KeepEmpty=*/false);
    if (parts.empty())
      parts.push_back(cuda::kDefaultChip);
    for (llvm::StringRef part : parts)
      if (!llvm::is_contained(cuda::kChips, part.trim()))
        return "unknown GPU architecture '" + part.trim().str() + "': those known are " + llvm::join(getChips(), ", ");
    for (llvm::StringRef chip : llvm::reverse(cuda::kChips)) // the newest first
      if (llvm::any_of(parts, [&](llvm::StringRef part) { return part.trim() == chip; }) &&
          !llvm::is_contained(levels, chip.str()))
        levels.push_back(chip.str());
    return std::nullopt;
  }

  LogicalResult prepare(ModuleOp module, const TargetOptions &) const override { return contracts::prepare(module); }

  FailureOr<CodegenResult> codegen(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &options) const override {
    return cuda::generateCode(kernels, options);
  }
};

} // namespace

namespace laic {
std::unique_ptr<Target> createCUDATarget() { return std::make_unique<CUDATarget>(); }
} // namespace laic
