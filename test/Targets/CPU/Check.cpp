// The comparison behind PassTest.
#include "Check.h"

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::test;

namespace {

/// A small repeatable sequence of numbers: eighths in [-4, 4), or whole numbers for integers.
class Numbers {
public:
  double next(Type element) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    int64_t value = int64_t(state >> 58) - 32;
    return element.isInteger() ? value : value / 8.0;
  }

private:
  uint64_t state = 20;
};

void randomize(ConstantOp op, Numbers &numbers) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<Attribute> elements;
  Builder b(op.getContext());
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    double value = numbers.next(type.getElementType());
    elements.push_back(type.getElementType().isInteger() ? Attribute(b.getIntegerAttr(type.getElementType(), int64_t(value)))
                                                         : b.getFloatAttr(type.getElementType(), value));
  }
  op.setValueAttr(DenseElementsAttr::get(type, elements));
}

Array argument(func::FuncOp func, BlockArgument arg, ArrayRef<int64_t> symbols, Numbers &numbers) {
  auto type = cast<RankedTensorType>(arg.getType());
  Array array{SmallVector<int64_t>(type.getShape()), {}};
  if (auto entries = func->getAttrOfType<ArrayAttr>("laic.symbols"))
    for (auto [i, entry] : llvm::enumerate(entries.getAsRange<DictionaryAttr>()))
      if (auto number = entry.getAs<IntegerAttr>("arg"); number && number.getInt() == arg.getArgNumber())
        array.shape[entry.getAs<IntegerAttr>("index").getInt()] = symbols[i];
  int64_t count = 1;
  for (int64_t size : array.shape)
    count *= size;
  for (int64_t i = 0; i < count; ++i)
    array.data.push_back(numbers.next(type.getElementType()));
  return array;
}

void expectEqual(const Array &got, const Array &want) {
  ASSERT_EQ(got.shape, want.shape);
  for (size_t i = 0; i < want.data.size(); ++i)
    if (!(std::abs(got.data[i] - want.data[i]) <= 1e-6 * (1 + std::abs(want.data[i]))))
      FAIL() << "element " << i << " is " << got.data[i] << ", expected " << want.data[i];
}

} // namespace

PassTest::PassTest() {
  context.loadDialect<LaicDialect, func::FuncDialect, linalg::LinalgDialect, tensor::TensorDialect, arith::ArithDialect,
                      math::MathDialect>();
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
      remarks.push_back(diagnostic.str());
    else
      llvm::errs() << diagnostic << "\n";
  });
}

void PassTest::check(StringRef text, std::function<void(OpPassManager &)> pipeline, ArrayRef<int64_t> symbols) {
  module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  ASSERT_TRUE(module) << text.str();
  Numbers numbers;
  module->walk([&](ConstantOp op) { randomize(op, numbers); });
  auto func = *module->getOps<func::FuncOp>().begin();
  std::vector<Array> arguments;
  for (BlockArgument arg : func.getArguments())
    arguments.push_back(argument(func, arg, symbols, numbers));
  Interpretation want = interpret(func, arguments, symbols);
  ASSERT_EQ(want.error, "") << text.str();

  PassManager manager(&context);
  pipeline(manager.nest<func::FuncOp>());
  ASSERT_TRUE(succeeded(manager.run(*module))) << print();
  ASSERT_TRUE(succeeded(verify(*module))) << print();
  func = *module->getOps<func::FuncOp>().begin();
  Interpretation got = interpret(func, arguments, symbols);
  ASSERT_EQ(got.error, "") << print();
  ASSERT_EQ(got.results.size(), want.results.size());
  for (size_t i = 0; i < want.results.size(); ++i)
    expectEqual(got.results[i], want.results[i]);
  if (HasFailure())
    llvm::errs() << print();
}

std::string PassTest::print() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  return text;
}
