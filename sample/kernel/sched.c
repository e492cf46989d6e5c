// Scheduling: each hart's scheduler, and how a process gives up its hart and gets one again.
//
// A switch goes from a process to the scheduler of its hart and from there to a process, never from one process to
// another directly. p->lock is held across each switch, by one side at the start and by the other at the end: no other
// hart can run a process whose registers are not all saved yet.
#include "defs.h"
#include "proc.h"
#include "riscv.h"
#include "spinlock.h"

struct cpu cpus[NCPU];

// cpuid and mycpu are valid only while interrupts are off: otherwise the process may move to another hart.
int cpuid(void)
{
  return r_tp();
}

struct cpu *mycpu(void)
{
  return &cpus[cpuid()];
}

struct proc *myproc(void)
{
  push_off();
  struct proc *p = mycpu()->proc;
  pop_off();
  return p;
}

// Runs p until it returns through sched().
static void run(struct cpu *c, struct proc *p)
{
  p->state = RUNNING;
  c->proc = p;
#if BUG == 15
  csr_write(satp, SATP_SV39 | (uint64)p->kpagetable);  // Bug 15: satp takes a page number, and this is an address.
  sfence_vma();
#elif KPT && BUG != 2
  csr_write(satp, MAKE_SATP(p->kpagetable));
  sfence_vma();
#endif
  swtch(&c->context, &p->context);
#if BUG == 2
  csr_write(satp, MAKE_SATP(p->kpagetable));  // Bug 2: too late. swtch returns here when p has run.
  sfence_vma();
#endif
#if KPT && BUG != 9  // Bug 9: the scheduler stays on p's table.
  kvminithart();  // p's table may be freed as soon as p->lock is free
#endif
  c->proc = 0;
}

void scheduler(void)
{
  struct cpu *c = mycpu();
  c->proc = 0;
  for (;;) {
    // Take pending interrupts now, and none later: one that makes a process runnable after the search has passed it
    // must not be handled before wfi, or the hart would sleep in spite of it.
    intr_on();
    intr_off();

    int ran = 0;
    for (struct proc *p = proc; p < &proc[NPROC]; p++) {
      acquire(&p->lock);
      if (p->state == RUNNABLE) {
        run(c, p);
        ran = 1;
      }
      release(&p->lock);
    }
    if (!ran)
      wait_for_interrupt();  // returns at once if one is pending, though they are off
  }
}

// Gives up the hart. The caller holds p->lock and no other lock, and has set p->state.
void sched(void)
{
  struct proc *p = myproc();
  if (!holding(&p->lock))
    panic("sched: p->lock not held");
  if (mycpu()->noff != 1)
    panic("sched: other locks held");
  if (p->state == RUNNING)
    panic("sched: still running");
  if (intr_get())
    panic("sched: interrupts are on");

  // The state saved by push_off() belongs to this process, not to the hart on which it will wake up.
  int intena = mycpu()->intena;
  swtch(&p->context, &mycpu()->context);
  mycpu()->intena = intena;
}

// Lets others run first.
void yield(void)
{
  struct proc *p = myproc();
  acquire(&p->lock);
  p->state = RUNNABLE;
  sched();
  release(&p->lock);
}

// Sleeps until wakeup(chan). lk guards the condition that is waited for. It is released only when p->lock is
// held, which wakeup() wants too: so no wakeup can slip between the check of the condition and the sleep.
void sleep(void *chan, struct spinlock *lk)
{
  struct proc *p = myproc();
  acquire(&p->lock);
  release(lk);

  p->chan = chan;
  p->state = SLEEPING;
  sched();
  p->chan = 0;

  release(&p->lock);
  acquire(lk);
}

// Wakes all that sleep on chan. Call with the lock of their condition, and without any p->lock.
void wakeup(void *chan)
{
  for (struct proc *p = proc; p < &proc[NPROC]; p++) {
    if (p == myproc())
      continue;
    acquire(&p->lock);
    if (p->state == SLEEPING && p->chan == chan)
      p->state = RUNNABLE;
    release(&p->lock);
  }
}
