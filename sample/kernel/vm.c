// Page tables: the kernel's own, and what all tables need. Copies between user and kernel are in copy.c,
// user memory as a whole is in uvm.c. Sv39 is described in riscv.h.
#include "defs.h"
#include "memlayout.h"
#include "param.h"
#include "riscv.h"

extern char etext[];       // end of kernel text, from kernel.ld
extern char trampoline[];  // trampoline.S

pagetable_t kernel_pagetable;

// A new table with no entries, or 0.
pagetable_t newtable(void)
{
  pagetable_t table = kalloc();
  if (table)
    memset(table, 0, PGSIZE);
  return table;
}

static void kvmmap(pagetable_t table, uint64 va, uint64 pa, uint64 size, int perm)
{
  if (mappages(table, va, size, pa, perm) < 0)
    panic("kvmmap: no memory");
}

// The kernel's table: devices and RAM at their physical addresses, the trampoline, and a stack for each process.
pagetable_t kvmmake(void)
{
  pagetable_t table = newtable();
  if (table == 0)
    panic("kvmmake: no memory");

  kvmmap(table, UART0, UART0, PGSIZE, PTE_R | PTE_W);
  kvmmap(table, VIRTIO0, VIRTIO0, PGSIZE, PTE_R | PTE_W);
  kvmmap(table, PLIC, PLIC, PLIC_SIZE, PTE_R | PTE_W);

  // Text cannot be written, and nothing else can be executed.
  kvmmap(table, KERNBASE, KERNBASE, (uint64)etext - KERNBASE, PTE_R | PTE_X);
  kvmmap(table, (uint64)etext, (uint64)etext, PHYSTOP - (uint64)etext, PTE_R | PTE_W);

  kvmmap(table, TRAMPOLINE, (uint64)trampoline, PGSIZE, PTE_R | PTE_X);

#if !OWNSTACK || BUG == 2
  for (int i = 0; i < NPROC; i++) {
    void *stack = kalloc();
    if (stack == 0)
      panic("kvmmake: no memory for stacks");
    kvmmap(table, KSTACK(i), (uint64)stack, PGSIZE, PTE_R | PTE_W);
  }
#endif
  return table;
}

void kvminit(void)
{
  kernel_pagetable = kvmmake();
}

// Turns paging on for this hart. The fence before it makes the table's own stores visible to the walker.
void kvminithart(void)
{
  sfence_vma();
  csr_write(satp, MAKE_SATP(kernel_pagetable));
  sfence_vma();
}

// The level-0 entry for va, going down from the root at level 2 as the hardware does. Missing tables are made when
// `alloc` is set. 0 when a table is missing or cannot be made.
pte_t *walk(pagetable_t pagetable, uint64 va, int alloc)
{
  if (va >= MAXVA)
    panic("walk");

  for (int level = 2; level > 0; level--) {
    pte_t *pte = &pagetable[PX(level, va)];
    if (*pte & PTE_V) {
#if SUPER
      if (PTE_LEAF(*pte))
        return pte;
#endif
      pagetable = (pagetable_t)PTE2PA(*pte);
    } else {
      if (!alloc || (pagetable = newtable()) == 0)
        return 0;
      *pte = PA2PTE(pagetable) | PTE_V;
    }
  }
  return &pagetable[PX(0, va)];
}

// Maps [va, va + size) to physical memory at pa; both ends on page boundaries. perm: PTE_R, W, X, U.
// 0, or -1 when a table could not be allocated: then the first pages may be mapped already.
int mappages(pagetable_t pagetable, uint64 va, uint64 size, uint64 pa, int perm)
{
  if (va % PGSIZE != 0 || size % PGSIZE != 0 || size == 0)
    panic("mappages: not whole pages");

  for (uint64 offset = 0; offset < size; offset += PGSIZE) {
    pte_t *pte = walk(pagetable, va + offset, 1);
    if (pte == 0)
      return -1;
    if (*pte & PTE_V)
      panic("mappages: remap");
    *pte = PA2PTE(pa + offset) | perm | PTE_V;
  }
  return 0;
}

// Removes npages mappings from va on, which must exist. do_free: free the memory too.
void uvmunmap(pagetable_t pagetable, uint64 va, uint64 npages, int do_free)
{
  if (va % PGSIZE != 0)
    panic("uvmunmap: not aligned");

  for (uint64 end = va + npages * PGSIZE; va < end; va += PGSIZE) {
    pte_t *pte = walk(pagetable, va, 0);
#if LAZY && BUG != 27  // Bug 27: pages that were never used are taken for an error.
    if (pte == 0 || (*pte & PTE_V) == 0)
      continue;
#endif
    if (pte == 0 || (*pte & PTE_V) == 0)
      panic("uvmunmap: not mapped");
#if SUPER
    if (*pte & PTE_SUPER) {
      if (va % SUPERPGSIZE == 0 && va + SUPERPGSIZE <= end) {
        if (do_free)
          superfree((void *)PTE2PA(*pte));
        *pte = 0;
        va += SUPERPGSIZE - PGSIZE;
        continue;
      }
      super_split(pagetable, va);
      pte = walk(pagetable, va, 0);
    }
#endif
    if (!PTE_LEAF(*pte))
      panic("uvmunmap: not a leaf");
    if (do_free)
      kfree((void *)PTE2PA(*pte));
#if BUG == 42
    // Bug 42: the entry stays valid although its page has gone; the line `*pte = 0;` is missing.
#else
    *pte = 0;
#endif
  }
}

// Frees the pages of the table itself. All leaves must have been unmapped: a leaf's page has another owner.
void freewalk(pagetable_t pagetable)
{
  for (int i = 0; i < 512; i++) {
    pte_t pte = pagetable[i];
    if ((pte & PTE_V) == 0)
      continue;
    if (PTE_LEAF(pte))
      panic("freewalk: leaf");
    freewalk((pagetable_t)PTE2PA(pte));
    pagetable[i] = 0;
  }
  kfree(pagetable);
}

#if VMPRINT
static void print_entries(pagetable_t pagetable, int level)
{
#if BUG == 44
  const int n = 511;  // Bug 44: leaves out the last entry.
#else
  const int n = 512;
#endif
  for (int i = 0; i < n; i++) {
    pte_t pte = pagetable[i];
    if ((pte & PTE_V) == 0)
      continue;
    for (int l = 2; l >= level; l--)
      printf(l == 2 ? ".." : " ..");
    printf("%d: pte %p pa %p\n", i, (void *)pte, (void *)PTE2PA(pte));
    if (!PTE_LEAF(pte))
      print_entries((pagetable_t)PTE2PA(pte), level - 1);
  }
}

// Prints the valid entries of a table, and below each what it leads to.
void vmprint(pagetable_t pagetable)
{
  printf("page table %p\n", (void *)pagetable);
  print_entries(pagetable, 2);
}
#endif
