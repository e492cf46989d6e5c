// Pipes: a ring of bytes between writers and readers.
#include "defs.h"
#include "file.h"
#include "proc.h"

#define PIPESIZE 512

struct pipe {
  struct spinlock lock;
  char data[PIPESIZE];
  uint nread;  // bytes read and written since the beginning; a byte is at its number % PIPESIZE
  uint nwrite;
  int readopen;
  int writeopen;
};

// A new pipe and its two ends. 0, or -1 when something runs out.
int pipealloc(struct file **reader, struct file **writer)
{
  struct pipe *pi = kalloc();
  *reader = filealloc();
  *writer = filealloc();
  if (pi == 0 || *reader == 0 || *writer == 0) {
    if (pi)
      kfree(pi);
    if (*reader)
      fileclose(*reader);  // its type is FD_NONE: nothing behind it to close
    if (*writer)
      fileclose(*writer);
    return -1;
  }

  initlock(&pi->lock, "pipe");
  pi->nread = pi->nwrite = 0;
  pi->readopen = pi->writeopen = 1;
  **reader = (struct file){.type = FD_PIPE, .ref = 1, .readable = 1, .pipe = pi};
  **writer = (struct file){.type = FD_PIPE, .ref = 1, .writable = 1, .pipe = pi};
  return 0;
}

// Closes one end. The pipe goes with the second.
void pipeclose(struct pipe *pi, int writer)
{
  acquire(&pi->lock);
  if (writer)
    pi->writeopen = 0;
  else
    pi->readopen = 0;
  wakeup(&pi->nread);
  wakeup(&pi->nwrite);
  int unused = !pi->readopen && !pi->writeopen;
  release(&pi->lock);
  if (unused)
    kfree(pi);
}

// Writes all n bytes, waiting for readers to make room. The number written; -1 when nobody can read them any more.
int pipewrite(struct pipe *pi, uint64 addr, int n)
{
  struct proc *p = myproc();
  int done = 0;
  acquire(&pi->lock);
  while (done < n) {
    if (!pi->readopen || killed(p)) {
      release(&pi->lock);
      return -1;
    }
    if (pi->nwrite - pi->nread == PIPESIZE) {
      wakeup(&pi->nread);
      sleep(&pi->nwrite, &pi->lock);
      continue;
    }
    char c;
    if (copyin(p->pagetable, &c, addr + done, 1) < 0)
      break;
    pi->data[pi->nwrite++ % PIPESIZE] = c;
    done++;
  }
  wakeup(&pi->nread);
  release(&pi->lock);
  return done;
}

// Reads what is there, at most n bytes; waits only while there is nothing. 0 when nobody can write any more.
int piperead(struct pipe *pi, uint64 addr, int n)
{
  struct proc *p = myproc();
  acquire(&pi->lock);
  while (pi->nread == pi->nwrite && pi->writeopen) {
    if (killed(p)) {
      release(&pi->lock);
      return -1;
    }
    sleep(&pi->nread, &pi->lock);
  }
  int done = 0;
  for (; done < n && pi->nread != pi->nwrite; done++) {
    if (copyout(p->pagetable, addr + done, &pi->data[pi->nread % PIPESIZE], 1) < 0) {
      if (done == 0)
        done = -1;
      break;
    }
    pi->nread++;
  }
  wakeup(&pi->nwrite);
  release(&pi->lock);
  return done;
}
