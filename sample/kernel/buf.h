// A disk block in memory.
#pragma once

#include "fs.h"
#include "sleeplock.h"

struct buf {
  int valid;     // data is the block's
  int disk;      // the disk is working on it
  uint blockno;
  uint refcnt;   // processes that use it
  uint lastuse;  // a time stamp: the smallest is evicted first
  struct sleeplock lock;
  uchar data[BSIZE];
};
