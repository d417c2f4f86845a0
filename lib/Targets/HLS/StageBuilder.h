// Builds a design stage by stage: names, ROMs, streams, and loops over local arrays.
#ifndef LAIC_LIB_TARGETS_HLS_STAGEBUILDER_H
#define LAIC_LIB_TARGETS_HLS_STAGEBUILDER_H

#include "Encoding.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringSet.h"

namespace laic::hls {

class DesignBuilder {
public:
  DesignBuilder(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef name);

  DesignOp getDesign() const { return design; }
  mlir::MLIRContext *getContext() { return design.getContext(); }
  /// A C identifier that nothing in the design has, made from a node's name and a suffix.
  std::string uniqueName(mlir::Location node, llvm::StringRef suffix);
  StreamOp stream(mlir::Location loc, llvm::StringRef name, unsigned lanes, NumType element);
  /// Ports stand before everything else.
  PortOp port(mlir::Location loc, llvm::StringRef name, bool output, int64_t index, mlir::RankedTensorType tensor,
              const Order &order, const Encoding &encoding, StreamType type);
  RomOp rom(mlir::Location loc, llvm::StringRef name, llvm::ArrayRef<int64_t> raw, llvm::ArrayRef<int64_t> shape, NumType element,
            llvm::ArrayRef<int64_t> partition = {});
  StageOp stage(mlir::Location loc, llvm::StringRef name, llvm::StringRef kind, mlir::ValueRange inputs,
                mlir::ValueRange outputs);

private:
  DesignOp design;
  llvm::StringSet<> names;
};

/// Emits the body of a stage. Index arithmetic with constants is folded; a plain or unrolled loop of one iteration is only its body.
class StageBuilder {
public:
  explicit StageBuilder(StageOp stage);

  using Body = llvm::function_ref<void(mlir::Value index)>;
  void loop(llvm::StringRef label, int64_t trip, Body body);
  void pipelined(llvm::StringRef label, int64_t trip, Body body);
  void unrolled(llvm::StringRef label, int64_t trip, Body body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);

  // ---- indices ----
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, index(y)); }
  mlir::Value mul(mlir::Value x, int64_t y);
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value rem(mlir::Value x, int64_t y);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, int64_t y);
  mlir::Value both(mlir::Value x, mlir::Value y); // null: true
  mlir::Value negate(mlir::Value condition);

  // ---- storage ----
  mlir::Value buffer(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, NumType element, llvm::ArrayRef<int64_t> partition);
  void read(unsigned input, mlir::Value array, mlir::ValueRange indices);
  void write(unsigned output, mlir::Value array, mlir::ValueRange indices);
  mlir::Value load(mlir::Value array, mlir::ValueRange indices);
  mlir::Value load(RomOp rom, mlir::ValueRange indices);
  void store(mlir::Value value, mlir::Value array, mlir::ValueRange indices);

  /// The constant of a type by its raw integer.
  mlir::Value constant(NumType type, int64_t raw);
  mlir::Value convert(mlir::Value value, NumType type, Rounding rounding, Overflow overflow);
  /// The raw integer of a number.
  mlir::Value raw(mlir::Value value);
  /// The same bits as fixed point, where `encoding` is.
  mlir::Value asEncoded(mlir::Value raw, const Encoding &encoding);

  StageOp getStage() const { return stage; }
  mlir::ImplicitLocOpBuilder b;

private:
  void loop(llvm::StringRef label, int64_t trip, std::optional<int64_t> ii, bool unroll, Body body);
  StageOp stage;
};

} // namespace laic::hls
#endif
