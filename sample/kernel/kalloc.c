// The allocator of physical pages: a list of free ones, threaded through the pages themselves.
#include "defs.h"
#include "memlayout.h"
#include "param.h"
#include "riscv.h"
#include "spinlock.h"

// Pages are filled with junk, so that wrong uses fail at once: no instruction has either of these bytes as both its
// halves, and eight of them are not a valid address.
#define FREED 0x9c
#define FRESH 0x90

extern char end[];  // first address after the kernel, from kernel.ld

struct run {
  struct run *next;
};

struct {
  struct spinlock lock;
  struct run *freelist;
} kmem;

static void push(void *pa)
{
  struct run *r = pa;
  acquire(&kmem.lock);
  r->next = kmem.freelist;
  kmem.freelist = r;
  release(&kmem.lock);
}

// Puts every page from the end of the kernel on the list. Without kfree, because filling all of RAM with junk would
// take most of the boot.
void kinit(void)
{
  initlock(&kmem.lock, "kmem");
#if SUPER
  const uint64 top = SUPERBASE;
  superinit();
#else
  const uint64 top = PHYSTOP;
#endif
  for (uint64 pa = PGROUNDUP(end); pa < top; pa += PGSIZE)
    push((void *)pa);
}

// Frees the page at physical address pa, which came from kalloc.
void kfree(void *pa)
{
  if ((uint64)pa % PGSIZE != 0 || (char *)pa < end || (uint64)pa >= PHYSTOP)
    panic("kfree");
#if COW
  if (!cow_drop((uint64)pa))
    return;
#endif
  memset(pa, FREED, PGSIZE);
  push(pa);
}

// Allocates one page of 4096 bytes, filled with junk. Returns 0 when there is none left.
void *kalloc(void)
{
  acquire(&kmem.lock);
  struct run *r = kmem.freelist;
  if (r)
    kmem.freelist = r->next;
  release(&kmem.lock);
  if (r) {
    memset(r, FRESH, PGSIZE);
#if COW
    cow_first((uint64)r);
#endif
  }
  return r;
}
