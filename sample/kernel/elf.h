// The parts of an ELF file that exec reads: the 64-bit file header and the program headers.
#pragma once

#include "types.h"

#define ELF_MAGIC 0x464c457f  // "\x7fELF", little endian

struct elfhdr {
  uint magic;
  uchar ident[12];
  ushort type;
  ushort machine;
  uint version;
  uint64 entry;
  uint64 phoff;
  uint64 shoff;
  uint flags;
  ushort ehsize;
  ushort phentsize;
  ushort phnum;
  ushort shentsize;
  ushort shnum;
  ushort shstrndx;
};

#define PT_LOAD 1

#define PF_X 1
#define PF_W 2

struct proghdr {
  uint type;
  uint flags;
  uint64 off;
  uint64 vaddr;
  uint64 paddr;
  uint64 filesz;
  uint64 memsz;
  uint64 align;
};
