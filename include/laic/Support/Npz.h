// Reading and writing npz archives: named arrays, as numpy.savez and numpy.savez_compressed make them.
#ifndef LAIC_SUPPORT_NPZ_H
#define LAIC_SUPPORT_NPZ_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace laic {
namespace npz {

// One array in C order and little endian.
struct Array {
  char kind = 0;       // numpy's: 'b' bool, 'i', 'u', 'f', 'c', 'S' bytes, 'U' UCS-4 text
  size_t itemSize = 0; // bytes of one element
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;

  size_t elements() const;   // of the shape
  std::string dtype() const; // "<f4", "|b1", ...
};

using File = std::map<std::string, Array>;

// Replaces `out` by the archive's arrays. Returns an error text that names the file, empty on success. Every byte is taken as
// hostile: an array is allocated only as its bytes arrive, pickled objects are refused.
std::string read(const std::string &path, File &out);

// The same for one array in npy form.
std::string parseNpy(const void *bytes, size_t size, Array &out);

// Writes an uncompressed archive, whole or not at all. Equal contents give equal bytes.
std::string write(const std::string &path, const File &file);

} // namespace npz
} // namespace laic
#endif
