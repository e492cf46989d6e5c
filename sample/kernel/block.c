// Which blocks of the disk are in use: the superblock and the bitmap.
#include "buf.h"
#include "defs.h"
#include "riscv.h"

struct superblock sb;

void fsinit(void)
{
  struct buf *b = bread(0);
  memmove(&sb, b->data, sizeof(sb));
  brelse(b);
  if (sb.magic != FSMAGIC)
    panic("the disk holds no file system of ours");
}

static void zero(uint blockno)
{
  struct buf *b = bread(blockno);
  memset(b->data, 0, BSIZE);
  bwrite(b);
  brelse(b);
}

// Allocates a zeroed block. Returns 0 when the disk is full.
uint balloc(void)
{
  for (uint first = 0; first < sb.nblocks; first += BPB) {
    struct buf *b = bread(sb.bitmap + first / BPB);
    for (uint bit = 0; bit < BPB && first + bit < sb.nblocks; bit++) {
      uchar mask = 1 << bit % 8;
      if (b->data[bit / 8] & mask)
        continue;
      b->data[bit / 8] |= mask;
      bwrite(b);
      brelse(b);
      zero(first + bit);
      return first + bit;
    }
    brelse(b);
  }
  return 0;
}

void bfree(uint blockno)
{
  struct buf *b = bread(sb.bitmap + blockno / BPB);
  uint bit = blockno % BPB;
  uchar mask = 1 << bit % 8;
  if ((b->data[bit / 8] & mask) == 0)
    panic("bfree: the block is free already");
  b->data[bit / 8] &= ~mask;
  bwrite(b);
  brelse(b);
}
