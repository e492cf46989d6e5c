// What fstat returns about a file.
#pragma once

#include "types.h"

#define T_FREE 0  // only on the disk: no file
#define T_DIR 1
#define T_FILE 2
#define T_DEVICE 3

struct stat {
  uint ino;
  ushort type;
  ushort nlink;
  uint64 size;
};
