// Passes that know no target: from lowered linalg to dispatches and the schedule.
#ifndef LAIC_TRANSFORMS_PASSES_TD
#define LAIC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"laic-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Fuse pointwise linalg operations where that repeats no work worth mentioning";
  let description = [{
    Folds small constants into bodies, fuses pointwise producers into pointwise consumers and cheap ones into pure
    reductions, never into contractions, and removes what is left over.
  }];
  let options = [
    Option<"maxOperands", "max-operands", "unsigned", "12", "Most operands that a fused operation may have">,
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def NormalizeRoots : Pass<"laic-normalize-roots", "::mlir::func::FuncOp"> {
  let summary = "one data-moving operation at a time: generalise named ops, drop casts, unshare fills, resolve dims";
  let description = [{
    Afterwards every named linalg operation but fill and transpose is a linalg.generic, every linalg.fill that starts an
    accumulation has one user, tensor.cast is gone and tensor.dim is a laic.size.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def ShareKernels : Pass<"laic-share-kernels", "::mlir::func::FuncOp"> {
  let summary = "Make operations equal that differ in numbers alone";
  let description = [{
    Numbers in the bodies of linalg.generic and laic.contract (also inside laic.rows) that are not the same in operations that are equal
    otherwise become operands: tensors of one element. Dispatches of such operations then share a kernel. Canonicalisation would
    fold them back, so this comes last.

    ```mlir
    %1 = linalg.generic ... ins(%x) { ... %y = arith.mulf %a, %c2 ... }
    %2 = linalg.generic ... ins(%1) { ... %y = arith.mulf %a, %c3 ... }
    // becomes
    %s = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
    %1 = linalg.generic ... ins(%x, %s) { ... %y = arith.mulf %a, %b ... }
    ```
  }];
  let options = [
    Option<"mostOperands", "most-operands", "unsigned", "12", "Most operands that an operation may have afterwards">,
  ];
  let dependentDialects = ["::laic::LaicDialect"];
}

def FormDispatches : Pass<"laic-form-dispatches", "::mlir::ModuleOp"> {
  let summary = "Outline every operation of @main that moves or computes data into a kernel function and a plan.dispatch";
  let description = [{
    Equal kernels become one function. Only views, constants, sizes and dispatches are left in @main.

    ```mlir
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %1 = linalg.generic ... ins(%x) outs(%e)
    // becomes
    %1 = plan.dispatch @laic_tanh_f32_dx4(%x)[%n] shapes [affine_map<()[s0] -> (s0, 4)>] : (tensor<?x4xf32>) -> tensor<?x4xf32>
    func.func private @laic_tanh_f32_dx4(%x: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> { ... }
    ```
  }];
  let options = [
    Option<"device", "device", "std::string", "\"cpu\"", "Device of the dispatches">,
    Option<"padded", "padded", "bool", "false", "the device has code for contractions and transposes that write into the middle of what tensor.pad makes">,
  ];
  let dependentDialects = ["::laic::plan::PlanDialect", "::laic::LaicDialect", "::mlir::arith::ArithDialect"];
}

def InsertTransfers : Pass<"laic-insert-transfers", "::mlir::ModuleOp"> {
  let summary = "Move tensors of @main between devices by plan.transfer";
  let description = [{
    Arguments and results live in host memory, results of a dispatch on its device, constants everywhere. A value is moved once to a
    device, before its first use there; views are repeated behind the move.

    ```mlir
    %1 = plan.dispatch @a(%x) on "device" ...
    %2 = plan.dispatch @b(%1) on "host" ...
    // becomes
    %x1 = plan.transfer %x to "device" : tensor<4xf32>
    %1 = plan.dispatch @a(%x1) on "device" ...
    %3 = plan.transfer %1 to "host" : tensor<4xf32>
    %2 = plan.dispatch @b(%3) on "host" ...
    ```
  }];
  let options = [
    Option<"device", "device", "std::string", "\"\"", "Device that the plan is for">,
    Option<"host", "host", "std::string", "\"host\"", "Device of host memory">,
  ];
  let dependentDialects = ["::laic::plan::PlanDialect"];
}

def ScheduleProgram : Pass<"laic-schedule-program", "::mlir::ModuleOp"> {
  let summary = "Turn @main and its dispatches into a plan.entry: order, lifetimes, arena, checks";
  let description = [{
    Kernels carry `laic.tiles`, `laic.workspace` and `laic.parameters`: maps over the dynamic dims of arguments and results, then the
    index arguments. Without them a kernel has one tile, no workspace, and the index arguments as its scalars.
  }];
  let options = [
    Option<"device", "device", "std::string", "\"cpu\"", "Device that the plan is for">,
    Option<"host", "host", "std::string", "\"\"", "Device of the dispatches that the host runs in it; empty: the plan is for the host">,
  ];
  let dependentDialects = ["::laic::plan::PlanDialect"];
}

#endif
