// What the pipeline asks of a target: legal layouts, code for kernels, and which chips and options exist.
#ifndef LAIC_TARGET_TARGET_H
#define LAIC_TARGET_TARGET_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laic {
struct OnnxOpRow;

/// One kernel function's code within a blob.
struct KernelCode {
  std::string name;
  uint64_t offset = 0, size = 0;
  uint32_t threads = 0; // per workgroup, where the code does not say so itself
};

/// The code of all kernels for one feature level.
struct CodeBlob {
  std::vector<std::string> requires_; // what a machine must have, e.g. {"x86-64-v4"}; a runtime driver knows the words
  std::vector<char> bytes;            // free of relocations and imports: map it at a page boundary, call bytes + offset
  std::vector<KernelCode> kernels;    // in the order of the functions
  bool hostRunnable = false;          // may be run on this machine (folding of constants)
};

/// Appends a kernel's code at the next multiple of kCodeAlignment.
void appendCode(CodeBlob &blob, llvm::StringRef name, llvm::StringRef bytes, uint32_t threads);
constexpr uint64_t kCodeAlignment = 16;

/// What the plan must know of a kernel, whatever its level.
/// Symbols of both maps: first every DYNAMIC dim of arguments, then of results, tensor by tensor, dim by dim; then the
/// index arguments.
struct KernelInfo {
  mlir::AffineMap tiles;      // ()[symbols] -> (count); may multiply symbols and divide by them
  mlir::AffineMap workspace;  // ()[symbols] -> (bytes per thread)
  mlir::AffineMap parameters; // ()[symbols] -> (what the kernel gets as scalars); null: the index arguments, in order
  std::string whyNot;         // the target has no code for this kernel: the host runs it; empty otherwise
};

struct CodegenResult {
  std::vector<KernelInfo> infos; // one per function
  std::vector<CodeBlob> blobs;   // best level first
};

/// What may change the bits of a result (docs/Numerics.md): algorithms that do not bound the error of every element by itself
/// (Default), none of those (Strict), or also weights of products in bf16 (BF16).
enum class Math { Default, Strict, BF16 };

struct TargetOptions {
  std::vector<std::string> levels; // canonical, as `parseLevels` returns them; empty: the target's default
  unsigned threads = 0;            // for compiling; 0: all
  bool explain = false;            // emit remarks that say what was chosen and why
  bool quick = false;              // for code that runs a few times: made in less time, and slower
  Math math = Math::Default;
};

/// A file of a project, by its path below the project's folder.
struct ProjectFile {
  std::string path, text;
};

/// The work of a target that takes the simplified graph and writes a project of its own instead of code for an artifact. Stateless as
/// Target is; errors are diagnostics.
class ProjectTarget {
public:
  virtual ~ProjectTarget() = default;
  /// Phase dispatch: the graph in @main becomes operations of the target's own dialect. Float tensors carry `laic.range` where calibration
  /// has seen them.
  virtual llvm::LogicalResult convert(mlir::ModuleOp graph, const TargetOptions &options) const = 0;
  /// Phase schedule.
  virtual llvm::LogicalResult schedule(mlir::ModuleOp module, const TargetOptions &options) const = 0;
  /// Phase emit: all files. Appends what --explain prints.
  virtual std::vector<ProjectFile> print(mlir::ModuleOp module, std::string &explanation) const = 0;
};

/// One per folder of lib/Targets. Stateless: calls may come from several threads for different modules.
class Target {
public:
  virtual ~Target() = default;
  virtual llvm::StringRef getName() const = 0;
  /// One line for --help.
  virtual llvm::StringRef getSummary() const = 0;
  /// Chips or feature levels that `parseLevels` knows, for --help.
  virtual std::vector<std::string> getChips() const = 0;
  /// The option that names its levels: "cpu" or "chip".
  virtual llvm::StringRef getLevelOption() const { return "chip"; }
  /// Kinds of --emit beside `artifact` and `mlir`.
  virtual std::vector<std::string> getEmitKinds() const { return {}; }
  /// Checks the user's list of levels ("native,x86-64-v3") and appends canonical ones to `levels`, best first, without
  /// duplicates. Returns what is wrong and how to mend it, or nothing.
  virtual std::optional<std::string> parseLevels(llvm::StringRef text, std::vector<std::string> &levels) const = 0;
  /// Why the target cannot run an operator on that element type (`elementTypeName`) of its typed operand; nothing when it can.
  /// Asked for every operation that reaches the target, and by the support matrix for all that the records claim.
  virtual std::optional<std::string> refusal(const OnnxOpRow &op, llvm::StringRef element) const { return std::nullopt; }
  /// Whether it makes use of `math`; one that does not is refused together with that --math.
  virtual bool hasMath(Math math) const { return math != Math::BF16; }
  /// Whether its code runs on the processor that runs the runtime, on memory that the runtime addresses. The one host target folds
  /// constants for all others and runs what they have no code for.
  virtual bool isHost() const { return false; }
  /// Of a host target: what to compile for what runs while compiling. The first of `levels` that this machine runs, otherwise its own.
  virtual std::string levelOfThisMachine(llvm::ArrayRef<std::string> levels) const { return ""; }
  /// Brings a lowered module into the target's layouts: afterwards every tensor operation is one root (see
  /// lib/Transforms/FormDispatches.cpp).
  virtual llvm::LogicalResult prepare(mlir::ModuleOp module, const TargetOptions &options) const { return llvm::success(); }
  /// Code for kernel functions (one root each). They are only read. A kernel that the target cannot run has `whyNot` set and stands in
  /// no blob; the host target, which has nobody to leave it to, reports every such kernel as an error instead.
  virtual llvm::FailureOr<CodegenResult> codegen(llvm::ArrayRef<mlir::func::FuncOp> kernels, const TargetOptions &options) const {
    return CodegenResult();
  }
  /// The target's way to a project, for one that writes no code into artifacts (`prepare` and `codegen` are not called); null otherwise.
  virtual const ProjectTarget *getProject() const { return nullptr; }
  /// Adds the dialects that only this target has.
  virtual void registerDialects(mlir::DialectRegistry &registry) const {}
  /// Makes the target's passes known to laic-opt.
  virtual void registerPasses() const {}
};

/// All targets of this build, sorted by name (generated from the folders of lib/Targets).
llvm::ArrayRef<std::unique_ptr<Target>> getTargets();
/// The target of that name, or null.
const Target *findTarget(llvm::StringRef name);
/// The target whose code runs on the host, or null in a build without one.
const Target *findHostTarget();

} // namespace laic
#endif
