// Operations into nodes of a graph.
#ifndef LAIC_LIB_EXPORT_GRAPHWRITER_H
#define LAIC_LIB_EXPORT_GRAPHWRITER_H

#include "TensorWriter.h"
#include "laic/Import/Onnx/Versions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

#include <map>

namespace laic {

/// Names that are given once each.
class UniqueNames {
public:
  void reserve(llvm::StringRef name) { taken.insert(name); }
  /// The name, or the name with a number where it is taken.
  std::string make(const std::string &name);

private:
  llvm::StringSet<> taken;
  llvm::StringMap<unsigned> next;
};

/// Fills a graph with what a function computes.
class GraphWriter {
public:
  GraphWriter(mlir::func::FuncOp function, onnx_proto::GraphProto &graph, TensorWriter &tensors)
      : function(function), graph(graph), tensors(tensors) {}

  /// Reports every operation that ONNX has no form for.
  llvm::LogicalResult run();
  /// The opsets that the nodes ask for, by domain.
  const std::map<std::string, int64_t> &getOpsets() const { return opsets; }

private:
  void writeInputs();
  void nameOutputs();
  llvm::LogicalResult writeOperation(mlir::Operation &op);
  void writeNode(mlir::Operation &op, const OnnxOpRow &row);
  void writeAttributes(mlir::Operation &op, const OnnxOpRow &row, onnx_proto::NodeProto &node, onnx::NodeUse &use);
  void writeConstant(class ConstantOp op);
  void writeStrings(class HostFunctionOp op);
  void writeOutputs(mlir::Operation &terminator);
  void writeType(onnx_proto::ValueInfoProto &info, mlir::Type type, mlir::ArrayAttr dims);
  void require(const std::string &domain, int64_t opset);
  void noteElement(mlir::Type type, std::set<std::string> &elements);
  onnx_proto::NodeProto &addNode(const std::string &op, const std::string &name);

  mlir::func::FuncOp function;
  onnx_proto::GraphProto &graph;
  TensorWriter &tensors;
  std::map<std::string, int64_t> opsets;
  UniqueNames values, nodes;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::OperationName, mlir::Operation *> defaults; // an operation whose attributes nobody has set
};

} // namespace laic
#endif
