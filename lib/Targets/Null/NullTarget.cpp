// The Null target: the least that a target must do, and the template to copy for a new one (docs/AddingATarget.md).
//
// It accepts every lowered module, changes no layout and makes kernels without code. Its artifacts load and can be
// inspected; no device claims the feature that they require, so running one is refused.
#include "laic/Target/Target.h"

using namespace mlir;
using namespace laic;

namespace {

class NullTarget : public Target {
public:
  llvm::StringRef getName() const override { return "null"; }
  llvm::StringRef getSummary() const override { return "makes artifacts without code: the template of a target"; }
  std::vector<std::string> getChips() const override { return {"none"}; }

  // A target with real chips checks the text here and says how to mend it.
  std::optional<std::string> parseLevels(llvm::StringRef, std::vector<std::string> &levels) const override {
    levels.push_back("none");
    return std::nullopt;
  }

  // Here a target brings the module into the layouts that its kernels want.
  LogicalResult prepare(ModuleOp, const TargetOptions &) const override { return success(); }

  // Here it makes code. Every kernel gets a place in every blob, a tile count and a workspace size.
  FailureOr<CodegenResult> codegen(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &) const override {
    CodegenResult result;
    CodeBlob blob;
    blob.requires_ = {"null"};
    for (func::FuncOp kernel : kernels) {
      MLIRContext *ctx = kernel.getContext();
      KernelInfo info;
      info.tiles = AffineMap::get(0, 0, getAffineConstantExpr(1, ctx));
      info.workspace = AffineMap::get(0, 0, getAffineConstantExpr(0, ctx));
      result.infos.push_back(info);
      blob.kernels.push_back({kernel.getName().str(), blob.bytes.size(), kNoCode});
      blob.bytes.insert(blob.bytes.end(), kNoCode, 0);
    }
    result.blobs.push_back(std::move(blob));
    return result;
  }

private:
  static constexpr size_t kNoCode = 64;
};

} // namespace

namespace laic {
std::unique_ptr<Target> createNullTarget() { return std::make_unique<NullTarget>(); }
} // namespace laic
