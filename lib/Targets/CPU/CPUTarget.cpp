// The CPU as a target: names, feature levels, and the way to layouts and code.
#include "Codegen.h"
#include "Features.h"
#include "laic/Target/Target.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "llvm/ADT/StringExtras.h"

using namespace laic;

namespace {

// Rank of a level among those of one artifact: the runtime takes the first that the machine can run.
bool better(const cpu::Level &x, const cpu::Level &y) {
  return std::make_tuple(x.vectorBytes, x.fma, x.requires_.size(), x.name) >
         std::make_tuple(y.vectorBytes, y.fma, y.requires_.size(), y.name);
}

class CPUTarget : public Target {
public:
  llvm::StringRef getName() const override { return "cpu"; }
  llvm::StringRef getSummary() const override { return "x86-64 and AArch64 processors, several feature levels per artifact"; }
  llvm::StringRef getLevelOption() const override { return "cpu"; }
  bool isHost() const override { return true; }
  bool hasMath(Math) const override { return true; }
  std::vector<std::string> getChips() const override { return cpu::knownLevels(); }

  std::optional<std::string> parseLevels(llvm::StringRef text, std::vector<std::string> &levels) const override {
    llvm::SmallVector<llvm::StringRef> parts;
    text.split(parts, ',');
    std::vector<cpu::Level> parsed;
    for (llvm::StringRef part : parts) {
      std::string error;
      std::optional<cpu::Level> level = cpu::parseLevel(part.trim(), error);
      if (!level)
        return error;
      if (llvm::none_of(parsed, [&](const cpu::Level &other) { return other.name == level->name; }))
        parsed.push_back(std::move(*level));
    }
    llvm::sort(parsed, better);
    for (const cpu::Level &level : parsed)
      if (!llvm::is_contained(levels, level.name))
        levels.push_back(level.name);
    return std::nullopt;
  }

  std::string levelOfThisMachine(llvm::ArrayRef<std::string> levels) const override {
    std::string error;
    for (const std::string &name : levels)
      if (std::optional<cpu::Level> level = cpu::parseLevel(name, error); level && cpu::hostRuns(*level))
        return name;
    return cpu::parseLevel("native", error)->name;
  }

  llvm::LogicalResult prepare(mlir::ModuleOp module, const TargetOptions &options) const override {
    contracts::PrepareOptions prepare;
    prepare.rows = prepare.panels = prepare.blockProducts = prepare.depthwise = true;
    prepare.group = 4;
    prepare.roundRows = prepare.winograd = options.math != Math::Strict;
    prepare.bf16 = options.math == Math::BF16;
    return contracts::prepare(module, prepare);
  }

  llvm::FailureOr<CodegenResult> codegen(llvm::ArrayRef<mlir::func::FuncOp> kernels,
                                         const TargetOptions &options) const override {
    return cpu::generateCode(kernels, options);
  }
};

} // namespace

namespace laic {
std::unique_ptr<Target> createCPUTarget() { return std::make_unique<CPUTarget>(); }
} // namespace laic
