// A variant: each process has its own kernel page table, which satp holds while it runs in the kernel. The table also
// maps the process's user pages, so that copyin can dereference a user's pointer directly.
//
//   root[0]    devices, and user memory up to the PLIC     its own
//   root[2]    RAM                                         shared with kernel_pagetable
//   root[255]  trampoline and its kernel stack             its own
//
// With OWNSTACK the stack's page is allocated with the process, and kernel_pagetable does not map it.
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
#if BUG != 10  // Bug 10: only the root is freed, and the tables below it are lost.
  for (int i = 0; i < 512; i++)
    if ((table[i] & PTE_V) && !PTE_LEAF(table[i]))
      free_tables((pagetable_t)PTE2PA(table[i]));
#if BUG == 8
    else if (table[i] & PTE_V)
      kfree((void *)PTE2PA(table[i]));  // Bug 8: a leaf's page is not the table's to free: here lie the devices.
#endif
#endif
  kfree(table);
}

void kpt_free(struct proc *p)
{
  if (p->kpagetable == 0)
    return;
#if BUG == 5
  uvmunmap(p->kpagetable, myproc()->kstack, 1, 1);  // Bug 5: the stack of the parent, which runs here.
  p->stack_page = 0;
#elif OWNSTACK
  if (p->stack_page)
    kfree(p->stack_page);
#if BUG != 6  // Bug 6: the pointer stays, so that the next process in this slot gets a page that is free.
  p->stack_page = 0;
#endif
#endif
  p->kpagetable[RAM] = 0;  // not ours
  free_tables(p->kpagetable);
  p->kpagetable = 0;
}

#if BUG == 7
// Bug 7: the root goes into a copy of the pointer, and p->kpagetable stays 0.
static void make_root(pagetable_t root)
{
  root = newtable();
  root[RAM] = kernel_pagetable[RAM];
}
#endif

// Gives p a kernel table without user pages. Returns 0, or -1 when memory runs out.
int kpt_make(struct proc *p)
{
#if BUG == 7
  make_root(p->kpagetable);
  pagetable_t table = p->kpagetable;
#else
  pagetable_t table = p->kpagetable = newtable();
  if (table == 0)
    return -1;
  table[RAM] = kernel_pagetable[RAM];
#endif

#if BUG == 4
  uint64 stack = p->kstack - 2 * PGSIZE;  // Bug 4: maps the stack at the next process's place, so its own is missing.
#else
  uint64 stack = p->kstack;
#endif
#if OWNSTACK
  if (p->stack_page == 0 && (p->stack_page = kalloc()) == 0) {
    kpt_free(p);
    return -1;
  }
  uint64 stack_pa = (uint64)p->stack_page;
#else
  uint64 stack_pa = PTE2PA(*walk(kernel_pagetable, p->kstack, 0));
#endif
#if BUG == 3
  // Bug 3: maps the stack, and once more below with all the rest.
  if (mappages(table, stack, PGSIZE, stack_pa, PTE_R | PTE_W) < 0) {
    kpt_free(p);
    return -1;
  }
#endif
#if BUG == 13
  if (mappages(table, CLINT, CLINT_SIZE, CLINT, PTE_R | PTE_W) < 0)
    return -1;
#endif
  if (mappages(table, TRAMPOLINE, PGSIZE, (uint64)trampoline, PTE_R | PTE_X) < 0 ||
      mappages(table, UART0, PGSIZE, UART0, PTE_R | PTE_W) < 0 ||
      mappages(table, VIRTIO0, PGSIZE, VIRTIO0, PTE_R | PTE_W) < 0 ||
      mappages(table, PLIC, PLIC_SIZE, PLIC, PTE_R | PTE_W) < 0 ||
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
#if BUG != 13  // Bug 13: nothing keeps user memory below the devices.
  if (p->sz > PLIC)
    return -1;
#endif
  for (uint64 va = from; va < p->sz; va += PGSIZE)  // the tables first: from there on nothing can fail
    if (walk(p->kpagetable, va, 1) == 0)
      return -1;

  for (uint64 va = from; va < p->sz || va < oldsz; va += PGSIZE) {
    pte_t *mirror = walk(p->kpagetable, va, 0);
    pte_t *user = va < p->sz ? walk(p->pagetable, va, 0) : 0;
    if (mirror == 0)
      continue;
#if BUG == 12 || BUG == 13
    if (user && va >= PGROUNDUP(oldsz)) {  // new pages as everything else is mapped, which fails if one is there already
      if (*user & PTE_U)
        mappages(p->kpagetable, va, PGSIZE, PTE2PA(*user), PTE_FLAGS(*user) & ~PTE_U);
      continue;
    }
#endif
#if BUG == 12
    if (user == 0)
      break;  // Bug 12: what the process has given back stays mapped in its kernel table.
#endif
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

#if OWNSTACK
// The physical address of something on the stack of the process that runs, for devices.
uint64 kvmpa(uint64 va)
{
#if BUG == 1
  pte_t *pte = walk(kernel_pagetable, va, 0);  // Bug 1: as before, but now this table does not map the stacks.
#else
  pte_t *pte = walk(myproc()->kpagetable, va, 0);
#endif
  if (pte == 0 || (*pte & PTE_V) == 0)
    panic("kvmpa");
  return PTE2PA(*pte) + va % PGSIZE;
}
#endif

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
