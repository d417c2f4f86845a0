// External data: what is admitted, and that nothing else is, in every place of a model that can hold a
// tensor.
#include "Files.h"
#include "ModelBuilder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace laic::onnx;
using namespace laic::onnx_proto;

namespace {

constexpr uint64_t kBytes = 1200; // of the tensor in carrierModel

struct Attack {
  const char *name;
  // Prepares the folder (which holds inside/good.bin) and spoils the tensor of inside/model.onnx.
  std::function<void(const TemporaryFolder &, TensorProto &)> prepare;
  const char *message;
};

void PrintTo(const Attack &attack, std::ostream *out) { *out << attack.name; }

const Attack kAttacks[] = {
    {"parent", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "../outside.bin"); },
     "lies outside the model's folder"},
    {"parent_within", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "a/../../outside.bin"); }, "lies outside"},
    {"parent_and_back", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "../inside/good.bin"); }, "lies outside"},
    {"absolute", [](const TemporaryFolder &f, TensorProto &t) { setExternal(t, f.path("outside.bin")); },
     "is named by an absolute path"},
    {"symlink",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(symlink("../outside.bin", f.path("inside/link.bin").c_str()), 0);
       setExternal(t, "link.bin");
     },
     "is reached through a symbolic link"},
    {"symlink_inside",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(symlink("good.bin", f.path("inside/link.bin").c_str()), 0);
       setExternal(t, "link.bin");
     },
     "is reached through a symbolic link"},
    {"symlinked_folder",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(symlink("..", f.path("inside/up").c_str()), 0);
       setExternal(t, "up/outside.bin");
     },
     "is reached through a symbolic link"},
    {"hardlink",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(link(f.path("outside.bin").c_str(), f.path("inside/hard.bin").c_str()), 0);
       setExternal(t, "hard.bin");
     },
     "has 2 hard links"},
    {"missing", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "nothing.bin"); }, "cannot be opened: No such file"},
    {"folder",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(mkdir(f.path("inside/folder").c_str(), 0755), 0);
       setExternal(t, "folder");
     },
     "is a directory"},
    {"own_folder", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "."); }, "directory"},
    {"pipe",
     [](const TemporaryFolder &f, TensorProto &t) {
       EXPECT_EQ(mkfifo(f.path("inside/pipe").c_str(), 0644), 0);
       setExternal(t, "pipe");
     },
     "is not a regular file"},
    {"through_a_file", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin/x"); }, "cannot be opened"},
    {"no_location", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "", "0"); }, "names no location"},
    {"nul_in_location", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, std::string("good.bin\0x", 10)); },
     "has no usable name"},
    {"endless_location", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, std::string(5000, 'a')); },
     "has no usable name"},
    {"unknown_key",
     [](const TemporaryFolder &, TensorProto &t) {
       setExternal(t, "good.bin");
       t.add_external_data()->set_key("__class__");
     },
     "external data has the unknown key '__class__'"},
    {"key_twice",
     [](const TemporaryFolder &, TensorProto &t) {
       setExternal(t, "good.bin");
       *t.add_external_data() = t.external_data(0);
     },
     "has the key 'location' twice"},
    {"negative_offset", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "-8"); }, "has the offset '-8'"},
    {"offset_no_number", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "0x10"); },
     "has the offset '0x10'"},
    {"offset_overflow", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "18446744073709551616"); },
     "has the offset"},
    {"offset_wraps", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "18446744073709551000"); },
     "has 5000 bytes, but 1200 at offset 18446744073709551000 are asked for"},
    {"offset_beyond_end", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "5001"); }, "are asked for"},
    {"end_beyond_end", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "3801"); }, "are asked for"},
    {"length_negative", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "0", "-1"); },
     "has the length '-1'"},
    {"length_differs", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "0", "1199"); },
     "external data of 1199 bytes, but f32[300] takes 1200"},
    {"petabytes", [](const TemporaryFolder &, TensorProto &t) { setExternal(t, "good.bin", "0", "1125899906842624"); },
     "external data of 1125899906842624 bytes"},
    {"data_beside",
     [](const TemporaryFolder &, TensorProto &t) {
       setExternal(t, "good.bin");
       t.set_raw_data(std::string(kBytes, '\0'));
     },
     "its data is given more than once"},
    {"empty_file",
     [](const TemporaryFolder &f, TensorProto &t) {
       f.write("inside/empty.bin", "");
       setExternal(t, "empty.bin");
     },
     "has 0 bytes"},
    {"strings",
     [](const TemporaryFolder &, TensorProto &t) {
       setExternal(t, "good.bin");
       t.set_data_type(TensorProto::STRING);
     },
     "strings in external data"},
};

void prepareFolder(const TemporaryFolder &folder) {
  ASSERT_EQ(mkdir(folder.path("inside").c_str(), 0755), 0);
  folder.write("outside.bin", std::string(5000, 's'));
  std::string good(5000, '\0');
  for (size_t i = 0; i < good.size(); ++i)
    good[i] = static_cast<char>(i % 251);
  folder.write("inside/good.bin", good);
}

class ExternalDataAttack : public testing::TestWithParam<std::tuple<Attack, Carrier>> {};

TEST_P(ExternalDataAttack, IsRefusedWithOneDiagnostic) {
  TemporaryFolder folder;
  prepareFolder(folder);
  const Attack &attack = std::get<0>(GetParam());
  ModelProto model = carrierModel(std::get<1>(GetParam()), [&](TensorProto &tensor) { attack.prepare(folder, tensor); });
  Outcome outcome = readFile(folder.write("inside/model.onnx", model.SerializeAsString()));
  EXPECT_EQ(outcome.model, nullptr);
  ASSERT_EQ(outcome.diagnostics.size(), 1u) << outcome.text();
  EXPECT_NE(outcome.diagnostics[0].message.find(attack.message), std::string::npos) << outcome.text();
  EXPECT_FALSE(outcome.diagnostics[0].note.empty());
}

const char *const kCarrierNames[] = {"Initializer",    "Constant",     "Attribute", "SparseInitializer",
                                     "SparseConstant", "FunctionBody", "Subgraph"};

INSTANTIATE_TEST_SUITE_P(All, ExternalDataAttack, testing::Combine(testing::ValuesIn(kAttacks), testing::ValuesIn(kCarriers)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  kCarrierNames[static_cast<int>(std::get<1>(info.param))];
                         });

TEST(ExternalData, IsMappedAtItsOffset) {
  TemporaryFolder folder;
  prepareFolder(folder);
  ModelProto model = carrierModel(Carrier::Initializer, [](TensorProto &t) {
    setExternal(t, "./good.bin", "7", "1200");
    auto *checksum = t.add_external_data();
    checksum->set_key("checksum");
    checksum->set_value("whatever");
  });
  Outcome outcome = readFile(folder.write("inside/model.onnx", model.SerializeAsString()));
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  const Tensor &tensor = *outcome.model->graph.initializers.at("w");
  EXPECT_EQ(tensor.size, kBytes);
  EXPECT_EQ(tensor.offset, 7u);
  EXPECT_EQ(tensor.file, folder.path("inside/./good.bin"));
  EXPECT_EQ(tensor.data[0], 7);
  EXPECT_EQ(tensor.data[1199], 1206 % 251);
  ASSERT_EQ(outcome.model->externalFiles.size(), 1u);
  EXPECT_EQ(outcome.model->externalFiles[0], folder.path("inside/./good.bin"));
}

TEST(ExternalData, FileIsOpenedOnceForManyTensors) {
  TemporaryFolder folder;
  prepareFolder(folder);
  ModelProto model = carrierModel(Carrier::Initializer, [](TensorProto &t) { setExternal(t, "good.bin"); });
  TensorProto &other = *model.mutable_graph()->add_initializer();
  fillTensor(other, "v", 1, {2}, 0);
  setExternal(other, "good.bin", "16");
  Outcome outcome = readFile(folder.write("inside/model.onnx", model.SerializeAsString()));
  ASSERT_NE(outcome.model, nullptr) << outcome.text();
  EXPECT_EQ(outcome.model->graph.initializers.at("w")->data + 16, outcome.model->graph.initializers.at("v")->data);
}

// A download cache: the model's folder holds links into a folder of blobs beside it.
TEST(ExternalData, RootAdmitsWhatLinksLeadTo) {
  TemporaryFolder folder;
  prepareFolder(folder);
  ASSERT_EQ(symlink("../outside.bin", folder.path("inside/link.bin").c_str()), 0);
  ModelProto model = carrierModel(Carrier::Initializer, [](TensorProto &t) { setExternal(t, "link.bin"); });
  std::string path = folder.write("inside/model.onnx", model.SerializeAsString());
  EXPECT_EQ(readFile(path).model, nullptr);
  Outcome admitted = readFile(path, folder.path(""));
  ASSERT_NE(admitted.model, nullptr) << admitted.text();
  EXPECT_EQ(admitted.model->graph.initializers.at("w")->data[0], 's');
  Outcome elsewhere = readFile(path, folder.path("inside"));
  EXPECT_EQ(elsewhere.model, nullptr);
  EXPECT_NE(elsewhere.text().find("nor below"), std::string::npos) << elsewhere.text();
}

TEST(ExternalData, RootDoesNotAdmitHardLinksOrAbsolutePaths) {
  TemporaryFolder folder;
  prepareFolder(folder);
  ASSERT_EQ(link(folder.path("outside.bin").c_str(), folder.path("inside/hard.bin").c_str()), 0);
  for (const std::string &location : {std::string("hard.bin"), folder.path("outside.bin")}) {
    ModelProto model = carrierModel(Carrier::Initializer, [&](TensorProto &t) { setExternal(t, location); });
    EXPECT_EQ(readFile(folder.write("inside/model.onnx", model.SerializeAsString()), folder.path("")).model, nullptr) << location;
  }
}

// Kernels and sandboxes without openat2 take another way with the same answers.
TEST(ExternalData, BothWaysOfOpeningAgree) {
  TemporaryFolder folder;
  prepareFolder(folder);
  ASSERT_EQ(mkdir(folder.path("inside/sub").c_str(), 0755), 0);
  folder.write("inside/sub/file", "x");
  ASSERT_EQ(symlink("sub", folder.path("inside/linked").c_str()), 0);
  ASSERT_EQ(symlink("sub/file", folder.path("inside/link").c_str()), 0);
  Descriptor inside(open(folder.path("inside").c_str(), O_PATH | O_DIRECTORY));
  for (const char *path : {"good.bin", "sub/file", "./sub//file", "linked/file", "link", "none", "sub/none", "../outside.bin",
                           "sub/../good.bin", "good.bin/x"}) {
    errno = 0;
    bool direct = static_cast<bool>(openBeneath(inside, path));
    int why = errno;
    errno = 0;
    bool stepwise = static_cast<bool>(openBeneath(inside, path, true));
    if (std::string(path) == "sub/../good.bin") // stays beneath: openat2 follows it; callers refuse `..` before
      continue;
    EXPECT_EQ(direct, stepwise) << path;
    if (!direct)
      EXPECT_EQ(why, errno) << path;
  }
}

} // namespace
