// Every kind of bad model gets one clear diagnostic and nothing else: no crash, no undefined behaviour, no
// huge allocation.
#include "ModelBuilder.h"

#include <gtest/gtest.h>

using namespace laic::onnx;
using namespace laic::onnx_proto;

namespace {

struct Hostile {
  const char *name;
  std::function<void(ModelProto &)> spoil; // of a model x -> Relu 'relu' -> y
  const char *message;                     // part of the one diagnostic
};

void PrintTo(const Hostile &hostile, std::ostream *out) { *out << hostile.name; }

TensorProto &initializer(ModelProto &model, const std::vector<int64_t> &dims, uint64_t bytes, int type = TensorProto::FLOAT) {
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  fillTensor(tensor, "w", type, dims, bytes);
  return tensor;
}

FunctionProto &function(ModelProto &model, const std::string &name, const std::vector<std::string> &calls) {
  FunctionProto &f = *model.add_functions();
  f.set_domain("local");
  f.set_name(name);
  f.add_input("a");
  f.add_output("r");
  std::string value = "a";
  for (size_t i = 0; i < calls.size(); ++i) {
    NodeProto &node = *f.add_node();
    node.set_domain("local");
    node.set_op_type(calls[i]);
    node.add_input(value);
    value = i + 1 == calls.size() ? "r" : "t" + std::to_string(i);
    node.add_output(value);
  }
  return f;
}

void call(ModelProto &model, const std::string &name) {
  addNode(*model.mutable_graph(), name, {"x"}, {"z"}, "call")->set_domain("local");
}

GraphProto &nest(GraphProto &graph, int levels) {
  GraphProto *inner = &graph;
  for (int i = 0; i < levels; ++i) {
    NodeProto *node = addNode(*inner, "If", {"x"}, {"i" + std::to_string(i)});
    inner = addGraph(*node, "then_branch");
  }
  return *inner;
}

void deepType(ModelProto &model) {
  TypeProto *type = model.mutable_graph()->mutable_input(0)->mutable_type();
  for (int i = 0; i < 300; ++i)
    type = type->mutable_sequence_type()->mutable_elem_type();
  type->mutable_tensor_type()->set_elem_type(1);
}

void unknownEnum(google::protobuf::Message &message, int field) {
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(field, 99);
}

const Hostile kHostile[] = {
    {"no_graph", [](ModelProto &m) { m.clear_graph(); }, "holds no graph"},
    {"no_ir_version", [](ModelProto &m) { m.clear_ir_version(); }, "expects ir_version 1 to 14, got 0"},
    {"newer_ir_version", [](ModelProto &m) { m.set_ir_version(15); }, "expects ir_version 1 to 14, got 15"},
    {"negative_ir_version", [](ModelProto &m) { m.set_ir_version(-1); }, "got -1"},
    {"newer_opset", [](ModelProto &m) { m.mutable_opset_import(0)->set_version(29); },
     "imports opset 29 of ai.onnx; expects 1 to 28"},
    {"opset_zero", [](ModelProto &m) { m.mutable_opset_import(0)->set_version(0); }, "imports opset 0"},
    {"huge_opset", [](ModelProto &m) { m.mutable_opset_import(0)->set_version(INT64_MAX); }, "expects 1 to 28"},
    {"two_opsets",
     [](ModelProto &m) {
       m.add_opset_import()->set_version(20);
       m.mutable_opset_import(1)->set_domain("ai.onnx");
     },
     "imports two opsets of ai.onnx"},
    {"no_outputs", [](ModelProto &m) { m.mutable_graph()->clear_output(); }, "has no outputs"},
    {"output_undefined", [](ModelProto &m) { m.mutable_graph()->mutable_output(0)->set_name("q"); },
     "output 0 of graph '' is 'q', which nothing defines"},
    {"output_unnamed", [](ModelProto &m) { m.mutable_graph()->mutable_output(0)->set_name(""); },
     "output 0 of graph '' has no name"},
    {"input_undefined", [](ModelProto &m) { m.mutable_graph()->mutable_node(0)->set_input(0, "q"); },
     "node 'relu' (Relu, opset 21): input 0 is 'q', which nothing defines"},
    {"input_unnamed", [](ModelProto &m) { addInput(*m.mutable_graph(), "", 1, {1}); }, "has no name"},
    {"input_twice", [](ModelProto &m) { addInput(*m.mutable_graph(), "x", 1, {1}); }, "input 'x': value 'x' is defined twice"},
    {"input_without_type", [](ModelProto &m) { m.mutable_graph()->mutable_input(0)->clear_type(); },
     "input 'x' has no element type"},
    {"input_unknown_type",
     [](ModelProto &m) { m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(77); },
     "input 'x': unknown data type 77"},
    {"input_negative_dim", [](ModelProto &m) { addInput(*m.mutable_graph(), "v", 1, {-7}); }, "input 'v': dim of size -7"},
    {"input_huge_dims", [](ModelProto &m) { addInput(*m.mutable_graph(), "v", 1, {1ll << 40, 1ll << 40}); },
     "input 'v': its dims name more elements"},
    {"output_is_input", [](ModelProto &m) { addNode(*m.mutable_graph(), "Abs", {"y"}, {"x"}, "abs"); },
     "node 'abs' (Abs, opset 21): value 'x' is defined twice"},
    {"output_twice", [](ModelProto &m) { addNode(*m.mutable_graph(), "Abs", {"x"}, {"y"}, "abs"); },
     "node 'abs' (Abs, opset 21): value 'y' is defined twice, also by node 'relu'"},
    {"output_is_initializer", [](ModelProto &m) { initializer(m, {1}, 4).set_name("y"); }, "value 'y' is defined twice"},
    {"initializer_twice",
     [](ModelProto &m) {
       initializer(m, {1}, 4);
       initializer(m, {1}, 4);
     },
     "initializer 'w': value 'w' is defined twice"},
    {"initializer_unnamed", [](ModelProto &m) { initializer(m, {1}, 4).clear_name(); }, "has no name"},
    {"initializer_unknown_type", [](ModelProto &m) { initializer(m, {1}, 4, 29); }, "initializer 'w': unknown data type 29"},
    {"initializer_no_type", [](ModelProto &m) { initializer(m, {1}, 4, 0); }, "unknown data type 0"},
    {"initializer_negative_type", [](ModelProto &m) { initializer(m, {1}, 4, -3); }, "unknown data type -3"},
    {"negative_dim", [](ModelProto &m) { initializer(m, {-1}, 4); }, "dims [-1] hold a negative number"},
    {"lowest_dim", [](ModelProto &m) { initializer(m, {INT64_MIN, 2}, 4); }, "hold a negative number"},
    {"huge_dim", [](ModelProto &m) { initializer(m, {INT64_MAX}, 4); }, "more elements than any memory holds"},
    {"product_wraps_to_four", [](ModelProto &m) { initializer(m, {1ll << 62, 4, 1}, 4); }, "more elements than any memory holds"},
    {"product_wraps_in_bits", [](ModelProto &m) { initializer(m, {1ll << 60}, 4); }, "more elements than any memory holds"},
    {"huge_beside_zero", [](ModelProto &m) { initializer(m, {0, 1ll << 40, 1ll << 40}, 0); },
     "more elements than any memory holds"},
    {"petabytes", [](ModelProto &m) { initializer(m, {1ll << 50}, 4); }, "raw_data of 4 bytes, but f32[1125899906842624] takes"},
    {"raw_data_short", [](ModelProto &m) { initializer(m, {2}, 7); }, "raw_data of 7 bytes, but f32[2] takes 8"},
    {"raw_data_long", [](ModelProto &m) { initializer(m, {2}, 4000); }, "raw_data of 4000 bytes, but f32[2] takes 8"},
    {"raw_data_of_strings", [](ModelProto &m) { initializer(m, {2}, 8, TensorProto::STRING); }, "strings in raw_data"},
    {"sub_byte_short", [](ModelProto &m) { initializer(m, {5}, 2, TensorProto::INT4); },
     "raw_data of 2 bytes, but i4[5] takes 3"},
    {"six_bits_short", [](ModelProto &m) { initializer(m, {5}, 3, TensorProto::FLOAT6E2M3); }, "but f6E2M3[5] takes 4"},
    {"data_twice", [](ModelProto &m) { initializer(m, {1}, 4).add_float_data(1); }, "its data is given more than once"},
    {"no_data", [](ModelProto &m) { initializer(m, {2}, 0).clear_raw_data(); }, "initializer 'w': f32[2] has no data"},
    {"typed_short",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {2}, 0);
       t.clear_raw_data();
       t.add_float_data(1);
     },
     "f32[2] takes 2 entries of float_data, got 1"},
    {"bytes_short",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {4}, 0, TensorProto::INT8);
       t.clear_raw_data();
       t.add_int32_data(1);
     },
     "i8[4] takes 4 entries of int32_data, got 1"},
    {"typed_of_other_type",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {2}, 0);
       t.clear_raw_data();
       t.add_int64_data(1);
     },
     "f32[2] takes 2 entries of float_data, got 0"},
    {"large_list_of_other_type",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {600}, 0, TensorProto::DOUBLE);
       t.clear_raw_data();
       for (int i = 0; i < 600; ++i)
         t.add_float_data(1);
     },
     "f64[600] takes 600 entries of double_data, got 0"},
    {"list_for_empty_tensor",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {0}, 0);
       t.clear_raw_data();
       for (int i = 0; i < 600; ++i)
         t.add_float_data(1);
     },
     "f32[0] takes 0 entries of float_data, got 600"},
    {"value_does_not_fit",
     [](ModelProto &m) {
       TensorProto &t = initializer(m, {1}, 0, TensorProto::INT8);
       t.clear_raw_data();
       t.add_int32_data(300);
     },
     "300 in int32_data is no i8"},
    {"segment", [](ModelProto &m) { initializer(m, {1}, 4).mutable_segment()->set_begin(0); }, "is stored in segments"},
    {"unknown_location", [](ModelProto &m) { unknownEnum(initializer(m, {1}, 4), 14); }, "unknown data_location"},
    {"sparse_index_outside",
     [](ModelProto &m) {
       SparseTensorProto &s = *m.mutable_graph()->add_sparse_initializer();
       fillTensor(*s.mutable_values(), "w", 1, {1}, 4);
       fillTensor(*s.mutable_indices(), "", 7, {1}, 8);
       s.mutable_indices()->set_raw_data(std::string(7, '\0') + "\x80");
       s.add_dims(10);
     },
     "sparse index -9223372036854775808 lies outside 0 to 9"},
    {"sparse_bomb",
     [](ModelProto &m) {
       SparseTensorProto &s = *m.mutable_graph()->add_sparse_initializer();
       fillTensor(*s.mutable_values(), "w", 1, {0}, 0);
       fillTensor(*s.mutable_indices(), "", 7, {0}, 0);
       s.add_dims(1ll << 40);
     },
     "is too large to be expanded"},
    {"sparse_shapes",
     [](ModelProto &m) {
       SparseTensorProto &s = *m.mutable_graph()->add_sparse_initializer();
       fillTensor(*s.mutable_values(), "w", 1, {2}, 8);
       fillTensor(*s.mutable_indices(), "", 7, {1}, 8);
       s.add_dims(10);
     },
     "sparse tensor with values f32[2] and indices i64[1]"},
    {"sparse_of_nibbles",
     [](ModelProto &m) {
       SparseTensorProto &s = *m.mutable_graph()->add_sparse_initializer();
       fillTensor(*s.mutable_values(), "w", TensorProto::INT4, {2}, 1);
       fillTensor(*s.mutable_indices(), "", 7, {2}, 16);
       s.add_dims(10);
     },
     "sparse tensor of i4"},
    {"cycle",
     [](ModelProto &m) {
       GraphProto &g = *m.mutable_graph();
       addNode(g, "Add", {"x", "c"}, {"a"}, "first");
       addNode(g, "Abs", {"a"}, {"b"}, "second");
       addNode(g, "Abs", {"b"}, {"c"}, "third");
     },
     "the graph has a cycle: 'first' -> 'second' -> 'third' -> 'first'"},
    {"cycle_of_one", [](ModelProto &m) { addNode(*m.mutable_graph(), "Abs", {"a"}, {"a"}, "self"); },
     "the graph has a cycle: 'self' -> 'self'"},
    {"cycle_through_subgraph",
     [](ModelProto &m) {
       NodeProto *node = addNode(*m.mutable_graph(), "If", {"x"}, {"a"}, "if");
       GraphProto *inner = addGraph(*node, "then_branch");
       addNode(*inner, "Abs", {"a"}, {"b"});
       addOutput(*inner, "b");
     },
     "the graph has a cycle: 'if' -> 'if'"},
    {"undefined_in_subgraph",
     [](ModelProto &m) {
       GraphProto *inner = addGraph(*addNode(*m.mutable_graph(), "If", {"x"}, {"a"}, "if"), "then_branch");
       addNode(*inner, "Abs", {"nowhere"}, {"b"}, "inner");
     },
     "node 'inner' (Abs, opset 21): input 0 is 'nowhere', which nothing defines"},
    {"value_of_sibling_subgraph",
     [](ModelProto &m) {
       NodeProto *node = addNode(*m.mutable_graph(), "If", {"x"}, {"a"}, "if");
       addNode(*addGraph(*node, "then_branch"), "Abs", {"x"}, {"b"});
       addNode(*addGraph(*node, "else_branch"), "Abs", {"b"}, {"c"}, "inner");
     },
     "input 0 is 'b', which nothing defines"},
    {"deep_graphs", [](ModelProto &m) { nest(*m.mutable_graph(), 200); }, "messages nest deeper than 96 levels"},
    {"deep_types", deepType, "nests too deeply"},
    {"node_without_operator", [](ModelProto &m) { addNode(*m.mutable_graph(), "", {"x"}, {"z"}, "odd"); },
     "node 'odd' has no operator"},
    {"attribute_unnamed", [](ModelProto &m) { addInt(*m.mutable_graph()->mutable_node(0), "", 1); }, "an attribute has no name"},
    {"attribute_twice",
     [](ModelProto &m) {
       addInt(*m.mutable_graph()->mutable_node(0), "a", 1);
       addInt(*m.mutable_graph()->mutable_node(0), "a", 2);
     },
     "attribute 'a' is given twice"},
    {"attribute_unknown_type",
     [](ModelProto &m) {
       AttributeProto *a = m.mutable_graph()->mutable_node(0)->add_attribute();
       a->set_name("a");
       unknownEnum(*a, 20);
     },
     "attribute 'a' has an unknown type or several values"},
    {"attribute_ambiguous",
     [](ModelProto &m) {
       AttributeProto *a = addInt(*m.mutable_graph()->mutable_node(0), "a", 1);
       a->clear_type();
       a->set_f(1);
     },
     "attribute 'a' has an unknown type or several values"},
    {"reference_outside_function",
     [](ModelProto &m) { addInt(*m.mutable_graph()->mutable_node(0), "a", 1)->set_ref_attr_name("b"); },
     "refers to 'b' of a function, but the node is in none"},
    {"constant_empty", [](ModelProto &m) { addNode(*m.mutable_graph(), "Constant", {}, {"c"}, "c"); },
     "node 'c' (Constant, opset 21): expects one attribute, no input and one output, got 0, 0 and 1"},
    {"constant_twofold",
     [](ModelProto &m) {
       NodeProto *node = addNode(*m.mutable_graph(), "Constant", {}, {"c"}, "c");
       addInt(*node, "value_int", 1);
       addInts(*node, "value_ints", {1});
     },
     "expects one attribute"},
    {"constant_graph", [](ModelProto &m) { addGraph(*addNode(*m.mutable_graph(), "Constant", {}, {"c"}, "c"), "value"); },
     "attribute 'value' is no constant"},
    {"function_recursion",
     [](ModelProto &m) {
       function(m, "F", {"G"});
       function(m, "G", {"F"});
       call(m, "F");
     },
     "function 'F' calls itself"},
    {"function_bomb",
     [](ModelProto &m) {
       for (int i = 0; i < 40; ++i)
         function(m, "F" + std::to_string(i), {"F" + std::to_string(i + 1), "F" + std::to_string(i + 1)});
       function(m, "F40", {});
       call(m, "F0");
     },
     "inlining the model's functions gives more than"},
    {"function_tower",
     [](ModelProto &m) {
       for (int i = 0; i < 1000; ++i)
         function(m, "F" + std::to_string(i), {"F" + std::to_string(i + 1)});
       call(m, "F0");
     },
     "functions call each other more than 64 deep"},
    {"function_twice",
     [](ModelProto &m) {
       function(m, "F", {});
       function(m, "F", {});
     },
     "function 'F' of domain 'local' is defined twice"},
    {"function_output_undefined",
     [](ModelProto &m) {
       function(m, "F", {});
       call(m, "F");
       m.mutable_graph()->mutable_output(0)->set_name("z");
     },
     "output 0 of graph '' is 'z', which nothing defines"},
    {"function_too_many_inputs",
     [](ModelProto &m) {
       function(m, "F", {});
       addNode(*m.mutable_graph(), "F", {"x", "x"}, {"z"}, "call")->set_domain("local");
     },
     "function has 1 inputs and 1 outputs, the call 2 and 1"},
    {"function_newer_opset",
     [](ModelProto &m) {
       function(m, "F", {}).add_opset_import()->set_version(40);
       call(m, "F");
     },
     "function 'F' imports opset 40"},
    {"overload_missing", [](ModelProto &m) { m.mutable_graph()->mutable_node(0)->set_overload("fast"); },
     "no function of the model has the overload 'fast'"},
    {"name_with_control_characters", [](ModelProto &m) { m.mutable_graph()->mutable_node(0)->set_input(0, "a\n\x1b[31m\xff"); },
     "input 0 is 'a\\x0a\\x1b[31m\\xff', which"},
    {"operator_of_later_opset",
     [](ModelProto &m) {
       m.mutable_opset_import(0)->set_version(19);
       addNode(*m.mutable_graph(), "Gelu", {"x"}, {"z"}, "gelu");
     },
     "node 'gelu' (Gelu, opset 19): the operator exists since opset 20"},
    {"external_in_memory", [](ModelProto &m) { setExternal(initializer(m, {1}, 0), "w.bin"); },
     "external data 'w.bin' cannot be found: the model comes from memory"},
};

class HostileModel : public testing::TestWithParam<Hostile> {};

TEST_P(HostileModel, GetsOneDiagnostic) {
  ModelProto model = reluModel();
  GetParam().spoil(model);
  Outcome outcome = readProto(model);
  EXPECT_EQ(outcome.model, nullptr);
  ASSERT_EQ(outcome.diagnostics.size(), 1u) << outcome.text();
  const Diagnostic &diagnostic = outcome.diagnostics[0];
  EXPECT_EQ(diagnostic.message.rfind("model.onnx: ", 0), 0u) << diagnostic.message;
  EXPECT_NE(diagnostic.message.find(GetParam().message), std::string::npos) << diagnostic.message;
  EXPECT_FALSE(diagnostic.note.empty()) << diagnostic.message;
  EXPECT_NE(diagnostic.message.back(), '.');
}

INSTANTIATE_TEST_SUITE_P(All, HostileModel, testing::ValuesIn(kHostile),
                         [](const testing::TestParamInfo<Hostile> &info) { return info.param.name; });

// --- bytes that are no model ---

struct Garbage {
  const char *name;
  std::string bytes;
  const char *message;
};

void PrintTo(const Garbage &garbage, std::ostream *out) { *out << garbage.name; }

std::string bytesOf(std::initializer_list<int> values) {
  std::string bytes;
  for (int value : values)
    bytes.push_back(static_cast<char>(value));
  return bytes;
}

const Garbage kGarbage[] = {
    {"empty", "", "the file is empty"},
    {"text", "hello, this is text", "not a valid ONNX model: at byte"},
    {"lfs_pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of Git LFS"},
    {"zip", bytesOf({'P', 'K', 3, 4, 20, 0, 0, 0, 8, 0}), "not a valid ONNX model: at byte"},
    {"field_zero", bytesOf({0, 0}), "at byte 0: no field number in ModelProto"},
    {"length_beyond_end", bytesOf({0x3A, 0x7F, 0x0A}), "field 7 of ModelProto has length 127, but only 1 bytes are left"},
    {"huge_length", bytesOf({0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0}), "but only 1 bytes are left"},
    {"wrapping_length", bytesOf({0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0}),
     "but only 1 bytes are left"},
    {"endless_number", std::string(40, '\xFF'), "a number is longer than ten bytes"},
    {"number_cut_off", bytesOf({0x08, 0xFF}), "the file ends inside a number"},
    {"fixed_cut_off", bytesOf({0x0D, 1, 2}), "a number of ModelProto ends beyond its message"},
    {"group", bytesOf({0x0B, 0x0C}), "has the unknown wire type 3"},
    {"wire_type_seven", bytesOf({0x0F}), "has the unknown wire type 7"},
    {"tensor_in_graph_too_long", bytesOf({0x3A, 0x04, 0x2A, 0x10, 0x4A, 0x01}), "field 5 of GraphProto has length 16"},
    {"raw_data_twice", bytesOf({0x3A, 0x08, 0x2A, 0x06, 0x4A, 0x01, 0x00, 0x4A, 0x01, 0x00}), "a TensorProto has raw_data twice"},
};

class GarbageBytes : public testing::TestWithParam<Garbage> {};

TEST_P(GarbageBytes, GetOneDiagnostic) {
  Outcome outcome = readBytes(GetParam().bytes);
  EXPECT_EQ(outcome.model, nullptr);
  ASSERT_EQ(outcome.diagnostics.size(), 1u) << outcome.text();
  EXPECT_NE(outcome.diagnostics[0].message.find(GetParam().message), std::string::npos) << outcome.text();
}

INSTANTIATE_TEST_SUITE_P(All, GarbageBytes, testing::ValuesIn(kGarbage),
                         [](const testing::TestParamInfo<Garbage> &info) { return info.param.name; });

// --- many problems, and files that cannot be had ---

TEST(ManyProblems, AreCutOff) {
  ModelProto model = reluModel(21);
  for (int i = 0; i < 10010; ++i)
    addNode(*model.mutable_graph(), "Abs", {"n" + std::to_string(i)}, {"z" + std::to_string(i)});
  Outcome outcome = readBytes(model.SerializeAsString());
  EXPECT_EQ(outcome.model, nullptr);
  ASSERT_EQ(outcome.diagnostics.size(), 10001u);
  EXPECT_NE(outcome.diagnostics.back().message.find("more than 10000 problems; the rest is not shown"), std::string::npos);
}

void addIf(GraphProto &graph, const std::string &callee) {
  NodeProto &node = *addNode(graph, "If", {"c"}, {"o"});
  for (const char *branch : {"then_branch", "else_branch"}) {
    GraphProto &inner = *addGraph(node, branch);
    const bool calls = branch[0] == 't' && callee != "Identity";
    addNode(inner, calls ? callee : "Identity", {"c"}, {"o"})->set_domain(calls ? "local" : "");
    inner.add_output()->set_name("o");
  }
}

// Each function calls the next one two subgraphs deep: neither messages nor calls nest deeply, the graph that they make does.
TEST(DeepFunctions, AreRefused) {
  ModelProto model = reluModel(21);
  model.add_opset_import()->set_domain("local");
  model.mutable_opset_import(1)->set_version(1);
  addInput(*model.mutable_graph(), "c", TensorProto::BOOL, {});
  constexpr int kFunctions = 40;
  for (int i = 0; i < kFunctions; ++i) {
    FunctionProto &f = *model.add_functions();
    f.set_domain("local");
    f.set_name("f" + std::to_string(i));
    f.add_input("c");
    f.add_output("r");
    f.add_opset_import()->set_version(21);
    f.add_opset_import()->set_domain("local");
    f.mutable_opset_import(1)->set_version(1);
    GraphProto body, outer;
    addIf(outer, i + 1 < kFunctions ? "f" + std::to_string(i + 1) : "Identity");
    outer.add_output()->set_name("o");
    NodeProto &node = *addNode(body, "If", {"c"}, {"r"});
    *addGraph(node, "then_branch") = outer;
    addNode(*addGraph(node, "else_branch"), "Identity", {"c"}, {"o"});
    body.mutable_node(0)->mutable_attribute(1)->mutable_g()->add_output()->set_name("o");
    *f.add_node() = node;
  }
  addNode(*model.mutable_graph(), "f0", {"c"}, {"z"}, "call")->set_domain("local");
  Outcome outcome = readBytes(model.SerializeAsString());
  EXPECT_EQ(outcome.model, nullptr);
  EXPECT_NE(outcome.text().find("subgraphs and functions nest deeper than 64 levels"), std::string::npos) << outcome.text();
}

// --- damage at every place ---

// A model with every carrier of tensors that the scan follows.
std::string richModel() {
  std::string bytes;
  ModelProto model = reluModel(11);
  for (Carrier carrier : kCarriers) {
    ModelProto part = carrierModel(carrier, [](TensorProto &) {});
    for (NodeProto &node : *part.mutable_graph()->mutable_node())
      for (std::string &output : *node.mutable_output())
        output += std::to_string(static_cast<int>(carrier));
    part.mutable_graph()->clear_output();
    part.mutable_graph()->clear_input();
    model.MergeFrom(part);
  }
  model.mutable_opset_import()->DeleteSubrange(1, model.opset_import_size() - 1);
  return model.SerializeAsString();
}

TEST(DamagedModel, EveryTruncationIsHandled) {
  std::string bytes = richModel();
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string cut(bytes.data(), size); // a copy of its own: reading past it is seen by AddressSanitizer
    Outcome outcome = readBytes(cut);
    EXPECT_EQ(outcome.model == nullptr, !outcome.diagnostics.empty()) << "cut to " << size;
  }
}

TEST(DamagedModel, EveryFlippedBitIsHandled) {
  std::string bytes = richModel();
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == 0 && at > 0 && bytes[at - 1] == 0 && at % 64) // payloads are zeros: a sample of them is enough
      continue;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      Outcome outcome = readBytes(flipped);
      EXPECT_EQ(outcome.model == nullptr, !outcome.diagnostics.empty()) << "byte " << at << " bit " << bit;
    }
  }
}

} // namespace
