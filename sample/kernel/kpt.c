// A variant: each process has its own kernel page table, which satp holds while it runs in the kernel. The table also
// maps the process's user pages, so that copyin can dereference a user's pointer directly.
//
//   root[0]    devices, and user memory up to the PLIC     its own
//   root[2]    RAM                                         shared with kernel_pagetable
//   root[255]  trampoline and its kernel stack             its own
#include "defs.h"
#include "memlayout.h"
#include "proc.h"
#include "riscv.h"

#if KPT

extern char trampoline[];  // trampoline.S

#define DEVICES PX(2, PLIC)
#define RAM PX(2, KERNBASE)
#define TOP PX(2, TRAMPOLINE)

// Frees the pages of a table, and none that its leaves point to.
static void free_tables(pagetable_t table)
{
  for (int i = 0; i < 512; i++)
    if ((table[i] & PTE_V) && !PTE_LEAF(table[i]))
      free_tables((pagetable_t)PTE2PA(table[i]));
#if BUG == 8
    else if (table[i] & PTE_V)
      kfree((void *)PTE2PA(table[i]));  // Bug 8: a leaf's page is not the table's to free: here lie the devices.
#endif
  kfree(table);
}

void kpt_free(struct proc *p)
{
  if (p->kpagetable == 0)
    return;
  p->kpagetable[RAM] = 0;  // not ours
  free_tables(p->kpagetable);
  p->kpagetable = 0;
}

// Gives p a kernel table without user pages. Returns 0, or -1 when memory runs out.
int kpt_make(struct proc *p)
{
  pagetable_t table = p->kpagetable = newtable();
  if (table == 0)
    return -1;
  table[RAM] = kernel_pagetable[RAM];

#if BUG == 4
  uint64 stack = p->kstack - 2 * PGSIZE;  // Bug 4: maps the stack at the next process's place, so its own is missing.
#else
  uint64 stack = p->kstack;
#endif
  uint64 stack_pa = PTE2PA(*walk(kernel_pagetable, p->kstack, 0));
#if BUG == 3
  // Bug 3: maps the stack, and once more below with all the rest.
  if (mappages(table, stack, PGSIZE, stack_pa, PTE_R | PTE_W) < 0) {
    kpt_free(p);
    return -1;
  }
#endif
  if (mappages(table, UART0, PGSIZE, UART0, PTE_R | PTE_W) < 0 ||
      mappages(table, VIRTIO0, PGSIZE, VIRTIO0, PTE_R | PTE_W) < 0 ||
      mappages(table, PLIC, PLIC_SIZE, PLIC, PTE_R | PTE_W) < 0 ||
      mappages(table, TRAMPOLINE, PGSIZE, (uint64)trampoline, PTE_R | PTE_X) < 0 ||
      mappages(table, stack, PGSIZE, stack_pa, PTE_R | PTE_W) < 0) {
    kpt_free(p);
    return -1;
  }
  return 0;
}

// Makes user memory in p's kernel table the same as in its user table, from address `from` on, after its size has
// changed from oldsz to p->sz. 0, or -1 when it is too large or memory runs out.
int kpt_mirror(struct proc *p, uint64 from, uint64 oldsz)
{
  from = PGROUNDDOWN(from);
  if (p->sz > PLIC)
    return -1;
  for (uint64 va = from; va < p->sz; va += PGSIZE)  // the tables first: from there on nothing can fail
    if (walk(p->kpagetable, va, 1) == 0)
      return -1;

  for (uint64 va = from; va < p->sz || va < oldsz; va += PGSIZE) {
    pte_t *mirror = walk(p->kpagetable, va, 0);
    pte_t *user = va < p->sz ? walk(p->pagetable, va, 0) : 0;
    if (mirror == 0)
      continue;
    if (user == 0 || (*user & PTE_U) == 0)
      *mirror = 0;  // beyond the end, or the guard page
    else
#if BUG == 11
      *mirror = *user;  // Bug 11: keeps PTE_U, and supervisor mode may not load from a user page while SUM is 0.
#else
      *mirror = *user & ~PTE_U;
#endif
  }
  sfence_vma();
  return 0;
}

// Copies from user memory, through the current table. Returns 0, or -1 if a page is not a user page.
int copyin(pagetable_t pagetable, void *dst, uint64 srcva, uint64 len)
{
  uint64 end = srcva + len;
  if (end < srcva)
    return -1;
  for (uint64 va = PGROUNDDOWN(srcva); va < end; va += PGSIZE)
    if (walkaddr(pagetable, va) == 0)
      return -1;
  memmove(dst, (void *)srcva, len);
  return 0;
}

#endif
