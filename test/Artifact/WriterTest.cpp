// The artifact writer: layout, streaming, determinism, and nothing left behind on failure.
#include "TestArtifact.h"

#include "laic/Artifact/Format.h"
#include "laic/Artifact/Writer.h"
#include "laic/Support/AtomicFile.h"

#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

// A folder that vanishes with the object.
class Folder {
public:
  Folder() {
    char pattern[] = "/tmp/laic-writer-XXXXXX";
    path = mkdtemp(pattern);
  }
  ~Folder() {
    for (const std::string &name : names())
      unlink((path + "/" + name).c_str());
    rmdir(path.c_str());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR *folder = opendir(path.c_str());
    while (dirent *entry = readdir(folder))
      if (entry->d_name[0] != '.')
        found.push_back(entry->d_name);
    closedir(folder);
    return found;
  }
  std::string path;
};

std::vector<uint8_t> readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

// The affine model's program and segments, for writeArtifact.
struct Parts {
  TestArtifact artifact = makeAffine();
  flatbuffers::FlatBufferBuilder builder;
  std::vector<SegmentSource> sources;

  Parts() {
    builder.Finish(Program::Pack(builder, &artifact.program), ProgramIdentifier());
    for (size_t i = 0; i < artifact.segments.size(); ++i)
      sources.push_back({artifact.program.segments[i]->kind, artifact.segments[i].size(), [this, i](SegmentSink &sink) {
                           for (uint8_t byte : artifact.segments[i]) // in the smallest chunks
                             sink.write(&byte, 1);
                           return std::string();
                         }});
  }
  std::string write(const std::string &path) {
    return writeArtifact(path, builder.GetBufferPointer(), builder.GetSize(), sources);
  }
};

TEST(Writer, FileAndMemoryAreTheSameBytes) {
  Folder folder;
  Parts parts;
  ASSERT_EQ(parts.write(folder.path + "/a.bin"), "");
  EXPECT_EQ(readAll(folder.path + "/a.bin"), parts.artifact.bytes());
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.bin"});
  EXPECT_TRUE(loadFile(folder.path + "/a.bin"));
}

TEST(Writer, SegmentsStartOn64KiB) {
  const std::vector<uint8_t> bytes = makeAffine().bytes();
  for (size_t i = 1; i <= 2; ++i) {
    SectionEntry entry;
    memcpy(&entry, bytes.data() + sizeof(FileHeader) + i * sizeof entry, sizeof entry);
    EXPECT_EQ(entry.offset % 65536, 0u);
    EXPECT_EQ(entry.flags, kSectionCritical);
  }
}

TEST(Writer, TablesSayThatTheyAreLookedUp) {
  Folder folder;
  Parts parts;
  parts.sources[1].lookUp = true;
  ASSERT_EQ(parts.write(folder.path + "/a.bin"), "");
  EXPECT_TRUE(loadFile(folder.path + "/a.bin"));
  std::vector<uint8_t> bytes = readAll(folder.path + "/a.bin");
  SectionEntry entry;
  memcpy(&entry, bytes.data() + sizeof(FileHeader) + 2 * sizeof entry, sizeof entry);
  EXPECT_EQ(entry.flags, kSectionCritical | kSectionLookUp);
  EXPECT_EQ(loadBytes(bytes).message, "");
  bytes.back() ^= 1;
  EXPECT_EQ(loadBytes(bytes).message, "artifact is damaged: the hash of section 2 differs");
}

TEST(Writer, CopiesAreTheSameBytes) {
  Folder folder;
  Parts parts;
  parts.sources[1].lookUp = true;
  std::vector<uint8_t> bytes;
  ASSERT_EQ(serializeArtifact(parts.builder.GetBufferPointer(), parts.builder.GetSize(), parts.sources, bytes), "");
  // Whatever the table of sections says, and wherever the bytes end.
  std::vector<std::vector<uint8_t>> all = {bytes, {}, {1, 2, 3}, std::vector<uint8_t>(200, 0xff)};
  all.emplace_back(bytes.begin(), bytes.begin() + 100);
  all.emplace_back(bytes.begin(), bytes.end() - 5);
  for (const std::vector<uint8_t> &some : all) {
    AtomicFile file;
    ASSERT_EQ(file.open(folder.path + "/copy.bin"), "");
    EXPECT_EQ(copyArtifact(file, some.data(), some.size()), "");
    ASSERT_EQ(file.commit(), "");
    EXPECT_EQ(readAll(folder.path + "/copy.bin"), some);
  }
}

TEST(Writer, ShortSegmentsAreFilledWithZeros) {
  Parts parts;
  parts.sources[1].produce = [](SegmentSink &sink) {
    const float one = 1;
    sink.write(&one, sizeof one);
    EXPECT_EQ(sink.position(), 4u);
    sink.padTo(12);
    return std::string();
  };
  std::vector<uint8_t> bytes;
  ASSERT_EQ(serializeArtifact(parts.builder.GetBufferPointer(), parts.builder.GetSize(), parts.sources, bytes), "");
  EXPECT_EQ(loadBytes(bytes).message, "");
  EXPECT_EQ(std::vector<uint8_t>(bytes.end() - 12, bytes.end()), std::vector<uint8_t>(12, 0));
}

TEST(Writer, LongSegmentsAreAnError) {
  Folder folder;
  Parts parts;
  parts.sources[1].produce = [](SegmentSink &sink) {
    EXPECT_TRUE(sink.write("0123456789", 10));
    EXPECT_FALSE(sink.write("0123456789", 10));
    return std::string();
  };
  EXPECT_EQ(parts.write(folder.path + "/a.bin"), "a segment of 16 bytes was given more data than it declared");
  EXPECT_TRUE(folder.names().empty());
}

TEST(Writer, AFailingProducerLeavesTheOldFile) {
  Folder folder;
  Parts parts;
  const std::string path = folder.path + "/a.bin";
  ASSERT_EQ(parts.write(path), "");
  const std::vector<uint8_t> before = readAll(path);
  parts.sources[1].produce = [](SegmentSink &) { return std::string("cannot read weights"); };
  EXPECT_EQ(parts.write(path), "cannot read weights");
  EXPECT_EQ(readAll(path), before);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.bin"});
}

TEST(Writer, AFullDiskIsAnErrorThatLeavesNothing) {
  Folder folder;
  Parts parts;
  struct rlimit before, limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 100000; // between the code's segment and the weights'
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::string error = parts.write(folder.path + "/a.bin");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "cannot write '" + folder.path + "/a.bin': File too large");
  EXPECT_TRUE(folder.names().empty());
}

TEST(Writer, UnwritablePlacesAreErrors) {
  Parts parts;
  EXPECT_EQ(parts.write("/nonexistent/a.bin"), "cannot create '/nonexistent/a.bin': No such file or directory");
  EXPECT_EQ(parts.write("/tmp"), "cannot write '/tmp': Is a directory");
  // Devices are written, not replaced.
  EXPECT_NE(parts.write("/dev/full"), "");
  struct stat info;
  ASSERT_EQ(stat("/dev/full", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST(Writer, LinksAreFollowed) {
  Folder folder;
  Parts parts;
  const std::string real = folder.path + "/real.bin", link = folder.path + "/link.bin";
  std::ofstream(real) << "old";
  ASSERT_EQ(symlink(real.c_str(), link.c_str()), 0);
  ASSERT_EQ(parts.write(link), "");
  struct stat info;
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  EXPECT_TRUE(loadFile(real));
}

TEST(Writer, TooManySegmentsAreAnError) {
  Parts parts;
  parts.sources.assign(kMaxSections, SegmentSource());
  std::vector<uint8_t> bytes;
  EXPECT_EQ(serializeArtifact(parts.builder.GetBufferPointer(), parts.builder.GetSize(), parts.sources, bytes),
            "an artifact holds at most 1023 segments, got 1024");
}

} // namespace
