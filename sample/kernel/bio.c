// The buffer cache: the disk's most recently used blocks in memory, each at most once. bread returns a block, locked
// for the caller; brelse releases it; bwrite writes a changed block to the disk.
#include "buf.h"
#include "defs.h"
#include "param.h"

static struct {
  struct spinlock lock;  // guards blockno, refcnt and lastuse of all
  uint clock;            // counts releases, the time of lastuse
  struct buf buf[NBUF];
} bcache;

void binit(void)
{
  initlock(&bcache.lock, "bcache");
  for (struct buf *b = bcache.buf; b < bcache.buf + NBUF; b++) {
    initsleeplock(&b->lock, "buffer");
    b->blockno = ~0u;
  }
}

// The buffer of block blockno or, if it has none, the unused buffer whose last use is longest ago.
static struct buf *find(uint blockno)
{
  struct buf *oldest = 0;
  for (struct buf *b = bcache.buf; b < bcache.buf + NBUF; b++) {
    if (b->blockno == blockno)
      return b;
    if (b->refcnt == 0 && (oldest == 0 || b->lastuse < oldest->lastuse))
      oldest = b;
  }
  if (oldest == 0)
    panic("bcache: all buffers are in use");
  oldest->blockno = blockno;
  oldest->valid = 0;
  return oldest;
}

// Returns block blockno, locked, with its data.
struct buf *bread(uint blockno)
{
  acquire(&bcache.lock);
  struct buf *b = find(blockno);
  b->refcnt++;
  release(&bcache.lock);

  acquiresleep(&b->lock);
  if (!b->valid) {
    virtio_disk_rw(b, 0);
    b->valid = 1;
  }
  return b;
}

// Writes the buffer to the disk, at once. The caller holds its lock.
void bwrite(struct buf *b)
{
  if (!holdingsleep(&b->lock))
    panic("bwrite");
  virtio_disk_rw(b, 1);
}

void brelse(struct buf *b)
{
  if (!holdingsleep(&b->lock))
    panic("brelse");
  releasesleep(&b->lock);
  acquire(&bcache.lock);
  b->refcnt--;
  b->lastuse = ++bcache.clock;
  release(&bcache.lock);
}
