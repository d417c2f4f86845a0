// --compare: outputs against a reference.
#ifndef LAIC_RUN_COMPARE_H
#define LAIC_RUN_COMPARE_H

#include "Options.h"
#include "Session.h"

namespace laic {
namespace run {

// Compares the session's outputs with the arrays of options.compare and returns a one-line summary. Throws Failure (exit 1) that names
// the worst element of each output that differs.
std::string compareOutputs(const Session &session, const Options &options);

} // namespace run
} // namespace laic
#endif
