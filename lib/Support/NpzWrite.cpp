// Writes npz archives: stored zip entries, with the 64-bit extension where sizes ask for it.
#include "laic/Support/AtomicFile.h"
#include "laic/Support/Npz.h"

#include <algorithm>
#include <zlib.h>

using namespace laic;
using namespace laic::npz;

namespace {

constexpr uint32_t kTop32 = 0xffffffffu;
constexpr uint16_t kVersion = 45;           // zip64
constexpr uint16_t kUtf8 = 1 << 11;         // names are UTF-8
constexpr uint16_t kFixedDate = 1 << 5 | 1; // 1980-01-01, so that equal contents give equal bytes

// Little-endian fields.
class Record {
public:
  Record &u16(uint64_t value) { return put(value, 2); }
  Record &u32(uint64_t value) { return put(value, 4); }
  Record &u64(uint64_t value) { return put(value, 8); }
  Record &text(const std::string &value) {
    bytes += value;
    return *this;
  }
  const std::string &get() const { return bytes; }

private:
  Record &put(uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      bytes.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }
  std::string bytes;
};

struct Entry {
  std::string name;
  uint64_t offset;
  uint64_t size;
  uint32_t checksum;
};

std::string npyHeader(const Array &array) {
  std::string shape = "(";
  for (int64_t size : array.shape)
    shape += std::to_string(size) + (array.shape.size() == 1 ? "," : ", ");
  if (array.shape.size() > 1)
    shape.resize(shape.size() - 2);
  std::string dict = "{'descr': '" + array.dtype() + "', 'fortran_order': False, 'shape': " + shape + "), }";
  const size_t prefix = 10, alignment = 64;
  dict.append((alignment - (prefix + dict.size() + 1) % alignment) % alignment, ' ');
  dict.push_back('\n');
  return Record().text("\x93NUMPY\x01").text(std::string(1, 0)).u16(dict.size()).text(dict).get();
}

uint32_t checksum(const std::string &header, const std::vector<uint8_t> &data) {
  uLong crc = crc32_z(0, reinterpret_cast<const Bytef *>(header.data()), header.size());
  // For a null pointer, which an empty vector may have, zlib would start anew.
  return static_cast<uint32_t>(data.empty() ? crc : crc32_z(crc, data.data(), data.size()));
}

bool isWide(const Entry &entry) { return entry.size >= kTop32; }

std::string localHeader(const Entry &entry) {
  Record record;
  record.u32(0x04034b50).u16(kVersion).u16(kUtf8).u16(0).u16(0).u16(kFixedDate).u32(entry.checksum);
  if (!isWide(entry))
    return record.u32(entry.size).u32(entry.size).u16(entry.name.size()).u16(0).text(entry.name).get();
  record.u32(kTop32).u32(kTop32).u16(entry.name.size()).u16(20).text(entry.name);
  return record.u16(1).u16(16).u64(entry.size).u64(entry.size).get();
}

std::string centralHeader(const Entry &entry) {
  const bool wide = isWide(entry) || entry.offset >= kTop32;
  Record record;
  record.u32(0x02014b50).u16(kVersion).u16(kVersion).u16(kUtf8).u16(0).u16(0).u16(kFixedDate).u32(entry.checksum);
  record.u32(wide ? kTop32 : entry.size).u32(wide ? kTop32 : entry.size);
  record.u16(entry.name.size()).u16(wide ? 28 : 0).u16(0).u16(0).u16(0).u32(0).u32(wide ? kTop32 : entry.offset);
  record.text(entry.name);
  if (wide)
    record.u16(1).u16(24).u64(entry.size).u64(entry.size).u64(entry.offset);
  return record.get();
}

std::string endRecords(uint64_t entries, uint64_t directory, uint64_t directorySize) {
  Record record;
  const bool wide = entries >= 0xffff || directory >= kTop32 || directorySize >= kTop32;
  if (wide) {
    record.u32(0x06064b50).u64(44).u16(kVersion).u16(kVersion).u32(0).u32(0).u64(entries).u64(entries);
    record.u64(directorySize).u64(directory);
    record.u32(0x07064b50).u32(0).u64(directory + directorySize).u32(1);
  }
  const uint64_t shown = wide ? 0xffff : entries;
  record.u32(0x06054b50).u16(0).u16(0).u16(shown).u16(shown);
  record.u32(wide ? kTop32 : directorySize).u32(wide ? kTop32 : directory).u16(0);
  return record.get();
}

} // namespace

std::string npz::write(const std::string &path, const File &file) {
  AtomicFile output;
  std::string error = output.open(path);
  std::vector<Entry> entries;
  auto put = [&](const void *data, size_t size) {
    if (error.empty())
      error = output.write(data, size);
  };
  for (const auto &[name, array] : file) {
    const std::string header = npyHeader(array);
    Entry entry = {name + ".npy", output.position(), header.size() + array.data.size(), checksum(header, array.data)};
    if (entry.name.size() > 0xffff)
      return "cannot write '" + path + "': a name is longer than 65,535 bytes";
    const std::string local = localHeader(entry);
    put(local.data(), local.size());
    put(header.data(), header.size());
    put(array.data.data(), array.data.size());
    entries.push_back(entry);
  }
  const uint64_t directory = output.position();
  for (const Entry &entry : entries) {
    const std::string record = centralHeader(entry);
    put(record.data(), record.size());
  }
  const std::string end = endRecords(entries.size(), directory, output.position() - directory);
  put(end.data(), end.size());
  if (error.empty())
    error = output.sync(); // may hold what a training run has learnt
  return error.empty() ? output.commit() : error;
}
