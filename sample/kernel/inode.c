// Files without names: inodes, and their bytes.
//
// iget() returns a pointer that stays valid until iput(); ilock() reads the inode from the disk at first use and keeps
// others out. When an inode has lost its last name and its last pointer, it is freed with all its blocks.
#include "buf.h"
#include "defs.h"
#include "file.h"
#include "riscv.h"
#include "stat.h"

static struct {
  struct spinlock lock;  // guards inum and ref of all
  struct inode inode[NINODE];
} itable;

#define MIN(a, b) ((a) < (b) ? (a) : (b))

void iinit(void)
{
  initlock(&itable.lock, "itable");
  for (int i = 0; i < NINODE; i++)
    initsleeplock(&itable.inode[i].lock, "inode");
}

// The block of inode inum, and the inode's position in it.
static struct buf *disk_inode(uint inum, struct dinode **di)
{
  struct buf *b = bread(sb.inodes + inum / IPB);
  *di = (struct dinode *)b->data + inum % IPB;
  return b;
}

// Allocates an inode on the disk. Returns 0 when there is none left.
struct inode *ialloc(short type)
{
  for (uint inum = ROOTINO; inum < sb.ninodes; inum++) {
    struct dinode *di;
    struct buf *b = disk_inode(inum, &di);
    if (di->type == T_FREE) {
      memset(di, 0, sizeof(*di));
      di->type = type;
      bwrite(b);
      brelse(b);
      return iget(inum);
    }
    brelse(b);
  }
  return 0;
}

// Writes an inode to the disk after one of its fields has changed. The caller holds its lock.
void iupdate(struct inode *ip)
{
  struct dinode *di;
  struct buf *b = disk_inode(ip->inum, &di);
  di->type = ip->type;
  di->nlink = ip->nlink;
  di->size = ip->size;
  memmove(di->addrs, ip->addrs, sizeof(ip->addrs));
  bwrite(b);
  brelse(b);
}

// Returns inode inum, neither locked nor read yet.
struct inode *iget(uint inum)
{
  struct inode *empty = 0;
  acquire(&itable.lock);
  for (struct inode *ip = itable.inode; ip < itable.inode + NINODE; ip++) {
    if (ip->ref > 0 && ip->inum == inum) {
      ip->ref++;
      release(&itable.lock);
      return ip;
    }
    if (ip->ref == 0 && empty == 0)
      empty = ip;
  }
  if (empty == 0)
    panic("iget: too many inodes in use");
  empty->inum = inum;
  empty->ref = 1;
  empty->valid = 0;
  release(&itable.lock);
  return empty;
}

struct inode *idup(struct inode *ip)
{
  acquire(&itable.lock);
  ip->ref++;
  release(&itable.lock);
  return ip;
}

void ilock(struct inode *ip)
{
  acquiresleep(&ip->lock);
  if (ip->valid)
    return;
  struct dinode *di;
  struct buf *b = disk_inode(ip->inum, &di);
  ip->type = di->type;
  ip->nlink = di->nlink;
  ip->size = di->size;
  memmove(ip->addrs, di->addrs, sizeof(ip->addrs));
  brelse(b);
  ip->valid = 1;
  if (ip->type == T_FREE)
    panic("ilock: the inode is free");
}

void iunlock(struct inode *ip)
{
  if (!holdingsleep(&ip->lock) || ip->ref < 1)
    panic("iunlock");
  releasesleep(&ip->lock);
}

// Releases a pointer.
void iput(struct inode *ip)
{
  acquire(&itable.lock);
  if (ip->ref == 1 && ip->valid && ip->nlink == 0) {
    // Nobody else can reach it any more, so its lock is free and stays free.
    acquiresleep(&ip->lock);
    release(&itable.lock);
    itrunc(ip);
    ip->type = T_FREE;
    iupdate(ip);
    ip->valid = 0;
    releasesleep(&ip->lock);
    acquire(&itable.lock);
  }
  ip->ref--;
  release(&itable.lock);
}

void iunlockput(struct inode *ip)
{
  iunlock(ip);
  iput(ip);
}

// Returns the disk block of block n of the file; allocates one if there is none. Returns 0 when the disk is full.
static uint bmap(struct inode *ip, uint n)
{
  if (n < NDIRECT) {
    if (ip->addrs[n] == 0)
      ip->addrs[n] = balloc();
    return ip->addrs[n];
  }
  n -= NDIRECT;
  if (n >= NINDIRECT)
    panic("bmap: beyond the largest file");
  if (ip->addrs[NDIRECT] == 0 && (ip->addrs[NDIRECT] = balloc()) == 0)
    return 0;

  struct buf *b = bread(ip->addrs[NDIRECT]);
  uint *table = (uint *)b->data;
  if (table[n] == 0 && (table[n] = balloc()) != 0)
    bwrite(b);
  uint blockno = table[n];
  brelse(b);
  return blockno;
}

// Frees all blocks of a file. The caller holds its lock.
void itrunc(struct inode *ip)
{
  if (ip->type == T_DEVICE)
    return;
  if (ip->addrs[NDIRECT]) {
    struct buf *b = bread(ip->addrs[NDIRECT]);
    for (uint i = 0; i < NINDIRECT; i++)
      if (((uint *)b->data)[i])
        bfree(((uint *)b->data)[i]);
    brelse(b);
  }
  for (uint i = 0; i < NDIRECT + 1; i++) {
    if (ip->addrs[i])
      bfree(ip->addrs[i]);
    ip->addrs[i] = 0;
  }
  ip->size = 0;
  iupdate(ip);
}

void stati(struct inode *ip, struct stat *st)
{
  memset(st, 0, sizeof(*st));
  st->ino = ip->inum;
  st->type = ip->type;
  st->nlink = ip->nlink;
  st->size = ip->size;
}

// Reads up to n bytes from offset off to address dst, a user address if `user` is set. Returns the number read, 0 at
// the end, -1 if dst is invalid. The caller holds the lock.
int readi(struct inode *ip, int user, uint64 dst, uint off, uint n)
{
  if (off >= ip->size)
    return 0;
  n = MIN(n, ip->size - off);

  for (uint done = 0, part; done < n; done += part, off += part) {
    part = MIN(n - done, BSIZE - off % BSIZE);
    struct buf *b = bread(bmap(ip, off / BSIZE));
    int copied = either_copyout(user, dst + done, b->data + off % BSIZE, part);
    brelse(b);
    if (copied < 0)
      return -1;
  }
  return n;
}

// Writes n bytes at offset off, which may be at most the size. Returns the number written: fewer when the disk is full
// or src is invalid; -1 when off is beyond the largest file size. The caller holds the lock.
int writei(struct inode *ip, int user, uint64 src, uint off, uint n)
{
  if (off > ip->size || off + n < off || off + n > MAXFILE * BSIZE)
    return -1;

  uint done = 0;
  for (uint part; done < n; done += part, off += part) {
    part = MIN(n - done, BSIZE - off % BSIZE);
    uint blockno = bmap(ip, off / BSIZE);
    if (blockno == 0)
      break;
    struct buf *b = bread(blockno);
    int copied = either_copyin(b->data + off % BSIZE, user, src + done, part);
    if (copied == 0)
      bwrite(b);
    brelse(b);
    if (copied < 0)
      break;
  }
  if (off > ip->size)
    ip->size = off;
  iupdate(ip);  // the size, or a block that bmap has added
  return done;
}
