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

def FormAppends : Pass<"laic-form-appends", "::mlir::func::FuncOp"> {
  let summary = "Say where a result of the program is one of its inputs with new elements behind it";
  let description = [{
    A concatenation of an input and something else that is returned becomes laic.append, which need not copy the input where the caller
    gives both the same memory. One that makes room with zeros for what a laic.append then writes becomes part of it.

    ```mlir
    %present = tensor.concat dim(2) %past, %now : (tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>) -> tensor<?x4x?x64xf32>
    // becomes
    %present = laic.append %past, %now sizes %batch, %total {axis = 2} : ...
    ```
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::tensor::TensorDialect"];
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

def GrowInPlace : Pass<"laic-grow-in-place", "::mlir::ModuleOp"> {
  let summary = "Let key-value caches lie in memory that has room for more, and grow there";
  let description = [{
    Where a returned laic.append continues an input of @main that nothing else reads, and every kernel that reads what it makes takes
    strides, the input, the result and the kernels' arguments get `laic.room`: the dim along which memory may have places for more than
    the tensor has elements. Their strides before that dim are then those of the memory. The result also gets `laic.grows`, the number of
    the input whose memory it may share.

    ```mlir
    func.func @main(%past: tensor<1x4x?x64xf32>, ...) -> tensor<1x4x?x64xf32>
    // becomes
    func.func @main(%past: tensor<1x4x?x64xf32> {laic.room = 2}, ...) -> (tensor<1x4x?x64xf32> {laic.room = 2, laic.grows = 0})
    ```

    A kernel that other dispatches use without room is repeated.
  }];
  let dependentDialects = ["::laic::plan::PlanDialect"];
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
    index arguments. Without them a kernel has one tile, no workspace, and the index arguments as its scalars. What has `laic.room` (see
    laic-grow-in-place) becomes buffers with room.
  }];
  let options = [
    Option<"device", "device", "std::string", "\"cpu\"", "Device that the plan is for">,
    Option<"host", "host", "std::string", "\"\"", "Device of the dispatches that the host runs in it; empty: the plan is for the host">,
  ];
  let dependentDialects = ["::laic::plan::PlanDialect"];
}

#endif
