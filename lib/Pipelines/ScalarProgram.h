// The size program of a plan: affine expressions over size symbols become scalars, equal ones once.
#ifndef LAIC_LIB_PIPELINES_SCALARPROGRAM_H
#define LAIC_LIB_PIPELINES_SCALARPROGRAM_H

#include "laic/Artifact/artifact_generated.h"
#include "laic/Dialect/Laic/SizeSymbols.h"

#include <map>
#include <tuple>

namespace laic {

class ScalarProgram {
public:
  /// `reads`: the position in the plan of each read, by its number.
  ScalarProgram(const SizeSymbols &symbols, llvm::DenseMap<int64_t, uint32_t> reads)
      : symbols(symbols), reads(std::move(reads)) {}

  /// Index of the scalar that holds the expression's value.
  uint32_t get(mlir::AffineExpr expr);
  uint32_t constant(int64_t value);
  const std::vector<artifact::Scalar> &scalars() const { return list; }

private:
  uint32_t add(artifact::ScalarOp op, uint32_t a, uint32_t b, int64_t value = 0);
  uint32_t binary(mlir::AffineBinaryOpExpr expr);
  uint32_t symbol(unsigned position);
  uint32_t truncatingDivision(uint32_t a, uint32_t b, bool positive);
  uint32_t floorModulo(uint32_t a, uint32_t b);
  uint32_t negate(uint32_t a);
  uint32_t select(uint32_t condition, uint32_t a, uint32_t b);

  const SizeSymbols &symbols;
  llvm::DenseMap<int64_t, uint32_t> reads;
  std::vector<artifact::Scalar> list;
  std::map<std::tuple<int, uint32_t, uint32_t, int64_t>, uint32_t> known;
  llvm::DenseMap<mlir::AffineExpr, uint32_t> exprs;
};

} // namespace laic
#endif
