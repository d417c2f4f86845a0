// The HLS target: a streaming design in C++ for high-level synthesis, as a project of its own.
#include "Parts.h"
#include "Project.h"
#include "Report.h"
#include "laic/Target/Target.h"
#include "laic/Targets/HLS/HLS.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

LogicalResult runOne(ModuleOp module, std::unique_ptr<Pass> pass) {
  PassManager pm(module.getContext());
  pm.addPass(std::move(pass));
  return pm.run(module);
}

class HLSTarget : public Target, public ProjectTarget {
public:
  llvm::StringRef getName() const override { return "hls"; }
  llvm::StringRef getSummary() const override { return "FPGAs: a streaming design in HLS C++, written as a project folder"; }
  std::vector<std::string> getChips() const override {
    std::vector<std::string> names;
    for (const Part &part : getParts())
      names.push_back(part.name.str());
    return names;
  }

  std::optional<std::string> parseLevels(llvm::StringRef text, std::vector<std::string> &levels) const override {
    llvm::StringRef chip = text.trim().empty() ? llvm::StringRef(kDefaultPart) : text.trim();
    if (!findPart(chip)) {
      std::string names;
      for (const std::string &name : getChips())
        names += (names.empty() ? "" : ", ") + name;
      return "unknown FPGA part '" + chip.str() + "': those known are " + names;
    }
    levels.push_back(chip.str());
    return std::nullopt;
  }

  const ProjectTarget *getProject() const override { return this; }

  LogicalResult convert(ModuleOp graph, const TargetOptions &options) const override {
    ConvertGraphToDesignOptions convertOptions;
    convertOptions.chip = options.levels.empty() ? kDefaultPart.str() : options.levels.front();
    return runOne(graph, createConvertGraphToDesign(convertOptions));
  }

  LogicalResult schedule(ModuleOp module, const TargetOptions &) const override { return runOne(module, createSizeStreams()); }

  std::vector<ProjectFile> print(ModuleOp module, std::string &explanation) const override {
    auto designs = module.getOps<DesignOp>();
    if (designs.empty())
      return {};
    explanation += reportText(*designs.begin());
    return projectFiles(*designs.begin());
  }

  void registerPasses() const override { registerLaicHLSPasses(); }
  void registerDialects(DialectRegistry &registry) const override { registry.insert<HLSDialect>(); }
};

} // namespace

namespace laic {
std::unique_ptr<Target> createHLSTarget() { return std::make_unique<HLSTarget>(); }
} // namespace laic
