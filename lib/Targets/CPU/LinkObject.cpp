// A linker for code that imports nothing: sections of one ELF object to one blob, relative relocations applied.
#include "ObjectCode.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace laic;
using namespace laic::cpu;
using namespace llvm::object;
namespace ELF = llvm::ELF;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "internal error in code generation: " + message);
}

namespace {

class Linker {
public:
  Linker(const ELF64LEObjectFile &object, bool arm) : object(object), arm(arm) {}
  llvm::Error run();
  LinkedCode code;

private:
  llvm::Error layOut();
  llvm::Error relocate(const SectionRef &target, uint64_t base);
  llvm::Error applyX86(uint64_t type, uint64_t place, int64_t value);
  llvm::Error applyArm(uint64_t type, uint64_t place, int64_t target);
  llvm::Error collectKernels();
  template <typename T> void write(uint64_t place, T value) {
    llvm::support::endian::write<T, llvm::endianness::little>(code.bytes.data() + place, value);
  }
  uint32_t word(uint64_t place) const { return llvm::support::endian::read32le(code.bytes.data() + place); }
  void patch(uint64_t place, uint32_t mask, uint32_t bits) { write<uint32_t>(place, (word(place) & ~mask) | (bits & mask)); }

  const ELF64LEObjectFile &object;
  bool arm;
  std::map<uint64_t, uint64_t> offsets; // section index -> offset in the blob
};

} // namespace

llvm::Error Linker::layOut() {
  for (bool text : {true, false})
    for (const ELFSectionRef section : object.sections()) {
      if (!(section.getFlags() & ELF::SHF_ALLOC) || section.isText() != text || section.getSize() == 0)
        continue;
      llvm::Expected<llvm::StringRef> name = section.getName();
      if (!name)
        return name.takeError();
      if (name->starts_with(".eh_frame") || name->starts_with(".note"))
        continue;
      if ((section.getFlags() & ELF::SHF_WRITE) || section.isBSS())
        return error("kernels have writable data in section " + *name);
      llvm::Expected<llvm::StringRef> contents = section.getContents();
      if (!contents)
        return contents.takeError();
      uint64_t offset = llvm::alignTo(code.bytes.size(), std::max<uint64_t>(section.getAlignment().value(), 64));
      code.bytes.resize(offset);
      code.bytes.insert(code.bytes.end(), contents->begin(), contents->end());
      offsets[section.getIndex()] = offset;
    }
  return llvm::Error::success();
}

llvm::Error Linker::applyX86(uint64_t type, uint64_t place, int64_t target) {
  int64_t distance = target - int64_t(place);
  switch (type) {
  case ELF::R_X86_64_PC32:
  case ELF::R_X86_64_PLT32:
    if (!llvm::isInt<32>(distance))
      return error("code is too large");
    write<int32_t>(place, distance);
    return llvm::Error::success();
  case ELF::R_X86_64_PC64:
    write<int64_t>(place, distance);
    return llvm::Error::success();
  }
  return error("relocation " + llvm::Twine(type) + " is not relative");
}

llvm::Error Linker::applyArm(uint64_t type, uint64_t place, int64_t target) {
  int64_t distance = target - int64_t(place);
  auto low12 = [&](unsigned scale) {
    patch(place, 0xfffu << 10, uint32_t((target & 0xfff) >> scale) << 10);
    return llvm::Error::success();
  };
  switch (type) {
  case ELF::R_AARCH64_ADR_PREL_PG_HI21: {
    int64_t pages = (target >> 12) - (int64_t(place) >> 12);
    patch(place, (3u << 29) | (0x7ffffu << 5), (uint32_t(pages & 3) << 29) | (uint32_t((pages >> 2) & 0x7ffff) << 5));
    return llvm::Error::success();
  }
  case ELF::R_AARCH64_ADR_PREL_LO21:
    patch(place, (3u << 29) | (0x7ffffu << 5), (uint32_t(distance & 3) << 29) | (uint32_t((distance >> 2) & 0x7ffff) << 5));
    return llvm::Error::success();
  case ELF::R_AARCH64_ADD_ABS_LO12_NC:
  case ELF::R_AARCH64_LDST8_ABS_LO12_NC:
    return low12(0);
  case ELF::R_AARCH64_LDST16_ABS_LO12_NC:
    return low12(1);
  case ELF::R_AARCH64_LDST32_ABS_LO12_NC:
    return low12(2);
  case ELF::R_AARCH64_LDST64_ABS_LO12_NC:
    return low12(3);
  case ELF::R_AARCH64_LDST128_ABS_LO12_NC:
    return low12(4);
  case ELF::R_AARCH64_CALL26:
  case ELF::R_AARCH64_JUMP26:
    patch(place, 0x3ffffffu, uint32_t(distance >> 2));
    return llvm::Error::success();
  case ELF::R_AARCH64_PREL32:
    write<int32_t>(place, distance);
    return llvm::Error::success();
  case ELF::R_AARCH64_PREL64:
    write<int64_t>(place, distance);
    return llvm::Error::success();
  }
  return error("relocation " + llvm::Twine(type) + " is not relative");
}

llvm::Error Linker::relocate(const SectionRef &target, uint64_t base) {
  for (const SectionRef &section : object.sections()) {
    llvm::Expected<section_iterator> relocated = section.getRelocatedSection();
    if (!relocated)
      return relocated.takeError();
    if (*relocated == object.section_end() || **relocated != target)
      continue;
    for (const ELFRelocationRef relocation : section.relocations()) {
      symbol_iterator symbol = relocation.getSymbol();
      llvm::Expected<int64_t> addend = relocation.getAddend();
      if (!addend)
        return addend.takeError();
      llvm::Expected<llvm::StringRef> name = symbol->getName();
      llvm::Expected<section_iterator> home = symbol->getSection();
      llvm::Expected<uint64_t> value = symbol->getValue();
      if (!name || !home || !value) {
        llvm::consumeError(name.takeError());
        llvm::consumeError(home.takeError());
        llvm::consumeError(value.takeError());
        return error("a symbol cannot be read");
      }
      if (*home == object.section_end())
        return error("a kernel needs '" + *name + "', which no library may provide");
      auto offset = offsets.find((*home)->getIndex());
      if (offset == offsets.end())
        return error("a kernel refers to '" + *name + "' in a section that is not kept");
      int64_t at = offset->second + *value + *addend;
      uint64_t place = base + relocation.getOffset();
      if (llvm::Error failed = arm ? applyArm(relocation.getType(), place, at) : applyX86(relocation.getType(), place, at))
        return failed;
    }
  }
  return llvm::Error::success();
}

llvm::Error Linker::collectKernels() {
  for (const ELFSymbolRef symbol : object.symbols()) {
    if (symbol.getELFType() != ELF::STT_FUNC)
      continue;
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    llvm::Expected<section_iterator> home = symbol.getSection();
    llvm::Expected<uint64_t> value = symbol.getValue();
    if (!name || !home || !value || !offsets.count((*home)->getIndex()))
      return error("a function cannot be found in its object");
    code.kernels.push_back({name->str(), offsets[(*home)->getIndex()] + *value, symbol.getSize()});
  }
  return llvm::Error::success();
}

llvm::Error Linker::run() {
  if (llvm::Error failed = layOut())
    return failed;
  for (const SectionRef &section : object.sections()) {
    auto offset = offsets.find(section.getIndex());
    if (offset == offsets.end())
      continue;
    if (llvm::Error failed = relocate(section, offset->second))
      return failed;
  }
  return collectKernels();
}

llvm::Expected<LinkedCode> laic::cpu::linkObject(llvm::StringRef bytes, const Level &level) {
  auto object = ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(bytes, level.name));
  if (!object)
    return object.takeError();
  auto *elf = llvm::dyn_cast<ELF64LEObjectFile>(object->get());
  if (!elf)
    return error("the object is not 64-bit little-endian ELF");
  Linker linker(*elf, !level.isX86());
  if (llvm::Error failed = linker.run())
    return failed;
  return std::move(linker.code);
}
