// What users know an operation by.
#include "NodeNames.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

std::string laic::nodeNames(Location loc) {
  constexpr size_t kNames = 6;
  llvm::SmallSetVector<llvm::StringRef, 8> names;
  loc->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    names.insert(name.getName().getValue());
    return WalkResult::skip(); // behind it stands what the node is, not another name
  });
  llvm::ArrayRef<llvm::StringRef> all = names.getArrayRef();
  std::string text = llvm::join(all.take_front(kNames), "+");
  if (all.size() > kNames)
    text += "+" + std::to_string(all.size() - kNames) + " more";
  return text;
}
