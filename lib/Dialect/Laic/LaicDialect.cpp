// Registers the `laic` dialect, its attributes and its operations.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace laic;

#include "laic/Dialect/Laic/LaicDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Dialect/Laic/LaicTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "laic/Dialect/Laic/LaicAttrs.cpp.inc"

#include "laic/Dialect/Laic/LaicInterfaces.cpp.inc"

namespace laic {
#define LAIC_FAMILY(family) void register##family##Ops(LaicDialect &dialect);
#include "laic/Dialect/Laic/Families.inc"
#undef LAIC_FAMILY
} // namespace laic

void LaicDialect::initialize() {
  weights = std::make_unique<WeightStore>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "laic/Dialect/Laic/LaicAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "laic/Dialect/Laic/LaicTypes.cpp.inc"
      >();
#define LAIC_FAMILY(family) register##family##Ops(*this);
#include "laic/Dialect/Laic/Families.inc"
#undef LAIC_FAMILY
}

LaicDialect::~LaicDialect() = default;

#include "laic/Dialect/Laic/OnnxTable.inc"

llvm::ArrayRef<OnnxOpRow> laic::getOnnxOpTable() { return kOnnxOps; }

const OnnxOpRow *laic::findOnnxOp(llvm::StringRef domain, llvm::StringRef onnx) {
  auto key = std::make_pair(domain, onnx);
  const OnnxOpRow *row = llvm::lower_bound(kOnnxOps, key, [](const OnnxOpRow &row, const auto &key) {
    return std::make_pair(llvm::StringRef(row.domain), llvm::StringRef(row.onnx)) < key;
  });
  if (row == std::end(kOnnxOps) || row->domain != domain || row->onnx != onnx)
    return nullptr;
  return row;
}

const OnnxOpRow *laic::findOnnxOp(OperationName name) {
  static const llvm::StringMap<const OnnxOpRow *> byMnemonic = [] {
    llvm::StringMap<const OnnxOpRow *> map;
    for (const OnnxOpRow &row : kOnnxOps)
      map[row.mnemonic] = &row;
    return map;
  }();
  return byMnemonic.lookup(name.getStringRef());
}

unsigned laic::typedOperand(const OnnxOpRow &row) { return kTypedOperands[&row - kOnnxOps]; }

bool laic::acceptsElement(const OnnxOpRow &row, llvm::StringRef element) {
  llvm::SmallVector<llvm::StringRef> accepted;
  llvm::StringRef(row.dtypes).split(accepted, ' ');
  return llvm::is_contained(accepted, element);
}
