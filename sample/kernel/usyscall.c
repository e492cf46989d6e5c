// A variant: system calls about pages. Each process has a page at UPAGE with its pid (proc.c), and can ask which of its
// pages have been used.
#include "usyscall.h"

#include "defs.h"
#include "proc.h"
#include "riscv.h"

#if USYSCALL

// pgaccess(va, n, &mask): bit i of the mask says whether page i from va on was used since the last call.
uint64 sys_pgaccess(void)
{
  struct proc *p = myproc();
  uint64 va = PGROUNDDOWN(argument(0)), mask = 0;
  int n = argint(1);
  if (n < 0 || n > 64)
    return -1;
  for (int i = 0; i < n; i++) {
    uint64 at = va + i * PGSIZE;
    pte_t *pte = at < MAXVA ? walk(p->pagetable, at, 0) : 0;
    if (pte == 0 || (*pte & PTE_V) == 0 || (*pte & PTE_A) == 0)
      continue;
    mask |= 1L << i;
#if BUG != 22  // Bug 22: the bit stays, so that the page counts as used ever after.
    *pte &= ~PTE_A;
#endif
  }
  sfence_vma();
  return copyout(p->pagetable, argument(2), &mask, sizeof(mask));
}

#endif
