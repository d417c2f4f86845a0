// The dialects and passes of laic for the lit suite; --list-target-limits says what the targets refuse.
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Pipelines/Registration.h"
#include "laic/Target/Target.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/raw_ostream.h"

namespace {

// What laic-tblgen --gen-support-matrix reads: every target, and what it refuses of what the operator records
// claim.
void listTargetLimits(llvm::raw_ostream &os) {
  for (const auto &target : laic::getTargets()) {
    if (!target->isHost()) // the others leave to it what they have no code for
      continue;
    os << "target " << target->getName() << "\n";
    for (const laic::OnnxOpRow &row : laic::getOnnxOpTable()) {
      llvm::SmallVector<llvm::StringRef> claimed;
      llvm::StringRef(row.dtypes).split(claimed, ' ');
      for (llvm::StringRef element : claimed)
        if (target->refusal(row, element))
          os << "refuses " << row.onnx << " " << element << "\n";
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && llvm::StringRef(argv[1]) == "--list-target-limits") {
    listTargetLimits(llvm::outs());
    return 0;
  }
  mlir::DialectRegistry registry;
  laic::registerAllDialects(registry);
  laic::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "laic optimizer driver\n", registry));
}
