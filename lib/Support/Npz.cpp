// Reads npz archives: libzip for the container, a small parser for the npy headers inside.
#include "laic/Support/Npz.h"

#include <algorithm>
#include <cstring>
#include <zip.h>

using namespace laic;
using namespace laic::npz;

namespace {

constexpr size_t kMaxRank = 64;
constexpr size_t kMaxHeader = 1 << 20;
constexpr size_t kChunk = 16 << 20; // an entry's size is a claim; memory follows the bytes that come
constexpr char kMagic[] = "\x93NUMPY";

// Parses the dict that an npy header is: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
public:
  HeaderParser(const char *begin, const char *end) : at(begin), end(end) {}

  // Returns an error text.
  std::string parse(std::string &descr, bool &fortran, std::vector<int64_t> &shape) {
    bool sawDescr = false, sawOrder = false, sawShape = false;
    if (!take('{'))
      return "its header is no dictionary";
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return "its header cannot be read";
      bool good = false;
      if (key == "descr")
        good = sawDescr = string(descr);
      else if (key == "fortran_order")
        good = sawOrder = boolean(fortran);
      else if (key == "shape")
        good = sawShape = tuple(shape);
      if (!good)
        return key == "descr" ? "it holds records or objects" : "its header has a bad entry '" + key + "'";
      if (!take(',') && !(peek() == '}'))
        return "its header cannot be read";
    }
    return sawDescr && sawOrder && sawShape ? std::string() : "its header lacks descr, fortran_order or shape";
  }

private:
  char peek() {
    while (at < end && (*at == ' ' || *at == '\n'))
      ++at;
    return at < end ? *at : 0;
  }
  bool take(char c) {
    if (peek() != c)
      return false;
    ++at;
    return true;
  }
  bool string(std::string &out) {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      return false;
    const char *close = std::find(++at, end, quote);
    if (close == end)
      return false;
    out.assign(at, close);
    at = close + 1;
    return true;
  }
  bool word(const char *text) {
    size_t length = strlen(text);
    if (static_cast<size_t>(end - at) < length || memcmp(at, text, length) != 0)
      return false;
    at += length;
    return true;
  }
  bool boolean(bool &out) {
    peek();
    out = word("True");
    return out || word("False");
  }
  bool tuple(std::vector<int64_t> &out) {
    if (!take('('))
      return false;
    while (!take(')')) {
      int64_t value = 0;
      if (peek() < '0' || peek() > '9' || out.size() == kMaxRank)
        return false;
      for (; at < end && *at >= '0' && *at <= '9'; ++at)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
          return false;
      if (at < end && *at == 'L') // written by Python 2
        ++at;
      out.push_back(value);
      if (!take(',') && peek() != ')')
        return false;
    }
    return true;
  }

  const char *at;
  const char *end;
};

// "<f4" to kind and size; false for what npz cannot carry for us.
bool parseDescr(const std::string &descr, Array &out, bool &swap) {
  if (descr.size() < 3 || descr.size() > 12 || !strchr("<>|=", descr[0]) || !strchr("biufcSU", descr[1]))
    return false;
  uint64_t size = 0;
  for (size_t i = 2; i < descr.size(); ++i) {
    if (descr[i] < '0' || descr[i] > '9')
      return false;
    size = size * 10 + static_cast<uint64_t>(descr[i] - '0');
  }
  out.kind = descr[1];
  out.itemSize = static_cast<size_t>(out.kind == 'U' ? size * 4 : size);
  swap = descr[0] == '>' && out.kind != 'S';
  if (out.kind == 'S' || out.kind == 'U')
    return size <= (1u << 30);
  if (out.kind == 'b')
    return size == 1;
  return size == 1 || size == 2 || size == 4 || size == 8 || (size == 16 && out.kind == 'c');
}

bool byteSize(const Array &array, uint64_t &bytes) {
  bytes = array.itemSize;
  for (int64_t size : array.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      return false;
  return true;
}

void swapBytes(Array &array) {
  size_t unit = array.kind == 'U' ? 4 : array.kind == 'c' ? array.itemSize / 2 : array.itemSize;
  if (unit > 1)
    for (size_t i = 0; i + unit <= array.data.size(); i += unit)
      std::reverse(array.data.begin() + static_cast<std::ptrdiff_t>(i),
                   array.data.begin() + static_cast<std::ptrdiff_t>(i + unit));
}

// From column-major to row-major.
void reorder(Array &array) {
  const size_t rank = array.shape.size();
  if (rank < 2 || array.data.empty())
    return;
  std::vector<uint8_t> sorted(array.data.size());
  std::vector<int64_t> index(rank, 0), stride(rank, 1);
  for (size_t i = 1; i < rank; ++i)
    stride[i] = stride[i - 1] * array.shape[i - 1];
  size_t from = 0;
  for (size_t to = 0; to < sorted.size(); to += array.itemSize) {
    memcpy(&sorted[to], &array.data[from * array.itemSize], array.itemSize);
    for (size_t d = rank; d-- > 0;) {
      from += static_cast<size_t>(stride[d]);
      if (++index[d] < array.shape[d])
        break;
      from -= static_cast<size_t>(stride[d] * array.shape[d]);
      index[d] = 0;
    }
  }
  array.data.swap(sorted);
}

// A stream of an entry's bytes.
class Source {
public:
  virtual ~Source() = default;
  virtual bool read(void *to, size_t size) = 0; // all of it or false
  virtual bool atEnd() = 0;
};

class MemorySource : public Source {
public:
  MemorySource(const void *bytes, size_t size) : at(static_cast<const char *>(bytes)), left(size) {}
  bool read(void *to, size_t size) override {
    if (size > left)
      return false;
    if (size)
      memcpy(to, at, size);
    at += size;
    left -= size;
    return true;
  }
  bool atEnd() override { return left == 0; }

private:
  const char *at;
  size_t left;
};

class ZipSource : public Source {
public:
  explicit ZipSource(zip_file_t *file) : file(file) {}
  ~ZipSource() override { zip_fclose(file); }
  bool read(void *to, size_t size) override {
    char *bytes = static_cast<char *>(to);
    while (size > 0) {
      zip_int64_t count = zip_fread(file, bytes, size);
      if (count <= 0)
        return false;
      bytes += count;
      size -= static_cast<size_t>(count);
    }
    return true;
  }
  // Reading past the last byte is also what makes libzip compare the checksum.
  bool atEnd() override {
    char extra;
    return zip_fread(file, &extra, 1) == 0;
  }

private:
  zip_file_t *file;
};

std::string readHeader(Source &source, Array &out, bool &fortran, bool &swap) {
  unsigned char head[8], length[4] = {};
  if (!source.read(head, sizeof head) || memcmp(head, kMagic, 6) != 0)
    return "it is no npy array";
  const unsigned major = head[6];
  if (major < 1 || major > 3)
    return "its npy version is " + std::to_string(major);
  if (!source.read(length, major == 1 ? 2 : 4))
    return "it is cut short";
  const size_t size = length[0] | length[1] << 8 | length[2] << 16 | static_cast<size_t>(length[3]) << 24;
  if (size > kMaxHeader)
    return "its header is too long";
  std::string text(size, 0), descr;
  if (!source.read(&text[0], size))
    return "it is cut short";
  std::string error = HeaderParser(text.data(), text.data() + size).parse(descr, fortran, out.shape);
  if (!error.empty())
    return error;
  if (!parseDescr(descr, out, swap))
    return "its element type '" + descr + "' is not supported";
  return std::string();
}

std::string readArray(Source &source, Array &out) {
  out = Array();
  bool fortran = false, swap = false;
  std::string error = readHeader(source, out, fortran, swap);
  if (!error.empty())
    return error;
  uint64_t bytes;
  if (!byteSize(out, bytes) || bytes > SIZE_MAX / 2)
    return "its shape is too large";
  while (out.data.size() < bytes) {
    const size_t before = out.data.size();
    out.data.resize(static_cast<size_t>(std::min<uint64_t>(bytes, before + std::max(before, kChunk))));
    if (!source.read(out.data.data() + before, out.data.size() - before))
      return "it is cut short or damaged";
  }
  if (!source.atEnd())
    return "it is damaged or longer than its header says";
  if (swap)
    swapBytes(out);
  if (fortran)
    reorder(out);
  return std::string();
}

std::string readEntries(zip_t *archive, const std::string &path, File &out) {
  const zip_int64_t entries = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    const zip_uint64_t index = static_cast<zip_uint64_t>(i);
    const char *raw = zip_get_name(archive, index, ZIP_FL_ENC_UTF_8);
    std::string name = raw ? raw : "";
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0)
      name.resize(name.size() - 4);
    const std::string place = "'" + path + "': array '" + name + "': ";
    zip_file_t *file = zip_fopen_index(archive, index, 0);
    if (!file)
      return place + zip_strerror(archive);
    ZipSource source(file);
    Array array;
    std::string error = readArray(source, array);
    if (!error.empty())
      return place + error;
    if (!out.emplace(name, std::move(array)).second)
      return place + "it comes twice";
  }
  return std::string();
}

} // namespace

size_t Array::elements() const {
  size_t count = 1;
  for (int64_t size : shape)
    count *= static_cast<size_t>(size);
  return count;
}

std::string Array::dtype() const {
  const bool single = itemSize == 1 || kind == 'S';
  return (single ? "|" : "<") + std::string(1, kind) + std::to_string(kind == 'U' ? itemSize / 4 : itemSize);
}

std::string npz::parseNpy(const void *bytes, size_t size, Array &out) {
  MemorySource source(bytes, size);
  return readArray(source, out);
}

std::string npz::read(const std::string &path, File &out) {
  out.clear();
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string text = "cannot read '" + path + "': " + zip_error_strerror(&error);
    zip_error_fini(&error);
    return text;
  }
  std::string error = readEntries(archive, path, out);
  zip_discard(archive);
  return error;
}
