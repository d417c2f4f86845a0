// Writes the files of a project into a folder that appears whole or not at all.
#ifndef LAIC_LIB_PIPELINES_WRITEPROJECT_H
#define LAIC_LIB_PIPELINES_WRITEPROJECT_H

#include "laic/Target/Target.h"

namespace laic {

/// Replaces `folder` if it is empty or a project that laic has written before (its report.json says so); refuses anything else that exists. Returns
/// an error text, empty on success.
std::string writeProject(llvm::ArrayRef<ProjectFile> files, const std::string &folder);

} // namespace laic
#endif
