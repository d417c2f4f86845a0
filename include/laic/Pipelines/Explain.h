// What --explain says of a schedule: one row per step, with what it moves and computes.
#ifndef LAIC_PIPELINES_EXPLAIN_H
#define LAIC_PIPELINES_EXPLAIN_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace laic {

/// What one call of a step costs, over the size symbols of its entry. flops are arithmetic operations, two per multiply-add; null
/// where the loops depend on data (search, scan, recurrence).
struct StepCost {
  mlir::AffineExpr bytes; // of all operands, read and written once
  mlir::AffineExpr flops;
};

/// The cost of a plan.step or plan.copy.
StepCost costOfStep(mlir::Operation *step);

struct ExplainRow {
  std::string nodes;        // the ONNX nodes that were fused into it, joined by '+'
  std::string kernel;       // or "copy"
  std::string device;       // where it runs, or for a copy between devices where to
  std::string whyHost;      // why the host runs it in a plan for another device; empty otherwise
  std::string bytes, flops; // numbers, or formulas over the model's dims; "?" where unknown
};

/// The table of a scheduled module.
std::vector<ExplainRow> explainSchedule(mlir::ModuleOp module);
/// As text: one line per row, columns aligned; then what the plan's device does not run, and why.
std::string formatExplanation(const std::vector<ExplainRow> &rows);

} // namespace laic
#endif
