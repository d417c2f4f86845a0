// The smallest out-of-tree target: accepts every kernel and makes one zero byte of code for each.
#include "laic/Target/Target.h"

using namespace laic;

namespace {

class ExampleTarget : public Target {
public:
  llvm::StringRef getName() const override { return "example"; }
  llvm::StringRef getSummary() const override { return "an out-of-tree target"; }
  std::vector<std::string> getChips() const override { return {}; }
  std::optional<std::string> parseLevels(llvm::StringRef, std::vector<std::string> &levels) const override {
    levels.push_back("example");
    return std::nullopt;
  }
  llvm::LogicalResult prepare(mlir::ModuleOp, const TargetOptions &) const override { return mlir::success(); }
  llvm::FailureOr<CodegenResult> codegen(llvm::ArrayRef<mlir::func::FuncOp> kernels, const TargetOptions &) const override {
    CodegenResult result;
    CodeBlob blob;
    blob.requires_ = {"example"};
    for (mlir::func::FuncOp kernel : kernels) {
      mlir::MLIRContext *context = kernel.getContext();
      KernelInfo info;
      info.tiles = mlir::AffineMap::get(0, 0, mlir::getAffineConstantExpr(1, context));
      info.workspace = mlir::AffineMap::get(0, 0, mlir::getAffineConstantExpr(0, context));
      result.infos.push_back(info);
      blob.kernels.push_back({kernel.getName().str(), blob.bytes.size(), 1});
      blob.bytes.push_back(0);
    }
    result.blobs.push_back(std::move(blob));
    return result;
  }
};

} // namespace

namespace laic {
std::unique_ptr<Target> createExampleTarget() { return std::make_unique<ExampleTarget>(); }
} // namespace laic
