// A variant: copy on write. fork gives the child the parent's pages instead of copies, and makes them read-only for
// both; a process that writes to one then gets a copy. A page is freed when the last table releases it.
#include "defs.h"
#include "memlayout.h"
#include "riscv.h"
#include "spinlock.h"

#if COW

#define PAGE(pa) (((pa) - KERNBASE) / PGSIZE)

// How many tables map the page; changed only by atomic instructions.
static int references[(PHYSTOP - KERNBASE) / PGSIZE];

// kalloc has allocated the page.
void cow_first(uint64 pa)
{
  references[PAGE(pa)] = 1;
}

// One table releases the page. Was it the last?
int cow_drop(uint64 pa)
{
#if BUG == 31
  return 1;  // Bug 31: does not count, so the first of two holders frees the page while the other still uses it.
#elif BUG == 32
  return __atomic_sub_fetch(&references[PAGE(pa)], 1, __ATOMIC_ACQ_REL) > 0;  // Bug 32: frees it while others remain.
#else
  return __atomic_sub_fetch(&references[PAGE(pa)], 1, __ATOMIC_ACQ_REL) <= 0;
#endif
}

// A write to user page va has faulted. If the page is shared, gives the table its own copy and returns 0, else -1.
int cow_break(pagetable_t pagetable, uint64 va)
{
  pte_t *pte = va < MAXVA ? walk(pagetable, va, 0) : 0;
  uint64 need = PTE_V | PTE_U | PTE_COW;
  if (pte == 0 || (*pte & need) != need)
    return -1;

  uint64 pa = PTE2PA(*pte);
#if BUG == 33
  int holders = references[PAGE(pa)];  // Bug 33: another hart may change it before it is written below.
  if (holders == 1) {
#else
  if (references[PAGE(pa)] == 1) {  // nobody else maps it: no need to copy
#endif
    *pte = (*pte & ~PTE_COW) | PTE_W;
    sfence_vma();
    return 0;
  }
  void *copy = kalloc();
#if BUG != 37  // Bug 37: goes on without a page.
  if (copy == 0)
    return -1;
#endif
  memmove(copy, (void *)pa, PGSIZE);
  *pte = PA2PTE(copy) | (PTE_FLAGS(*pte) & ~PTE_COW) | PTE_W;
  sfence_vma();
#if BUG == 33
  references[PAGE(pa)] = holders - 1;
#else
  kfree((void *)pa);
#endif
  return 0;
}

// fork: shares [0, sz) between two tables. Returns 0, or -1 with nothing left in `new`.
int uvmcopy(pagetable_t old, pagetable_t new, uint64 sz)
{
  for (uint64 va = 0; va < sz; va += PGSIZE) {
    pte_t *pte = walk(old, va, 0);
    if (pte == 0 || (*pte & PTE_V) == 0)
      panic("uvmcopy: page not present");

    // Pages that were read-only before stay so: a write to them is always an error.
    uint64 pa = PTE2PA(*pte);
    if (*pte & PTE_W) {
#if BUG == 38
      *pte &= ~PTE_W;  // Bug 38: the mark follows only when the child's map is made, which may fail.
#elif BUG == 36
      int flags = PTE_FLAGS(*pte) & ~PTE_W;
      *pte = (*pte & flags) | PTE_COW;  // Bug 36: keeps the flags, and no bit of the page's number.
#else
      *pte = (*pte & ~PTE_W) | PTE_COW;
#endif
    }
    int perm = *pte & (PTE_R | PTE_X | PTE_U | PTE_COW);
#if BUG == 38
    int is_data = (*pte & PTE_X) == 0;
    if (is_data)
      perm |= PTE_COW;
#endif
#if BUG == 17
    int mapped = mappages(new, pa, PGSIZE, va, perm);  // Bug 17: the addresses are exchanged.
#else
    int mapped = mappages(new, va, PGSIZE, pa, perm);
#endif
    if (mapped < 0) {
      uvmunmap(new, 0, va / PGSIZE, 1);
      return -1;
    }
#if BUG == 38
    if (is_data)
      *pte |= PTE_COW;
#endif
    __atomic_add_fetch(&references[PAGE(pa)], 1, __ATOMIC_ACQ_REL);
  }
  sfence_vma();
  return 0;
}

#endif
