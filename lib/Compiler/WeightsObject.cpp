// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights as an ELF object of our own making. LLVM's object writer takes its
// data from LLVM IR or assembly, both of which copy it several times.

#include "bit/Compiler/NativeCode.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"
#include <cstring>

using namespace llvm;

namespace bit {

namespace {

enum Section { Null, Data, Symbols, Strings, SectionNames, NoStack, Count };

constexpr uint64_t dataAlignment = 64;

/// Section names, each after a NUL byte, as .shstrtab wants them.
constexpr char sectionNames[] = "\0.rodata.bit_weights\0.symtab\0.strtab"
                                "\0.shstrtab\0.note.GNU-stack";

uint32_t nameOffset(StringRef name) {
  std::string bounded = std::string(1, '\0') + name.str() + '\0';
  return StringRef(sectionNames, sizeof(sectionNames)).find(bounded) + 1;
}

template <typename T> void write(raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof(value));
}

} // namespace

Error writeDataObject(
    raw_pwrite_stream &os, StringRef tripleName, StringRef symbol,
    uint64_t bytes,
    const std::function<Error(raw_pwrite_stream &)> &writeData) {
  Triple triple(tripleName);
  if (!triple.isOSBinFormatELF() || !triple.isArch64Bit() ||
      !triple.isLittleEndian())
    return createStringError(
        "expects a 64-bit little-endian ELF target, got '" + tripleName + "'");

  std::string strings = std::string(1, '\0') + symbol.str() + '\0';

  ELF::Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
  symbols[1].st_other = ELF::STV_HIDDEN;
  symbols[1].st_shndx = Data;
  symbols[1].st_size = bytes;

  // Order in the file: header, data, symbols, strings, names, section table.
  ELF::Elf64_Shdr sections[Count] = {};
  uint64_t offset = sizeof(ELF::Elf64_Ehdr);
  auto place = [&](Section index, StringRef name, uint32_t type, uint64_t flags,
                   uint64_t size, uint64_t alignment) {
    offset = alignTo(offset, Align(alignment));
    ELF::Elf64_Shdr &section = sections[index];
    section.sh_name = nameOffset(name);
    section.sh_type = type;
    section.sh_flags = flags;
    section.sh_offset = offset;
    section.sh_size = size;
    section.sh_addralign = alignment;
    offset += size;
  };
  place(Data, ".rodata.bit_weights", ELF::SHT_PROGBITS, ELF::SHF_ALLOC, bytes,
        dataAlignment);
  place(Symbols, ".symtab", ELF::SHT_SYMTAB, 0, sizeof(symbols), 8);
  sections[Symbols].sh_link = Strings;
  sections[Symbols].sh_info = 1; // the first global symbol
  sections[Symbols].sh_entsize = sizeof(ELF::Elf64_Sym);
  place(Strings, ".strtab", ELF::SHT_STRTAB, 0, strings.size(), 1);
  place(SectionNames, ".shstrtab", ELF::SHT_STRTAB, 0, sizeof(sectionNames), 1);
  place(NoStack, ".note.GNU-stack", ELF::SHT_PROGBITS, 0, 0, 1);
  offset = alignTo(offset, Align(8));

  ELF::Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELF::ElfMagic, 4);
  header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
  header.e_type = ELF::ET_REL;
  header.e_machine = triple.isAArch64() ? ELF::EM_AARCH64 : ELF::EM_X86_64;
  header.e_version = ELF::EV_CURRENT;
  header.e_shoff = offset;
  header.e_ehsize = sizeof(header);
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = Count;
  header.e_shstrndx = SectionNames;

  uint64_t start = os.tell();
  auto padTo = [&](uint64_t position) {
    os.write_zeros(position - (os.tell() - start));
  };
  write(os, header);
  padTo(sections[Data].sh_offset);
  if (Error error = writeData(os))
    return error;
  if (os.tell() - start != sections[Data].sh_offset + bytes)
    return createStringError(
        "weights: expects " + Twine(bytes) + " bytes, got " +
        Twine(os.tell() - start - sections[Data].sh_offset));
  padTo(sections[Symbols].sh_offset);
  os.write(reinterpret_cast<const char *>(symbols), sizeof(symbols));
  padTo(sections[Strings].sh_offset);
  os << strings;
  os.write(sectionNames, sizeof(sectionNames));
  padTo(offset);
  for (const ELF::Elf64_Shdr &section : sections)
    write(os, section);
  return Error::success();
}

} // namespace bit
