// Writes the affine test artifact to argv[1], for tests that are scripts.
#include "TestArtifact.h"

#include <cstdio>

int main(int argc, char **argv) {
  const std::vector<uint8_t> bytes = laic::test::makeAffine().bytes();
  FILE *file = argc > 1 ? fopen(argv[1], "wb") : nullptr;
  const bool written = file && fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return written && fclose(file) == 0 ? 0 : 1;
}
