// The two forms of what laic-inspect says.
#ifndef LAIC_INSPECT_PRINT_H
#define LAIC_INSPECT_PRINT_H

#include "ArtifactFile.h"

namespace laic {
namespace inspect {

// For people.
std::string asText(const ArtifactFile &file, const std::string &path);
// For programs: one JSON object.
std::string asJson(const ArtifactFile &file);

// "dispatch", "copy", ...
const char *stepName(artifact::StepKind kind);
// "input x", "constant 1 + 64", "arena + 128"
class Expressions;
std::string placeOf(const artifact::Entry &entry, const artifact::Buffer &buffer, const Expressions &sizes);

} // namespace inspect
} // namespace laic
#endif
