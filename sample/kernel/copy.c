// Copies between kernel and user memory. A user pointer may have any value, so these functions look each page up in
// the process's table and use its physical address; they never dereference a user's pointer directly.
#include "defs.h"
#include "memlayout.h"
#include "proc.h"
#include "riscv.h"

// The entry for user address va if user mode may use the page and all of `need` is set, else 0.
static pte_t *user_pte(pagetable_t pagetable, uint64 va, uint64 need)
{
  need |= PTE_V | PTE_U;
#if BUG != 30  // Bug 30: walk panics at an address that no table can have, and a program may give one.
  if (va >= MAXVA)
    return 0;
#endif
  pte_t *pte = walk(pagetable, va, 0);
#if COW && BUG != 34
  if (pte && (need & PTE_W) && (*pte & PTE_COW) && cow_break(pagetable, va) < 0)
    return 0;
#elif BUG == 34
  if (pte && (*pte & PTE_COW))
    need &= ~PTE_W;  // Bug 34: writes into the page that is shared.
#endif
#if LAZY && BUG != 29  // Bug 29: the kernel looks for the page itself, so no fault allocates it.
  if ((pte == 0 || (*pte & PTE_V) == 0) && pagetable == myproc()->pagetable && page_in(myproc(), va) == 0)
    pte = walk(pagetable, va, 0);
#endif
  return pte && (*pte & need) == need ? pte : 0;
}

// The physical address of va's page, which an entry maps.
static uint64 page_of(pte_t pte, uint64 va)
{
#if SUPER
  if (pte & PTE_SUPER)
    return PTE2PA(pte) + PGROUNDDOWN(va) % SUPERPGSIZE;
#endif
  return PTE2PA(pte);
}

// The physical address of the user page at va, or 0.
uint64 walkaddr(pagetable_t pagetable, uint64 va)
{
  pte_t *pte = user_pte(pagetable, va, 0);
  return pte ? page_of(*pte, va) : 0;
}

// How many of n bytes from va on are in va's page.
static uint64 in_page(uint64 va, uint64 n)
{
  uint64 left = PGSIZE - va % PGSIZE;
  return n < left ? n : left;
}

// Copies to user memory. Returns 0, or -1 if a page is not mapped or not writable.
int copyout(pagetable_t pagetable, uint64 dstva, const void *src, uint64 len)
{
  const char *from = src;
  while (len > 0) {
#if BUG == 35
    pte_t *pte = user_pte(pagetable, dstva, from == src ? PTE_W : PTE_R);  // Bug 35: only the first page may be written.
#else
    pte_t *pte = user_pte(pagetable, dstva, PTE_W);
#endif
    if (pte == 0)
      return -1;
    uint64 n = in_page(dstva, len);
    memmove((char *)page_of(*pte, dstva) + dstva % PGSIZE, from, n);
    len -= n;
    from += n;
    dstva += n;
  }
  return 0;
}

#if !KPT
// Copies from user memory. Returns 0, or -1 if a page is not mapped.
int copyin(pagetable_t pagetable, void *dst, uint64 srcva, uint64 len)
{
  char *to = dst;
  while (len > 0) {
    pte_t *pte = user_pte(pagetable, srcva, PTE_R);
    if (pte == 0)
      return -1;
    uint64 n = in_page(srcva, len);
    memmove(to, (char *)page_of(*pte, srcva) + srcva % PGSIZE, n);
    len -= n;
    to += n;
    srcva += n;
  }
  return 0;
}
#endif

// Copies a string from user memory to dst[max]. Returns its length, or -1 if it does not end within max bytes.
int copyinstr(pagetable_t pagetable, char *dst, uint64 srcva, uint64 max)
{
  for (uint64 i = 0; i < max; i++) {
    if (copyin(pagetable, &dst[i], srcva + i, 1) < 0)
      return -1;
    if (dst[i] == 0)
      return i;
  }
  return -1;
}

// The same for user and kernel addresses: `user` says which kind the address is.
int either_copyout(int user, uint64 dst, const void *src, uint64 len)
{
  if (user)
    return copyout(myproc()->pagetable, dst, src, len);
  memmove((void *)dst, src, len);
  return 0;
}

int either_copyin(void *dst, int user, uint64 src, uint64 len)
{
  if (user)
    return copyin(myproc()->pagetable, dst, src, len);
  memmove(dst, (void *)src, len);
  return 0;
}
