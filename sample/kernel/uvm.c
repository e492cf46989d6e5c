// User memory as a whole: grow, shrink, copy, free. A process's memory is [0, sz).
#include "defs.h"
#include "memlayout.h"
#include "riscv.h"

// Grows from oldsz to newsz bytes with zeroed pages. The new size, or 0 with nothing changed when memory runs out.
uint64 uvmalloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz, int perm)
{
  if (newsz < oldsz)
    return oldsz;

#if BUG == 25
  // Bug 25: the pages up to the first large one are missing.
  uint64 first = newsz >= SUPERPGROUNDUP(oldsz) + SUPERPGSIZE ? SUPERPGROUNDUP(oldsz) : PGROUNDUP(oldsz);
#else
  uint64 first = PGROUNDUP(oldsz);
#endif
  for (uint64 va = first; va < newsz; va += PGSIZE) {
#if SUPER
    if (va % SUPERPGSIZE == 0 && va + SUPERPGSIZE <= newsz && super_grow(pagetable, va, perm | PTE_R | PTE_U) == 0) {
      va += SUPERPGSIZE - PGSIZE;
      continue;
    }
#endif
    void *page = kalloc();
    if (page == 0) {
      uvmdealloc(pagetable, va, oldsz);
      return 0;
    }
    memset(page, 0, PGSIZE);
    if (mappages(pagetable, va, PGSIZE, (uint64)page, perm | PTE_R | PTE_U) < 0) {
      kfree(page);
      uvmdealloc(pagetable, va, oldsz);
      return 0;
    }
  }
  return newsz;
}

// Shrinks from oldsz to newsz bytes. The new size.
uint64 uvmdealloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz)
{
  if (newsz >= oldsz)
    return oldsz;
  uint64 first = PGROUNDUP(newsz), end = PGROUNDUP(oldsz);
  if (first < end)
    uvmunmap(pagetable, first, (end - first) / PGSIZE, 1);
  return newsz;
}

// Frees the memory and then the table.
void uvmfree(pagetable_t pagetable, uint64 sz)
{
#if BUG == 14
  uvmunmap(pagetable, 0, sz / PGSIZE, 1);  // Bug 14: rounds down, so a last page that is partly used stays mapped.
#else
  uvmunmap(pagetable, 0, PGROUNDUP(sz) / PGSIZE, 1);
#endif
  freewalk(pagetable);
}

#if !COW
// fork: copies [0, sz) page by page from one table to another. 0, or -1 with nothing left behind in `new`.
int uvmcopy(pagetable_t old, pagetable_t new, uint64 sz)
{
  for (uint64 va = 0; va < sz; va += PGSIZE) {
    pte_t *pte = walk(old, va, 0);
#if LAZY
    if (pte == 0 || (*pte & PTE_V) == 0)
      continue;
#endif
    if (pte == 0 || (*pte & PTE_V) == 0)
      panic("uvmcopy: page not present");
#if SUPER
    if (*pte & PTE_SUPER) {
      if (super_copy(new, va, *pte) < 0) {
        uvmunmap(new, 0, va / PGSIZE, 1);
        return -1;
      }
      va += SUPERPGSIZE - PGSIZE;
      continue;
    }
#endif

    void *page = kalloc();
    if (page)
      memmove(page, (void *)PTE2PA(*pte), PGSIZE);
    int perm = *pte & (PTE_R | PTE_W | PTE_X | PTE_U);
    if (page == 0 || mappages(new, va, PGSIZE, (uint64)page, perm) < 0) {
      if (page)
        kfree(page);
      uvmunmap(new, 0, va / PGSIZE, 1);
      return -1;
    }
  }
  return 0;
}
#endif

// Makes a page inaccessible to user mode, but leaves it mapped: the guard page below the stack.
void uvmclear(pagetable_t pagetable, uint64 va)
{
  pte_t *pte = walk(pagetable, va, 0);
  if (pte == 0)
    panic("uvmclear");
  *pte &= ~PTE_U;
}
