// A variant: files as memory. mmap gives a file addresses below MMAPTOP, and a page is read when it is first used.
// What is written there stays with the process; a child begins without mappings.
#include "defs.h"
#include "file.h"
#include "memlayout.h"
#include "proc.h"
#include "riscv.h"

#if MMAP

static struct mapping *mapping_at(struct proc *p, uint64 va)
{
  for (struct mapping *m = p->mappings; m < &p->mappings[NMAPPING]; m++)
    if (m->length > 0 && va >= m->start && va < m->start + m->length)
      return m;
  return 0;
}

// mmap(length, writable, fd, offset): its address, or -1. The offset is a multiple of a page.
uint64 sys_mmap(void)
{
  struct proc *p = myproc();
  uint64 length = PGROUNDUP(argument(0));
  int writable = argint(1), fd = argint(2), offset = argint(3);
  if (length == 0 || length > p->mapped_from - PGROUNDUP(p->sz) || offset < 0 || offset % PGSIZE != 0)
    return -1;
  struct file *f = fd >= 0 && fd < NOFILE ? p->ofile[fd] : 0;
  if (f == 0 || f->type != FD_INODE || !f->readable)
    return -1;

  for (struct mapping *m = p->mappings; m < &p->mappings[NMAPPING]; m++) {
    if (m->length > 0)
      continue;
    p->mapped_from -= length;
    *m = (struct mapping){p->mapped_from, length, PTE_R | (writable ? PTE_W : 0), filedup(f), offset};
    return m->start;
  }
  return -1;
}

static void drop(struct proc *p, struct mapping *m)
{
#if BUG == 40
  uvmunmap(p->pagetable, m->start, m->length / PGSIZE, 1);  // Bug 40: also pages that were never used.
#else
  for (uint64 va = m->start; va < m->start + m->length; va += PGSIZE) {
    pte_t *pte = walk(p->pagetable, va, 0);
    if (pte && (*pte & PTE_V))
      uvmunmap(p->pagetable, va, 1, 1);
  }
#endif
  fileclose(m->file);
  m->length = 0;
}

// munmap(address): ends the mapping that has the address.
uint64 sys_munmap(void)
{
  struct mapping *m = mapping_at(myproc(), argument(0));
  if (m == 0)
    return -1;
  drop(myproc(), m);
  return 0;
}

// Ends all mappings, as the program ends.
void mmap_drop(struct proc *p)
{
  for (struct mapping *m = p->mappings; m < &p->mappings[NMAPPING]; m++)
    if (m->length > 0)
      drop(p, m);
}

// An access to va has found no page. If a file is mapped there, reads the page and returns 0, else -1.
int page_in(struct proc *p, uint64 va)
{
  va = PGROUNDDOWN(va);
  struct mapping *m = mapping_at(p, va);
  pte_t *pte = m ? walk(p->pagetable, va, 0) : 0;
#if BUG == 39
  int perm = m ? m->perm : 0;  // Bug 39: PTE_U is missing, so the program faults again.
  if (pte && (*pte & PTE_V))
    return 0;
#else
  int perm = m ? m->perm | PTE_U : 0;
  if (pte && (*pte & PTE_V))
    return -1;
#endif
  if (m == 0)
    return -1;

  void *page = kalloc();
  if (page == 0)
    return -1;
  memset(page, 0, PGSIZE);
  struct inode *ip = m->file->ip;
  ilock(ip);
  int n = readi(ip, 0, (uint64)page, m->offset + (va - m->start), PGSIZE);
  iunlock(ip);
  if (n < 0 || mappages(p->pagetable, va, PGSIZE, (uint64)page, perm) < 0) {
    kfree(page);
    return -1;
  }
  return 0;
}

#endif
