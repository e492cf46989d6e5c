// A variant: lazy allocation. sbrk only moves the end of memory; a page is allocated when the program, or the kernel on
// its behalf, first uses it. So a process's memory may have holes, which are pages that were never used.
#include "defs.h"
#include "proc.h"
#include "riscv.h"

#if LAZY

// An access to va has found no page. If there should be one, allocates it and returns 0, else -1.
int page_in(struct proc *p, uint64 va)
{
#if BUG == 26
  if (va >= MAXVA)  // Bug 26: what lies beyond the end of memory gets a page as well.
    return -1;
#else
  if (va >= p->sz)
    return -1;
#endif
  pte_t *pte = walk(p->pagetable, va, 0);
  if (pte && (*pte & PTE_V))
    return -1;  // there is a page, which the program may not use like this

  void *page = kalloc();
  if (page == 0)
    return -1;
  memset(page, 0, PGSIZE);
  if (mappages(p->pagetable, PGROUNDDOWN(va), PGSIZE, (uint64)page, PTE_R | PTE_W | PTE_U) < 0) {
    kfree(page);
    return -1;
  }
  return 0;
}

#endif
