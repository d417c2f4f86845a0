// The parts that are known.
#include "Parts.h"

#include "llvm/ADT/STLExtras.h"

using namespace laic::hls;

llvm::ArrayRef<Part> laic::hls::getParts() {
  static const Part parts[] = {
      {"k26", "xck26-sfvc784-2LV-c", 117120, 288, 64, 1248},
      {"u250", "xcu250-figd2104-2L-e", 375000, 1152, 320, 2880},
      {"zu7ev", "xczu7ev-ffvc1156-2-e", 230000, 610, 92, 1728},
      {"zynq7020", "xc7z020clg400-1", 53200, 280, 0, 220},
  };
  return parts;
}

const Part *laic::hls::findPart(llvm::StringRef name) {
  const Part *found = llvm::find_if(getParts(), [&](const Part &part) { return part.name == name; });
  return found == getParts().end() ? nullptr : found;
}
