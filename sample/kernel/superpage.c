// A variant: superpages. Where a program's memory grows by 2 MiB and more, one entry at level 1 maps all 2 MiB, which
// lie together in RAM. When a part of them is given back, the entry is split into 512 of the usual ones.
#include "defs.h"
#include "memlayout.h"
#include "riscv.h"
#include "spinlock.h"

#if SUPER

#define FREED 0x9c

struct piece {
  struct piece *next;
};

static struct {
  struct spinlock lock;
  struct piece *freelist;
} pieces;

static void push(void *pa)
{
  struct piece *p = pa;
  acquire(&pieces.lock);
  p->next = pieces.freelist;
  pieces.freelist = p;
  release(&pieces.lock);
}

void superinit(void)
{
  initlock(&pieces.lock, "superpages");
  for (uint64 pa = SUPERBASE; pa < PHYSTOP; pa += SUPERPGSIZE)
    push((void *)pa);
}

// 2 MiB of RAM at an address that is a multiple of that, or 0 when there is none left.
void *superalloc(void)
{
  acquire(&pieces.lock);
  struct piece *p = pieces.freelist;
  if (p)
    pieces.freelist = p->next;
  release(&pieces.lock);
  return p;
}

// Frees all of a piece.
void superfree(void *pa)
{
  if ((uint64)pa % SUPERPGSIZE != 0 || (uint64)pa < SUPERBASE || (uint64)pa >= PHYSTOP)
    panic("superfree");
  memset(pa, FREED, SUPERPGSIZE);
  push(pa);
}

// The entry at level 1 for va, or 0 when there is no memory for its table.
static pte_t *entry(pagetable_t pagetable, uint64 va)
{
  pte_t *pte = &pagetable[PX(2, va)];
  if ((*pte & PTE_V) == 0) {
    pagetable_t table = newtable();
    if (table == 0)
      return 0;
    *pte = PA2PTE(table) | PTE_V;
  }
  return &((pagetable_t)PTE2PA(*pte))[PX(1, va)];
}

static int map(pagetable_t pagetable, uint64 va, void *pa, int perm)
{
  pte_t *pte = entry(pagetable, va);
  if (pte == 0 || (*pte & PTE_V))  // where smaller pages have been their table still is
    return -1;
  *pte = PA2PTE(pa) | perm | PTE_SUPER | PTE_V;
  return 0;
}

// Maps 2 MiB of zeroes at va. 0, or -1 when there are none or a smaller page has been there.
int super_grow(pagetable_t pagetable, uint64 va, int perm)
{
  void *pa = superalloc();
  if (pa == 0)
    return -1;
  memset(pa, 0, SUPERPGSIZE);
  if (map(pagetable, va, pa, perm) < 0) {
    superfree(pa);
    return -1;
  }
  return 0;
}

// fork: copies what pte maps to va in another table. 0, or -1 when memory runs out.
int super_copy(pagetable_t pagetable, uint64 va, pte_t pte)
{
  void *pa = superalloc();
  if (pa == 0)
    return -1;
  memmove(pa, (void *)PTE2PA(pte), SUPERPGSIZE);
  if (map(pagetable, va, pa, PTE_FLAGS(pte)) < 0) {
    superfree(pa);
    return -1;
  }
  return 0;
}

// Maps the 2 MiB around va by 512 entries instead of one. Their frames are freed one by one from then on.
void super_split(pagetable_t pagetable, uint64 va)
{
  pte_t *pte = entry(pagetable, va);
  uint64 pa = PTE2PA(*pte);
  int perm = *pte & (PTE_R | PTE_W | PTE_X | PTE_U);
  *pte = 0;
#if BUG != 23  // Bug 23: 512 entries from va on, wherever that is in the 2 MiB.
  va = SUPERPGROUNDDOWN(va);
#endif
  if (mappages(pagetable, va, SUPERPGSIZE, pa, perm) < 0)
    panic("super_split: no memory");
#if BUG == 24
  superfree((void *)pa);  // Bug 24: the 512 entries still map it.
#endif
}

#endif
