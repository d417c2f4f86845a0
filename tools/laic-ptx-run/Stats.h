// Prints what a launch did.
#ifndef LAIC_PTX_STATS_H
#define LAIC_PTX_STATS_H

#include "Interpreter.h"

namespace laic {
namespace ptx {

std::string statsAsText(const LaunchResult &result);
std::string statsAsJson(const std::string &kernel, const LaunchResult &result); // one line

} // namespace ptx
} // namespace laic
#endif
