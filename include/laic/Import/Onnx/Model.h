// A validated ONNX model without protobuf and without MLIR: the hand-over between the first stage of import (reads and
// distrusts bytes) and the second (builds `laic` operations).
//
// Invariants that the second stage relies on:
//  - every node is at the operator version that opset 28 (or the newest version of its domain) names: upgrades are done;
//  - model-local functions are inlined; nodes are in topological order, subgraphs included;
//  - every value name is defined once per scope before use; an absent optional input or output has the empty name;
//  - every tensor's bytes have exactly the size that dtype and dims ask for, and stay mapped or owned while Model lives;
//  - initialisers that are also inputs are initialisers only (Graph::inputs lists what the caller must feed).
#ifndef LAIC_IMPORT_ONNX_MODEL_H
#define LAIC_IMPORT_ONNX_MODEL_H

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laic {
namespace onnx {

// Numbered as onnx.TensorProto.DataType.
enum class DataType : uint8_t {
  Undefined = 0,
  F32 = 1,
  U8 = 2,
  I8 = 3,
  U16 = 4,
  I16 = 5,
  I32 = 6,
  I64 = 7,
  String = 8,
  Bool = 9,
  F16 = 10,
  F64 = 11,
  U32 = 12,
  U64 = 13,
  C64 = 14,
  C128 = 15,
  BF16 = 16,
  F8E4M3FN = 17,
  F8E4M3FNUZ = 18,
  F8E5M2 = 19,
  F8E5M2FNUZ = 20,
  U4 = 21,
  I4 = 22,
  F4E2M1 = 23,
  F8E8M0 = 24,
  U2 = 25,
  I2 = 26,
  F6E2M3 = 27,
  F6E3M2 = 28
};
const char *dataTypeName(DataType type); // "f32", "i64", ..., "?" when unknown
unsigned dataTypeBits(DataType type);    // 0 for strings and unknown types

// Little-endian dense bytes (sub-byte types packed as ONNX raw_data). Not owned: Model keeps what they point to.
struct Tensor {
  std::string name;
  DataType type = DataType::Undefined;
  std::vector<int64_t> dims;
  const uint8_t *data = nullptr;
  uint64_t size = 0;
  std::vector<std::string> strings; // DataType::String only
  std::string file;                 // where the bytes lie, for `#laic.weight`: model or external file; empty when owned
  uint64_t offset = 0;              // of data in file
};

struct Dim {
  int64_t value = -1; // -1: unknown
  std::string symbol; // dim_param, or empty
};

struct ValueInfo {
  enum class Kind : uint8_t { Tensor, Sequence, Optional, Map, Other };
  std::string name;
  Kind kind = Kind::Tensor;
  DataType key = DataType::Undefined;    // Kind::Map alone
  DataType type = DataType::Undefined;   // of the (element) tensor; Kind::Map: of the values
  std::optional<std::vector<Dim>> shape; // absent: unknown rank
  bool ofSequence = false; // Kind::Optional: it holds a sequence of such tensors; Kind::Map: is a sequence of such maps
};

struct Graph;

struct Attribute {
  enum class Kind : uint8_t { Int, Float, String, Tensor, Graph, Ints, Floats, Strings, Tensors, Graphs, Type };
  std::string name;
  Kind kind = Kind::Int;
  int64_t i = 0;
  float f = 0;
  std::string s;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<std::string> strings;
  std::shared_ptr<Tensor> tensor;
  std::vector<std::shared_ptr<Tensor>> tensors;
  std::shared_ptr<Graph> graph;
  std::vector<std::shared_ptr<Graph>> graphs;
  std::shared_ptr<ValueInfo> type; // `type` of Optional
};

struct Node {
  std::string name;   // never empty: unnamed nodes get "<op>_<index>"
  std::string domain; // "" for ai.onnx
  std::string op;
  int64_t opset = 0; // version of the domain that the file asked for (for diagnostics)
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes;
  const Attribute *attribute(const std::string &name) const;
};

struct Graph {
  std::string name;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::map<std::string, std::shared_ptr<Tensor>> initializers;
  std::vector<Node> nodes;
  std::map<std::string, ValueInfo> values; // value_info: hints, possibly wrong
};

struct Model {
  std::string path;
  std::string producer;
  int64_t irVersion = 0;
  std::map<std::string, int64_t> opsets;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> externalFiles; // for dependency files
  Graph graph;
  std::shared_ptr<void> storage;                              // mappings and owned bytes
  std::vector<std::pair<const uint8_t *, uint64_t>> mappings; // of whole files: address and length

  /// Do these bytes lie in a mapped file? Their pages may be dropped, and come back from the file.
  bool isMapped(const uint8_t *bytes) const {
    for (auto [start, length] : mappings)
      if (bytes >= start && bytes < start + length)
        return true;
    return false;
  }
};

struct Diagnostic {
  std::string message; // "model.onnx: node 'conv1' (Conv, opset 11): ..." lower-case, no final period
  std::string note;    // how to mend it; may be empty
};

struct ReadOptions {
  std::string externalDataRoot; // --external-data-root, or empty
};

// Reads, validates, inlines functions, sorts and upgrades. On failure returns null and at least one diagnostic; all nodes
// that no upgrade exists for are listed. Never throws, never crashes on hostile bytes.
std::unique_ptr<Model> readModel(const std::string &path, const ReadOptions &options, std::vector<Diagnostic> &diagnostics);
// The same for a model in memory, which must outlive the Model: tensors point into it. External data is resolved against
// `directory` (empty: refused).
std::unique_ptr<Model> readModel(const void *data, size_t size, const std::string &name, const std::string &directory,
                                 const ReadOptions &options, std::vector<Diagnostic> &diagnostics);

} // namespace onnx
} // namespace laic
#endif
