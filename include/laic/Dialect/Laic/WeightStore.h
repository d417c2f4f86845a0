// Where the bytes of large constants lie: mapped files and spill buffers, by source name.
#ifndef LAIC_DIALECT_LAIC_WEIGHTSTORE_H
#define LAIC_DIALECT_LAIC_WEIGHTSTORE_H

#include "laic/Dialect/Laic/Laic.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <mutex>
#include <vector>

namespace laic {

/// Thread-safe. Bytes stay valid until they are released; the store belongs to the dialect instance of an MLIRContext.
class WeightStore {
public:
  /// Registers bytes under `source`; `keepAlive` owns them. `mapped`: they lie in a read-only mapping of a file. Registering again replaces.
  void addSource(llvm::StringRef source, llvm::ArrayRef<char> bytes, std::shared_ptr<void> keepAlive, bool mapped = false);
  /// Takes bytes over (a folded or converted constant) and returns the attribute that refers to them.
  WeightAttr addOwned(std::vector<char> bytes, mlir::RankedTensorType type);
  /// Gives back the memory of a weight that nothing refers to any more: owned bytes are dropped; pages of a mapped file leave memory, and
  /// come back should they be read again.
  void release(WeightAttr weight);
  /// The bytes of a weight; empty when the source is unknown or too short (check `lookup(...).size()`).
  llvm::ArrayRef<char> lookup(WeightAttr weight) const;

private:
  struct Source {
    llvm::ArrayRef<char> bytes;
    std::shared_ptr<void> keepAlive;
    bool mapped = false;
  };
  mutable std::mutex mutex;
  llvm::StringMap<Source> sources;
  int64_t owned = 0;
};

/// Bytes per element in memory of an element type as constants and buffers store it (i1: one byte). 0: no fixed size.
int64_t elementBytes(mlir::Type element);

/// A constant attribute (dense when small, else a weight) for raw little-endian bytes: types of less than a byte as one byte each.
mlir::TypedAttr makeConstant(WeightStore &store, llvm::ArrayRef<char> bytes, mlir::RankedTensorType type);
/// The raw bytes of a laic.constant's value; `scratch` holds them where the attribute does not (i1, i4, splats).
llvm::ArrayRef<char> constantBytes(WeightStore &store, mlir::Attribute value, std::vector<char> &scratch);

} // namespace laic
#endif
