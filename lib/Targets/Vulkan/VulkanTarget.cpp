// The Vulkan target: SPIR-V for any GPU with Vulkan 1.1, with a variant for 16-bit floats.
#include "Codegen.h"
#include "LowerToSPIRV.h"
#include "laic/Target/Target.h"
#include "laic/Transforms/Contracts/Prepare.h"

using namespace mlir;
using namespace laic;

namespace {

class VulkanTarget : public Target {
public:
  llvm::StringRef getName() const override { return "vulkan"; }
  llvm::StringRef getSummary() const override { return "GPUs with Vulkan 1.1: SPIR-V, with and without 16-bit floats"; }
  std::vector<std::string> getChips() const override { return {std::begin(vulkan::kLevels), std::end(vulkan::kLevels)}; }

  std::optional<std::string> parseLevels(llvm::StringRef text, std::vector<std::string> &levels) const override {
    llvm::SmallVector<llvm::StringRef> parts;
    text.split(parts, ',', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef part : parts)
      if (part.trim() != "native" && !llvm::is_contained(vulkan::kLevels, part.trim()))
        return "unknown Vulkan level '" + part.trim().str() + "': the levels are base and fp16";
    for (llvm::StringRef level : vulkan::kLevels) // best first
      if (parts.empty() ||
          llvm::any_of(parts, [&](llvm::StringRef part) { return part.trim() == level || part.trim() == "native"; }))
        if (!llvm::is_contained(levels, level.str()))
          levels.push_back(level.str());
    return std::nullopt;
  }

  LogicalResult prepare(ModuleOp module, const TargetOptions &) const override { return contracts::prepare(module); }

  FailureOr<CodegenResult> codegen(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &options) const override {
    return vulkan::generateCode(kernels, options);
  }
};

} // namespace

namespace laic {
std::unique_ptr<Target> createVulkanTarget() { return std::make_unique<VulkanTarget>(); }
} // namespace laic
