// All files of the project that a design becomes.
#ifndef LAIC_LIB_TARGETS_HLS_PROJECT_H
#define LAIC_LIB_TARGETS_HLS_PROJECT_H

#include "laic/Target/Target.h"
#include "laic/Targets/HLS/HLS.h"

namespace laic::hls {

std::vector<ProjectFile> projectFiles(DesignOp design);

/// A file that is the same in every project, by its path there; generated from lib/Targets/HLS/Project and lib/Support.
llvm::ArrayRef<std::pair<const char *, const char *>> getFixedFiles();

} // namespace laic::hls
#endif
