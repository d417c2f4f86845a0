// Shrinks a module for which a test script still says "interesting": bug reports of a few lines.
#include "laic/Pipelines/Registration.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  laic::registerAllDialects(registry);
  laic::registerAllPasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
