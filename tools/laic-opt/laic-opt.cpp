// The dialects and passes of laic for the lit suite.
#include "laic/Pipelines/Registration.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  laic::registerAllDialects(registry);
  laic::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "laic optimizer driver\n", registry));
}
