// Open files, inodes in memory, and device files.
#pragma once

#include "fs.h"
#include "param.h"
#include "sleeplock.h"

struct file {
  enum { FD_NONE, FD_PIPE, FD_INODE, FD_DEVICE } type;
  int ref;  // file descriptors that share it
  char readable;
  char writable;
  struct pipe *pipe;  // FD_PIPE
  struct inode *ip;   // FD_INODE and FD_DEVICE
  uint off;           // FD_INODE: where the next read or write begins
  uint major;         // FD_DEVICE: index in devsw
};

struct inode {
  uint inum;
  int ref;  // pointers to it; guarded by itable.lock
  struct sleeplock lock;
  int valid;  // the fields below have been read from the disk

  ushort type;
  ushort nlink;
  uint size;
  uint addrs[NDIRECT + 1];
};

// What reading and writing a device file does. The first argument: is the address a user's?
struct devsw {
  int (*read)(int user, uint64 dst, int n);
  int (*write)(int user, uint64 src, int n);
};

extern struct devsw devsw[NDEV];

#define CONSOLE 1
