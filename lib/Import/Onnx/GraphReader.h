// Builds a Model from a parsed ModelProto: tensors checked, Constant nodes turned into initialisers,
// functions inlined.
//
// The result is neither sorted nor checked for undefined names (see GraphCheck.h) and still at the opsets of
// the file.
#ifndef LAIC_LIB_IMPORT_ONNX_GRAPHREADER_H
#define LAIC_LIB_IMPORT_ONNX_GRAPHREADER_H

#include "TensorReader.h"

#include <unordered_set>

namespace laic {
namespace onnx {

// Every name that a model uses, so that new ones can be told from them.
class NameSet {
public:
  void add(const std::string &name) { names.insert(name); }
  // `wanted`, or `wanted` with the first free number behind it; taken from then on.
  std::string fresh(const std::string &wanted);

private:
  std::unordered_set<std::string> names;
  std::unordered_map<std::string, uint64_t> next;
};

class GraphReader {
public:
  GraphReader(const onnx_proto::ModelProto &proto, TensorReader &tensors, NameSet &names, Reporter &reporter, Model &model)
      : proto(proto), tensors(tensors), names(names), reporter(reporter), model(model) {}

  bool read();

private:
  using Opsets = std::map<std::string, int64_t>;
  using Bindings = std::map<std::string, Attribute>;

  // How names are seen in a graph or in the body of a function. Inside functions every name is replaced.
  struct Scope {
    const Scope *parent = nullptr;
    bool renames = false;
    std::string prefix; // for new names of values and nodes
    const Opsets *opsets = nullptr;
    const Bindings *bindings = nullptr;                            // attributes of the enclosing call; null outside functions
    mutable std::unordered_map<std::string, std::string> replaced; // grows as the body is read
  };

  bool readHeader();
  bool readOpsets(const google::protobuf::RepeatedPtrField<onnx_proto::OperatorSetIdProto> &list, const std::string &where,
                  Opsets &opsets);
  bool collectFunctions();
  void collectNames(const onnx_proto::GraphProto &graph);

  bool readGraph(const onnx_proto::GraphProto &proto, const std::string &where, const Scope &scope, Graph &graph);
  void readInitializers(const onnx_proto::GraphProto &proto, const std::string &where, const Scope &scope, Graph &graph);
  bool readValueInfo(const onnx_proto::ValueInfoProto &proto, const std::string &where, const Scope &scope, ValueInfo &info,
                     bool isHint);
  bool addInitializer(Graph &graph, const std::string &name, std::shared_ptr<Tensor> tensor, const std::string &where);

  using NodeList = google::protobuf::RepeatedPtrField<onnx_proto::NodeProto>;
  void readNodes(const NodeList &list, const Scope &scope, Graph &graph);
  void readNode(const onnx_proto::NodeProto &proto, int index, const Scope &scope, Graph &graph);
  bool readConstant(const onnx_proto::NodeProto &proto, const Scope &scope, const Node &node, Graph &graph);
  void inlineCall(const onnx_proto::NodeProto &proto, const onnx_proto::FunctionProto &function, const Scope &scope, Node &call,
                  Graph &graph);
  bool readAttribute(const onnx_proto::AttributeProto &proto, const Node &node, const Scope &scope, Attribute &attribute,
                     bool &absent);
  bool readAttributeValue(const onnx_proto::AttributeProto &proto, const Node &node, const Scope &scope, Attribute &attribute);
  std::shared_ptr<Graph> readSubgraph(const onnx_proto::GraphProto &proto, const Node &node, const std::string &attribute,
                                      const Scope &scope);

  std::shared_ptr<Graph> clone(const Graph &graph);

  std::string rename(const std::string &name, const Scope &scope);
  int64_t opsetOf(const std::string &domain, const Scope &scope) const;

  const onnx_proto::ModelProto &proto;
  TensorReader &tensors;
  NameSet &names;
  Reporter &reporter;
  Model &model;
  std::map<std::string, const onnx_proto::FunctionProto *> functions; // by "domain\0name\0overload"
  std::vector<const onnx_proto::FunctionProto *> calls;               // being inlined
  int nesting = 0;                                                    // subgraphs and calls around the current node
  uint64_t inlined = 0;                                               // calls and nodes of function bodies so far
  bool exhausted = false;
};

} // namespace onnx
} // namespace laic
#endif
