// The file system on the disk, for the kernel, for mkfs and for programs that read directories.
//
//   block 0      superblock
//   then         a bitmap: one bit for every block of the disk, set when it is in use
//   then         the inodes: one for each file and directory
//   then         data
//
// Every change is written through to the disk at once.
#pragma once

#include "types.h"

#define BSIZE 1024         // bytes of a block
#define FSMAGIC 0x73666478  // "xdfs" on the disk
#define ROOTINO 1          // inode 0 is never used: in a directory it marks a free entry

struct superblock {
  uint magic;
  uint nblocks;  // all blocks of the disk
  uint ninodes;
  uint bitmap;   // first block of the bitmap
  uint inodes;   // first block of the inodes
  uint data;     // first block of the data
};

// A file's blocks: the first ones stand in the inode, the rest in one block full of block numbers.
#define NDIRECT 13
#define NINDIRECT (BSIZE / sizeof(uint))
#define MAXFILE (NDIRECT + NINDIRECT)

struct dinode {
  ushort type;   // T_FREE, T_DIR, T_FILE or T_DEVICE (stat.h)
  ushort nlink;  // directory entries that name it
  uint size;     // bytes
  uint addrs[NDIRECT + 1];  // a device file keeps its device number in the first
};

#define IPB (BSIZE / sizeof(struct dinode))  // inodes in a block
#define BPB (BSIZE * 8)                      // bits in a block of the bitmap

// A directory is a file full of these.
#define DIRSIZ 28
struct dirent {
  uint inum;
  char name[DIRSIZ];  // without a final zero when all of it is used
};
