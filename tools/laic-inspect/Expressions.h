// The size program of a plan as formulas.
#ifndef LAIC_INSPECT_EXPRESSIONS_H
#define LAIC_INSPECT_EXPRESSIONS_H

#include "ArtifactFile.h"

namespace laic {
namespace inspect {

// Each scalar as text: short ones are written out wherever they are used, long ones get a name and one definition, so that the
// text stays linear in the program.
class Expressions {
public:
  Expressions(const artifact::Entry &entry, const artifact::Plan &plan);

  // As an operand or on its own.
  const std::string &operator[](uint32_t scalar) const { return uses[scalar]; }
  // (name, formula) of the scalars that have a name.
  const std::vector<std::pair<std::string, std::string>> &definitions() const { return named; }
  // "[N, 4]"
  std::string shape(const flatbuffers::Vector<uint32_t> *scalars) const;

private:
  std::string formula(const artifact::Entry &entry, const artifact::Scalar &scalar) const;
  std::string operand(uint32_t scalar) const; // in parentheses where needed

  std::vector<std::string> uses;
  std::vector<bool> atomic; // needs no parentheses
  std::vector<std::pair<std::string, std::string>> named;
};

// "f32[N, 3, ?]" of a signature.
std::string signatureType(const artifact::Tensor &tensor);

} // namespace inspect
} // namespace laic
#endif
