// What the reader makes of good models: names, order, constants, types, functions, memory.
#include "ModelBuilder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

using namespace laic::onnx;
using namespace laic::onnx_proto;

namespace {

std::vector<std::string> nodeNames(const Graph &graph) {
  std::vector<std::string> names;
  for (const Node &node : graph.nodes)
    names.push_back(node.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Reader, ReadsHeader) {
  ModelProto model = reluModel();
  model.set_producer_name("pytorch");
  model.set_producer_version("2.9");
  auto *entry = model.add_metadata_props();
  entry->set_key("k");
  entry->set_value("v");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->producer, "pytorch 2.9");
  EXPECT_EQ(outcome.model->irVersion, 10);
  EXPECT_EQ(outcome.model->metadata.at("k"), "v");
  EXPECT_EQ(outcome.model->opsets.at(""), 21);
  EXPECT_TRUE(outcome.diagnostics.empty());
}

TEST(Reader, AssumesOpsetsThatAreMissing) {
  ModelProto model = reluModel();
  model.clear_opset_import();
  addNode(*model.mutable_graph(), "FusedGelu", {"x"}, {"z"}, "gelu")->set_domain("com.example");
  EXPECT_EQ(readProto(model).model->graph.nodes[0].opset, 28);
  EXPECT_EQ(readProto(model).model->graph.nodes[1].opset, 1);
  model.set_ir_version(2); // before imports existed
  EXPECT_EQ(readProto(model).model->graph.nodes[0].opset, 1);
}

TEST(Reader, TakesAiOnnxForTheDefaultDomain) {
  ModelProto model = reluModel();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.nodes[0].domain, "");
  EXPECT_EQ(outcome.model->graph.nodes[0].opset, 21);
}

TEST(Reader, SortsNodesAndKeepsOrderOtherwise) {
  ModelProto model = emptyModel();
  GraphProto &graph = *model.mutable_graph();
  addNode(graph, "Add", {"b", "c"}, {"y"}, "last");
  addNode(graph, "Abs", {"x"}, {"c"}, "second");
  addNode(graph, "Abs", {"x"}, {"b"}, "third");
  addNode(graph, "Abs", {"x"}, {"d"}, "fourth");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(nodeNames(outcome.model->graph), (Names{"second", "third", "last", "fourth"}));
}

TEST(Reader, SortsByWhatSubgraphsTake) {
  ModelProto model = emptyModel();
  GraphProto &graph = *model.mutable_graph();
  NodeProto *choice = addNode(graph, "If", {"c"}, {"y"}, "if");
  addInput(graph, "c", TensorProto::BOOL, {});
  for (const char *branch : {"then_branch", "else_branch"}) {
    GraphProto *inner = addGraph(*choice, branch);
    addNode(*inner, "Neg", {"n"}, {"m"}, "late");
    addNode(*inner, "Abs", {"outside"}, {"n"}, "early");
    addOutput(*inner, "m");
  }
  addNode(graph, "Exp", {"x"}, {"outside"}, "exp");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(nodeNames(outcome.model->graph), (Names{"exp", "if"}));
  EXPECT_EQ(nodeNames(*outcome.model->graph.nodes[1].attribute("then_branch")->graph), (Names{"early", "late"}));
}

TEST(Reader, DropsInputsThatAreInitialized) {
  ModelProto model = emptyModel();
  GraphProto &graph = *model.mutable_graph();
  addInput(graph, "w", 1, {1});
  fillTensor(*graph.add_initializer(), "w", 1, {1}, 4);
  addNode(graph, "Add", {"x", "w"}, {"y"});
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  ASSERT_EQ(outcome.model->graph.inputs.size(), 1u);
  EXPECT_EQ(outcome.model->graph.inputs[0].name, "x");
  EXPECT_EQ(outcome.model->graph.nodes[0].name, "Add_0");
}

TEST(Reader, ReadsDims) {
  ModelProto model = reluModel();
  auto *shape = addInput(*model.mutable_graph(), "v", 7, {})->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->add_dim()->set_dim_param("batch");
  shape->add_dim();
  shape->add_dim()->set_dim_value(-1);
  shape->add_dim()->set_dim_value(0);
  model.mutable_graph()->add_input()->set_name("r");
  model.mutable_graph()->mutable_input(2)->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const std::vector<Dim> &dims = *outcome.model->graph.inputs[1].shape;
  EXPECT_EQ(dims[0].symbol, "batch");
  EXPECT_EQ(dims[0].value, -1);
  EXPECT_EQ(dims[1].value, -1);
  EXPECT_EQ(dims[2].value, -1);
  EXPECT_EQ(dims[3].value, 0);
  EXPECT_FALSE(outcome.model->graph.inputs[2].shape.has_value());
}

TEST(Reader, ForgetsHintsThatMakeNoSense) {
  ModelProto model = reluModel();
  ValueInfoProto *hint = model.mutable_graph()->add_value_info();
  hint->set_name("y");
  hint->mutable_type()->mutable_tensor_type()->set_elem_type(99);
  hint = model.mutable_graph()->add_value_info();
  hint->set_name("nothing");
  hint->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  for (int i = 0; i < 2; ++i)
    hint->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(1ll << 40);
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.values.count("y"), 0u);
  EXPECT_FALSE(outcome.model->graph.values.at("nothing").shape.has_value());
}

TEST(Reader, ReadsSequencesAndOptionals) {
  ModelProto model = reluModel();
  ValueInfoProto *input = model.mutable_graph()->add_input();
  input->set_name("o");
  input->mutable_type()
      ->mutable_optional_type()
      ->mutable_elem_type()
      ->mutable_sequence_type()
      ->mutable_elem_type()
      ->mutable_tensor_type()
      ->set_elem_type(TensorProto::INT64);
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const ValueInfo &info = outcome.model->graph.inputs[1];
  EXPECT_EQ(info.kind, ValueInfo::Kind::Optional);
  EXPECT_TRUE(info.ofSequence);
  EXPECT_EQ(info.type, DataType::I64);
}

TEST(Reader, ReadsMaps) {
  ModelProto model = reluModel();
  for (bool isSequence : {false, true}) {
    ValueInfoProto *input = model.mutable_graph()->add_input();
    input->set_name(isSequence ? "s" : "m");
    TypeProto *type = input->mutable_type();
    TypeProto::Map *map = (isSequence ? type->mutable_sequence_type()->mutable_elem_type() : type)->mutable_map_type();
    map->set_key_type(TensorProto::STRING);
    map->mutable_value_type()->mutable_tensor_type()->set_elem_type(TensorProto::DOUBLE);
  }
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  for (size_t i : {1, 2}) {
    const ValueInfo &info = outcome.model->graph.inputs[i];
    EXPECT_EQ(info.kind, ValueInfo::Kind::Map);
    EXPECT_EQ(info.ofSequence, i == 2);
    EXPECT_EQ(info.key, DataType::String);
    EXPECT_EQ(info.type, DataType::F64);
  }
}

// --- constants ---

std::string bytesOf(const Tensor &tensor) { return std::string(reinterpret_cast<const char *>(tensor.data), tensor.size); }

std::string packed(TensorProto::DataType type, int64_t count, const std::vector<int32_t> &entries) {
  ModelProto model = reluModel();
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(type);
  tensor.add_dims(count);
  tensor.mutable_int32_data()->Assign(entries.begin(), entries.end());
  Outcome outcome = readProto(model);
  return outcome.model ? bytesOf(*outcome.model->graph.initializers.at("w")) : outcome.text();
}

TEST(Constants, OfNarrowTypesAreUnpackedFromInt32) {
  EXPECT_EQ(packed(TensorProto::FLOAT16, 2, {0x3C00, 0xC000}), std::string("\x00\x3C\x00\xC0", 4));
  EXPECT_EQ(packed(TensorProto::BFLOAT16, 1, {0x3F80}), std::string("\x80\x3F", 2));
  EXPECT_EQ(packed(TensorProto::FLOAT8E4M3FN, 2, {0x38, 0xFF}), "\x38\xFF");
  EXPECT_EQ(packed(TensorProto::INT8, 2, {-1, 127}), "\xFF\x7F");
  EXPECT_EQ(packed(TensorProto::UINT16, 1, {65535}), "\xFF\xFF");
  EXPECT_EQ(packed(TensorProto::INT32, 1, {-2}), "\xFE\xFF\xFF\xFF");
  EXPECT_EQ(packed(TensorProto::INT4, 3, {0x2F, 0x01}), "\x2F\x01");  // two elements an entry
  EXPECT_EQ(packed(TensorProto::UINT2, 5, {0xE4, 0x03}), "\xE4\x03"); // four
  EXPECT_EQ(packed(TensorProto::FLOAT6E2M3, 4, {1, 2, 3, 63}),
            "\x81\x30\xFC"); // one: LSB first, four in three bytes
  EXPECT_EQ(packed(TensorProto::FLOAT6E3M2, 1, {0x2A}), "\x2A");
}

TEST(Constants, OfBoolAreZeroOrOne) {
  ModelProto model = reluModel();
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  fillTensor(tensor, "w", TensorProto::BOOL, {3}, 0);
  tensor.set_raw_data(std::string("\x00\xFF\x02", 3));
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(bytesOf(*outcome.model->graph.initializers.at("w")), std::string("\x00\x01\x01", 3));
}

TEST(Constants, LargeOnesStayInTheFile) {
  TemporaryFolder folder;
  ModelProto model = carrierModel(Carrier::Subgraph, [](TensorProto &t) { t.set_raw_data(std::string(1200, 'r')); });
  TensorProto &list = *model.mutable_graph()->add_initializer();
  list.set_name("list");
  list.set_data_type(TensorProto::FLOAT);
  list.add_dims(300);
  for (int i = 0; i < 300; ++i)
    list.add_float_data(static_cast<float>(i));
  std::string bytes = model.SerializeAsString();
  Outcome outcome = readFile(folder.write("model.onnx", bytes));
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const Tensor &raw = *outcome.model->graph.nodes[0].attribute("then_branch")->graph->initializers.at("v");
  EXPECT_EQ(raw.file, folder.path("model.onnx"));
  EXPECT_EQ(bytes.substr(raw.offset, raw.size), std::string(1200, 'r'));
  EXPECT_EQ(bytesOf(raw), std::string(1200, 'r'));
  const Tensor &floats = *outcome.model->graph.initializers.at("list");
  EXPECT_EQ(floats.file, folder.path("model.onnx"));
  float last;
  memcpy(&last, floats.data + 1196, 4);
  EXPECT_EQ(last, 299.0f);
}

TEST(Constants, AreFoundInEveryCarrier) {
  for (Carrier carrier : kCarriers) {
    Outcome outcome = readProto(carrierModel(carrier, [](TensorProto &t) { t.set_raw_data(std::string(1200, 'r')); }));
    ASSERT_NE(outcome.model, nullptr) << static_cast<int>(carrier) << outcome.text();
  }
}

TEST(Constants, StringsComeFromAllSpellings) {
  ModelProto model = reluModel();
  GraphProto &graph = *model.mutable_graph();
  addText(*addNode(graph, "Constant", {}, {"a"}), "value_string", "one");
  AttributeProto *many = addText(*addNode(graph, "Constant", {}, {"b"}), "value_strings", "");
  many->clear_s();
  many->set_type(AttributeProto::STRINGS);
  many->add_strings("x");
  many->add_strings("y");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.nodes.size(), 1u);
  EXPECT_EQ(outcome.model->graph.initializers.at("a")->strings, Names{"one"});
  EXPECT_TRUE(outcome.model->graph.initializers.at("a")->dims.empty());
  EXPECT_EQ(outcome.model->graph.initializers.at("b")->strings, (Names{"x", "y"}));
  EXPECT_EQ(outcome.model->graph.initializers.at("b")->dims, std::vector<int64_t>{2});
}

TEST(Constants, SkeletonsWithoutDataGetOneDiagnostic) {
  ModelProto model = reluModel();
  for (const char *name : {"a", "b", "c"}) {
    fillTensor(*model.mutable_graph()->add_initializer(), name, 1, {64, 3}, 0);
    model.mutable_graph()->mutable_initializer(model.graph().initializer_size() - 1)->clear_raw_data();
  }
  Outcome outcome = readProto(model);
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_EQ(outcome.diagnostics[0].message, "model.onnx: initializer 'a': f32[64,3] has no data; nor have 2 other tensors");
}

// --- functions ---

TEST(Functions, AreInlinedUnderFreshNames) {
  ModelProto model = emptyModel();
  FunctionProto &f = *model.add_functions();
  f.set_domain("local");
  f.set_name("F");
  f.add_input("a");
  f.add_input("b");
  f.add_output("r");
  f.add_opset_import()->set_version(9);
  f.add_attribute("k");
  NodeProto &first = *f.add_node();
  first.set_op_type("Exp");
  first.add_input("a");
  first.add_output("t");
  NodeProto &second = *f.add_node();
  second.set_op_type("Custom");
  second.set_domain("example");
  second.set_name("inner");
  for (const char *input : {"t", "b"})
    second.add_input(input);
  second.add_output("r");
  addInt(second, "alpha", 0)->set_ref_attr_name("k");
  addInt(second, "beta", 0)->set_ref_attr_name("unbound");
  GraphProto &graph = *model.mutable_graph();
  NodeProto *call = addNode(graph, "F", {"x"}, {"call/t"}, "call"); // takes the name that the body would get
  call->set_domain("local");
  addInt(*call, "k", 7);
  addNode(graph, "Abs", {"call/t"}, {"y"}, "abs");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const std::vector<Node> &nodes = outcome.model->graph.nodes;
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].name, "call/Exp_0");
  EXPECT_EQ(nodes[0].opset, 9);
  EXPECT_EQ(nodes[0].inputs, Names{"x"});
  EXPECT_EQ(nodes[0].outputs, Names{"call/t_1"});
  EXPECT_EQ(nodes[1].name, "call/inner");
  EXPECT_EQ(nodes[1].inputs, (Names{"call/t_1", ""}));
  EXPECT_EQ(nodes[1].outputs, Names{"call/t"});
  EXPECT_EQ(nodes[1].attribute("alpha")->i, 7);
  EXPECT_EQ(nodes[1].attribute("beta"), nullptr);
}

TEST(Functions, ChooseByOverloadAndPassInputsThrough) {
  ModelProto model = emptyModel();
  for (const char *overload : {"", "fast"}) {
    FunctionProto &f = *model.add_functions();
    f.set_domain("local");
    f.set_name("F");
    f.set_overload(overload);
    f.add_input("a");
    f.add_output(*overload ? "a" : "r");
    if (!*overload)
      addNode(*model.mutable_graph(), "Abs", {"x"}, {"unused"}, "abs");
  }
  NodeProto *call = addNode(*model.mutable_graph(), "F", {"x"}, {"y"}, "call");
  call->set_domain("local");
  call->set_overload("fast");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const Node &copy = outcome.model->graph.nodes[1];
  EXPECT_EQ(copy.op, "Identity");
  EXPECT_EQ(copy.inputs, Names{"x"});
  EXPECT_EQ(copy.outputs, Names{"y"});
}

// A graph that is bound to two nodes of a body is two graphs: upgrades change them in place.
TEST(Functions, DoNotShareGraphs) {
  ModelProto model = emptyModel(12);
  FunctionProto &f = *model.add_functions();
  f.set_domain("local");
  f.set_name("F");
  f.add_input("a");
  f.add_output("r");
  f.add_output("s");
  f.add_attribute("g");
  for (const char *output : {"r", "s"}) {
    NodeProto &node = *f.add_node();
    node.set_op_type("If");
    node.add_input("a");
    node.add_output(output);
    AttributeProto *attribute = addInt(node, "then_branch", 0);
    attribute->set_type(AttributeProto::GRAPH);
    attribute->set_ref_attr_name("g");
  }
  NodeProto *call = addNode(*model.mutable_graph(), "F", {"x"}, {"y", "z"}, "call");
  call->set_domain("local");
  GraphProto *graph = addGraph(*call, "g");
  addInts(*addNode(*graph, "Squeeze", {"x"}, {"m"}, "squeeze"), "axes", {0});
  addOutput(*graph, "m");
  Outcome outcome = readProto(model);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const std::vector<Node> &nodes = outcome.model->graph.nodes;
  const Graph *left = nodes[0].attribute("then_branch")->graph.get(), *right = nodes[1].attribute("then_branch")->graph.get();
  EXPECT_NE(left, right);
  EXPECT_EQ(left->nodes[0].inputs.size(), 2u);
  EXPECT_EQ(right->nodes[0].inputs.size(), 2u);
}

// --- upgrades (what they compute is checked by upgrade_test.py) ---

TEST(Upgrades, ListEveryNodeThatCannotBeUpgraded) {
  ModelProto model = emptyModel(10);
  GraphProto &graph = *model.mutable_graph();
  addNode(graph, "Gelu", {"x"}, {"a"}, "gelu");
  addNode(graph, "Abs", {"x"}, {"y"}, "fine");
  addNode(graph, "Unsqueeze", {"x"}, {"b"}, "unsqueeze");
  addNode(graph, "Upsample", {"x"}, {"c"}, "upsample");
  addNode(graph, "BatchNormalization", {"x", "x", "x", "x", "x"}, {"d", "e", "f", "g", "h"}, "norm");
  addNode(graph, "Sum", {"d", "e", "f", "g", "h"}, {"s"}, "sum");
  addNode(graph, "Unheard", {"x"}, {"u"},
          "unheard"); // not ours to judge: the second stage knows which operators there are
  Outcome outcome = readProto(model);
  EXPECT_EQ(outcome.model, nullptr);
  ASSERT_EQ(outcome.diagnostics.size(), 4u) << outcome.text();
  const char *expected[] = {"model.onnx: node 'gelu' (Gelu, opset 10): the operator exists since opset 20",
                            "model.onnx: node 'unsqueeze' (Unsqueeze, opset 10): has no attribute 'axes'",
                            "model.onnx: node 'upsample' (Upsample, opset 10): expects two inputs, got 1",
                            "model.onnx: node 'norm' (BatchNormalization, opset 10): the outputs saved_mean and saved_var"};
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(outcome.diagnostics[i].message.rfind(expected[i], 0), 0u) << outcome.diagnostics[i].message;
}

TEST(Upgrades, FailWithAWord) {
  struct Case {
    const char *op;
    int64_t opset;
    size_t inputs;
    std::function<void(NodeProto &)> attributes;
    const char *message;
  };
  auto nothing = [](NodeProto &) {};
  const Case cases[] = {
      {"Pad", 10, 1, nothing, "has no attribute 'pads'"},
      {"Slice", 9, 1, nothing, "has no attributes 'starts' and 'ends'"},
      {"TopK", 9, 1, nothing, "has no attribute 'k'"},
      {"Reshape", 4, 1, nothing, "has no attribute 'shape'"},
      {"Upsample", 8, 1, nothing, "has no attribute 'scales'"},
      {"Upsample", 6, 1, nothing, "expects the attributes 'height_scale' and 'width_scale'"},
      {"Cast", 5, 1, [](NodeProto &n) { addText(n, "to", "QUATERNION"); }, "unknown type 'QUATERNION' to cast to"},
      {"GlobalLpPool", 1, 1,
       [](NodeProto &n) {
         AttributeProto *p = addInt(n, "p", 0);
         p->clear_i();
         p->set_type(AttributeProto::FLOAT);
         p->set_f(1.5f);
       },
       "expects a whole number p from 1 on"},
      {"Add", 6, 2,
       [](NodeProto &n) {
         addInt(n, "broadcast", 1);
         addInt(n, "axis", 1);
       },
       "axis 1 lays 2 dims beyond the 2 of the first input"},
      {"GroupNormalization", 18, 3, nothing, "expects three inputs and the attribute 'num_groups'"},
      {"Scan", 8, 2, nothing, "sequence_lens has no counterpart since opset 9"},
      {"Resize", 11, 3,
       [](NodeProto &n) {
         addText(n, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
         addText(n, "mode", "linear");
       },
       "'tf_half_pixel_for_nn' with mode 'linear' and nearest_mode 'round_prefer_floor' has no counterpart"},
  };
  for (const Case &c : cases) {
    ModelProto model = emptyModel(c.opset);
    c.attributes(*addNode(*model.mutable_graph(), c.op, std::vector<std::string>(c.inputs, "x"), {"y"}, "node"));
    Outcome outcome = readProto(model);
    EXPECT_EQ(outcome.model, nullptr) << c.op;
    ASSERT_EQ(outcome.diagnostics.size(), 1u) << outcome.text();
    EXPECT_NE(outcome.diagnostics[0].message.find(c.message), std::string::npos) << outcome.text();
    EXPECT_FALSE(outcome.diagnostics[0].note.empty());
  }
  ModelProto model = emptyModel(8);
  NodeProto *scan = addNode(*model.mutable_graph(), "Scan", {"", "x"}, {"y"}, "scan");
  EXPECT_NE(readProto(model).text().find("expects the attributes 'body' and 'num_scan_inputs'"), std::string::npos);
  scan->set_op_type("LabelEncoder");
  scan->set_domain("ai.onnx.ml");
  addText(*scan, "classes_strings", "a");
  EXPECT_NE(readProto(model).text().find("cannot tell whether the input is of strings or of i64"), std::string::npos);
}

// A Softmax over the last dim needs no detour, one over others does.
TEST(Upgrades, LeaveSoftmaxOverTheLastDimAlone) {
  for (int64_t axis : {0, 1}) {
    ModelProto model = emptyModel(11);
    addInt(*addNode(*model.mutable_graph(), "Softmax", {"x"}, {"y"}, "softmax"), "axis", axis);
    Outcome outcome = readProto(model);
    ASSERT_NE(outcome.model, nullptr) << outcome.text();
    EXPECT_EQ(outcome.model->graph.nodes.size(), axis == 1 ? 1u : 4u);
  }
}

// --- size ---

// Resident anonymous memory of the process, in bytes.
uint64_t anonymousMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  uint64_t value = 0;
  while (status >> word)
    if (word == "RssAnon:" && status >> value)
      break;
  return value << 10;
}

void appendVarint(std::string &bytes, uint64_t value) {
  for (; value > 0x7F; value >>= 7)
    bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
}

// A model with an initialiser of `count` bytes, written as a file with a hole for them.
std::string writeLargeModel(const TemporaryFolder &folder, uint64_t count) {
  std::string header, graph, tensor, end;
  ModelProto model = emptyModel();
  GraphProto rest = model.graph();
  model.clear_graph();
  addNode(rest, "Identity", {"w"}, {"y"}, "copy");
  TensorProto proto;
  fillTensor(proto, "w", TensorProto::UINT8, {static_cast<int64_t>(count)}, 0);
  proto.clear_raw_data();
  tensor = proto.SerializeAsString();
  tensor.push_back(0x4A);
  appendVarint(tensor, count);
  graph = rest.SerializeAsString();
  graph.push_back(0x2A);
  appendVarint(graph, tensor.size() + count);
  header = model.SerializeAsString();
  header.push_back(0x3A);
  appendVarint(header, graph.size() + tensor.size() + count);
  std::string path = folder.write("large.onnx", header + graph + tensor);
  EXPECT_EQ(truncate(path.c_str(), static_cast<off_t>(header.size() + graph.size() + tensor.size() + count)), 0);
  return path;
}

TEST(Size, WeightsTakeNoMemory) {
  TemporaryFolder folder;
  std::string path = writeLargeModel(folder, 512u << 20);
  uint64_t before = anonymousMemory();
  Outcome outcome = readFile(path);
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_LT(anonymousMemory(), before + (16u << 20));
}

TEST(Size, FilesAboveTwoGibibytesAreRead) {
  TemporaryFolder folder;
  constexpr uint64_t count = 3ull << 30;
  Outcome outcome = readFile(writeLargeModel(folder, count));
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.initializers.at("w")->size, count);

  ModelProto model = emptyModel();
  fillTensor(*model.mutable_graph()->add_initializer(), "w", TensorProto::UINT8, {static_cast<int64_t>(count)}, 0);
  setExternal(*model.mutable_graph()->mutable_initializer(0), "w.bin", "4096");
  addNode(*model.mutable_graph(), "Identity", {"w"}, {"y"});
  ASSERT_EQ(truncate(folder.write("w.bin", "").c_str(), static_cast<off_t>(count + 4096)), 0);
  outcome = readFile(folder.write("model.onnx", model.SerializeAsString()));
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.initializers.at("w")->size, count);
}

// Near linear in nodes: ten times the nodes in well under a hundred times the time.
TEST(Size, ManyNodesAreReadQuickly) {
  auto seconds = [](int count) {
    ModelProto model = emptyModel(9);
    GraphProto &graph = *model.mutable_graph();
    std::string value = "x";
    for (int i = 0; i < count; ++i) {
      NodeProto *node = addNode(graph, "Clip", {value}, {i + 1 == count ? "y" : "v" + std::to_string(i)});
      node->add_attribute()->set_name("max");
      node->mutable_attribute(0)->set_f(1);
      value = node->output(0);
    }
    for (int i = 0; i < count / 2; ++i) // backwards: all must be sorted
      graph.mutable_node()->SwapElements(i, count - 1 - i);
    std::string bytes = model.SerializeAsString();
    auto begin = std::chrono::steady_clock::now();
    Outcome outcome = readBytes(bytes);
    EXPECT_NE(outcome.model, nullptr) << outcome.text();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  double small = seconds(3000);
  EXPECT_LT(seconds(30000), 40 * small + 1);
}

TEST(Files, ThatCannotBeReadAreNamed) {
  TemporaryFolder folder;
  EXPECT_NE(readFile(folder.path("none.onnx")).text().find("none.onnx: cannot be opened: No such file"), std::string::npos);
  EXPECT_NE(readFile(folder.path("")).text().find("is a directory, not a regular file"), std::string::npos);
  EXPECT_NE(readFile("/dev/null").text().find("is not a regular file"), std::string::npos);
  EXPECT_NE(readFile(folder.write("empty.onnx", "")).text().find("the file is empty"), std::string::npos);
}

} // namespace
