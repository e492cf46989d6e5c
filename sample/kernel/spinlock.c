// Spin locks, and the depth counter that keeps interrupts off while any is held.
#include "defs.h"
#include "proc.h"
#include "riscv.h"
#include "spinlock.h"

void initlock(struct spinlock *lk, char *name)
{
  lk->locked = 0;
  lk->name = name;
  lk->cpu = 0;
}

// Interrupts go off first: a handler that wanted the same lock would wait for its own hart for ever.
void acquire(struct spinlock *lk)
{
  push_off();
  if (holding(lk))
    panic("acquire");
  while (__atomic_exchange_n(&lk->locked, 1, __ATOMIC_ACQUIRE))
    stop_if_panicked();
  lk->cpu = mycpu();
}

void release(struct spinlock *lk)
{
  if (!holding(lk))
    panic("release");
  lk->cpu = 0;
  __atomic_store_n(&lk->locked, 0, __ATOMIC_RELEASE);
  pop_off();
}

// Does this hart hold the lock? Ask with interrupts off.
int holding(struct spinlock *lk)
{
  return lk->locked && lk->cpu == mycpu();
}

// Like intr_off and intr_on, but they nest: as many pops as pushes, and the last one restores what was before.
void push_off(void)
{
  int before = intr_get();
  intr_off();
  struct cpu *c = mycpu();
  if (c->noff++ == 0)
    c->intena = before;
}

void pop_off(void)
{
  struct cpu *c = mycpu();
  if (intr_get())
    panic("pop_off: interrupts are on");
  if (c->noff < 1)
    panic("pop_off: more pops than pushes");
  if (--c->noff == 0 && c->intena)
    intr_on();
}
