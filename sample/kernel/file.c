// Open files: what a file descriptor refers to, which is a file, a device or an end of a pipe.
#include "file.h"

#include "defs.h"
#include "proc.h"
#include "stat.h"

struct devsw devsw[NDEV];

static struct {
  struct spinlock lock;  // guards ref of all
  struct file file[NFILE];
} ftable;

void fileinit(void)
{
  initlock(&ftable.lock, "ftable");
}

// Allocates a file with one reference. Returns 0 when all are in use.
struct file *filealloc(void)
{
  acquire(&ftable.lock);
  for (struct file *f = ftable.file; f < ftable.file + NFILE; f++) {
    if (f->ref == 0) {
      f->ref = 1;
      release(&ftable.lock);
      return f;
    }
  }
  release(&ftable.lock);
  return 0;
}

struct file *filedup(struct file *f)
{
  acquire(&ftable.lock);
  f->ref++;
  release(&ftable.lock);
  return f;
}

void fileclose(struct file *f)
{
  acquire(&ftable.lock);
  if (f->ref < 1)
    panic("fileclose");
  struct file last = *f;  // as soon as ref is 0 and the lock is free, f may be someone else's
  if (--f->ref == 0)
    f->type = FD_NONE;
  release(&ftable.lock);
  if (last.ref > 1)
    return;

  if (last.type == FD_PIPE)
    pipeclose(last.pipe, last.writable);
  else if (last.type == FD_INODE || last.type == FD_DEVICE)
    iput(last.ip);
}

// Each of these three returns -1 if the file does not support it. Addresses are user addresses.
int fileread(struct file *f, uint64 addr, int n)
{
  if (!f->readable || n < 0)
    return -1;
  if (f->type == FD_PIPE)
    return piperead(f->pipe, addr, n);
  if (f->type == FD_DEVICE)
    return devsw[f->major].read ? devsw[f->major].read(1, addr, n) : -1;

  ilock(f->ip);
  int got = readi(f->ip, 1, addr, f->off, n);
  if (got > 0)
    f->off += got;
  iunlock(f->ip);
  return got;
}

int filewrite(struct file *f, uint64 addr, int n)
{
  if (!f->writable || n < 0)
    return -1;
  if (f->type == FD_PIPE)
    return pipewrite(f->pipe, addr, n);
  if (f->type == FD_DEVICE)
    return devsw[f->major].write ? devsw[f->major].write(1, addr, n) : -1;

  ilock(f->ip);
  int put = writei(f->ip, 1, addr, f->off, n);
  if (put > 0)
    f->off += put;
  iunlock(f->ip);
  return put == n ? n : -1;
}

int filestat(struct file *f, uint64 addr)
{
  if (f->type != FD_INODE && f->type != FD_DEVICE)
    return -1;
  struct stat st;
  ilock(f->ip);
  stati(f->ip, &st);
  iunlock(f->ip);
  return copyout(myproc()->pagetable, addr, &st, sizeof(st));
}
