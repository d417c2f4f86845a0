// npz: what numpy writes is read, what we write is read again, and hostile files are errors.
#include "laic/Support/Npz.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zip.h>

using namespace laic;

namespace {

class Npz : public ::testing::Test {
protected:
  void SetUp() override {
    char pattern[] = "/tmp/laic-npz-XXXXXX";
    close(mkstemp(pattern));
    path = pattern;
  }
  void TearDown() override { unlink(path.c_str()); }

  void zip(const std::map<std::string, std::string> &entries, bool compress) {
    int code = 0;
    zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    ASSERT_NE(archive, nullptr);
    for (const auto &[name, data] : entries) {
      zip_source_t *source = zip_source_buffer(archive, data.data(), data.size(), 0);
      const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
      zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    ASSERT_EQ(zip_close(archive), 0);
  }
  std::string path;
  npz::File file;
};

std::string npy(const std::string &header, const std::string &data, int major = 1) {
  std::string out = "\x93NUMPY";
  out += {static_cast<char>(major), 0};
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    out += static_cast<char>(header.size() >> (8 * i));
  return out + header + data;
}

std::string dict(const std::string &descr, const std::string &shape, const char *fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

TEST_F(Npz, RoundTripKeepsEverything) {
  npz::File written;
  npz::Array &matrix = written["a matrix/with strange \xc3\xa9 name"];
  matrix.kind = 'f';
  matrix.itemSize = 4;
  matrix.shape = {2, 3};
  matrix.data.resize(24);
  for (size_t i = 0; i < 24; ++i)
    matrix.data[i] = static_cast<uint8_t>(i);
  npz::Array &scalar = written["scalar"];
  scalar.kind = 'i';
  scalar.itemSize = 8;
  scalar.data.assign(8, 5);
  npz::Array &empty = written["empty"];
  empty.kind = 'b';
  empty.itemSize = 1;
  empty.shape = {0, 7};
  ASSERT_EQ(npz::write(path, written), "");
  ASSERT_EQ(npz::read(path, file), "");
  ASSERT_EQ(file.size(), 3u);
  for (const auto &[name, array] : written) {
    EXPECT_EQ(file[name].shape, array.shape) << name;
    EXPECT_EQ(file[name].data, array.data) << name;
    EXPECT_EQ(file[name].dtype(), array.dtype()) << name;
  }
}

TEST_F(Npz, ReadsStoredAndCompressed) {
  const std::string content = npy(dict("<i2", "(4,)"), std::string("\1\0\2\0\3\0\4\0", 8));
  for (bool compress : {false, true}) {
    zip({{"x.npy", content}, {"odd", content}}, compress);
    ASSERT_EQ(npz::read(path, file), "");
    ASSERT_EQ(file.count("x"), 1u);
    EXPECT_EQ(file.count("odd"), 1u);
    EXPECT_EQ(file["x"].shape, std::vector<int64_t>{4});
    EXPECT_EQ(file["x"].data, (std::vector<uint8_t>{1, 0, 2, 0, 3, 0, 4, 0}));
  }
}

TEST_F(Npz, ReadsBigEndianFortranAndLaterVersions) {
  npz::Array array;
  std::string content = npy(dict(">i2", "(2, 3)", "True"), std::string("\0\1\0\4\0\2\0\5\0\3\0\6", 12), 2);
  ASSERT_EQ(npz::parseNpy(content.data(), content.size(), array), "");
  EXPECT_EQ(array.data, (std::vector<uint8_t>{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}));
  EXPECT_EQ(array.dtype(), "<i2");
  content = npy(dict("<U3", "()"), std::string(12, 'a'), 3);
  ASSERT_EQ(npz::parseNpy(content.data(), content.size(), array), "");
  EXPECT_EQ(array.itemSize, 12u);
  EXPECT_EQ(array.dtype(), "<U3");
}

TEST_F(Npz, BadArraysAreErrors) {
  const struct {
    std::string content;
    const char *error;
  } cases[] = {
      {"", "no npy array"},
      {"\x93NUMPY", "no npy array"},
      {npy(dict("<f4", "(1,)"), "1234", 4), "npy version is 4"},
      {npy(dict("<f4", "(2,)"), "1234"), "cut short"},
      {npy(dict("<f4", "(1,)"), "12345"), "longer than its header says"},
      {npy(dict("|O", "(1,)"), "12345678"), "element type '|O'"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"), "records or objects"},
      {npy(dict("<f3", "(1,)"), "123"), "element type '<f3'"},
      {npy(dict("<f99999999999999", "(1,)"), ""), "element type"},
      {npy(dict("<f4", "(-1,)"), ""), "bad entry 'shape'"},
      {npy(dict("<f4", "(99999999999999999999,)"), ""), "bad entry 'shape'"},
      {npy(dict("<f4", "(4611686018427387904, 4611686018427387904)"), ""), "shape is too large"},
      {npy(dict("<f4", "(1099511627776,)"), "1234"), "cut short"}, // 4 TiB claimed
      {npy(dict("<f4", "(1,)", "Maybe"), "1234"), "bad entry 'fortran_order'"},
      {npy("{'descr': '<f4', 'shape': (1,), }", "1234"), "lacks"},
      {npy("{'descr': '<f4'", "1234"), "cannot be read"},
      {npy("[]", "1234"), "no dictionary"},
      {std::string("\x93NUMPY\2\0\xff\xff\xff\x7f", 12), "its header is too long"},
      {npy("{'evil': __import__('os')}", ""), "bad entry 'evil'"},
  };
  npz::Array array;
  for (const auto &c : cases)
    EXPECT_NE(npz::parseNpy(c.content.data(), c.content.size(), array).find(c.error), std::string::npos)
        << c.error << " but: " << npz::parseNpy(c.content.data(), c.content.size(), array);
}

TEST_F(Npz, NamesHaveALimit) {
  npz::File written;
  written[std::string(70000, 'n')] = npz::Array();
  EXPECT_NE(npz::write(path, written).find("a name is longer than 65,535 bytes"), std::string::npos);
}

TEST_F(Npz, BadArchivesAreErrors) {
  EXPECT_NE(npz::read("/nonexistent.npz", file).find("cannot read '/nonexistent.npz'"), std::string::npos);
  std::ofstream(path) << "this is no archive";
  EXPECT_NE(npz::read(path, file), "");
  const std::string content = npy(dict("<f4", "(256,)"), std::string(1024, 'x'));
  zip({{"x.npy", content}}, true);
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  // Any damage is an error or leaves the array as it was; never a crash.
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    std::ofstream(path, std::ios::binary) << changed;
    npz::File damaged;
    if (npz::read(path, damaged).empty())
      for (const auto &[name, array] : damaged)
        EXPECT_EQ(array.data.size(), 1024u) << i;
    std::ofstream(path, std::ios::binary) << bytes.substr(0, i);
    EXPECT_NE(npz::read(path, damaged), "") << i;
  }
  zip({{"x.npy", content}, {"x", content}}, false);
  EXPECT_NE(npz::read(path, file).find("comes twice"), std::string::npos);
}

} // namespace
