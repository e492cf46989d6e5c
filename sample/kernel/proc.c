// The life of a process: made by fork, ended by exit, buried by its parent's wait.
#include "proc.h"

#include "defs.h"
#include "file.h"
#include "memlayout.h"
#include "riscv.h"
#include "spinlock.h"
#include "usyscall.h"

extern char trampoline[];  // trampoline.S

struct proc proc[NPROC];
struct proc *initproc;

// Guards every p->parent, and that no exit slips between a parent's look and its sleep. Taken before any p->lock.
struct spinlock wait_lock;

static int nextpid = 1;

static void forkret(void);

void procinit(void)
{
  initlock(&wait_lock, "wait_lock");
  for (int i = 0; i < NPROC; i++) {
    initlock(&proc[i].lock, "proc");
    proc[i].state = UNUSED;
    proc[i].kstack = KSTACK(i);
  }
}

// A table with no user memory, only the two pages at the top. 0 when memory runs out.
pagetable_t proc_pagetable(struct proc *p)
{
  pagetable_t table = newtable();
  if (table == 0)
    return 0;
  // Neither page has PTE_U: they are for the kernel's way in and out, not for the program.
#if BUG == 16
  int trampoline_perm = PTE_R | PTE_X | PTE_U;  // Bug 16: userret cannot go on when it has loaded satp.
#else
  int trampoline_perm = PTE_R | PTE_X;
#endif
  if (mappages(table, TRAMPOLINE, PGSIZE, (uint64)trampoline, trampoline_perm) < 0) {
    freewalk(table);
    return 0;
  }
  if (mappages(table, TRAPFRAME, PGSIZE, (uint64)p->trapframe, PTE_R | PTE_W) < 0) {
    uvmunmap(table, TRAMPOLINE, 1, 0);
    freewalk(table);
    return 0;
  }
#if USYSCALL
#if BUG == 21
  int perm = PTE_R;  // Bug 21: the program may not read it.
#else
  int perm = PTE_R | PTE_U;
#endif
  if (mappages(table, UPAGE, PGSIZE, (uint64)p->usyscall, perm) < 0) {
    uvmunmap(table, TRAMPOLINE, 1, 0);
    uvmunmap(table, TRAPFRAME, 1, 0);
    freewalk(table);
    return 0;
  }
#endif
  return table;
}

void proc_freepagetable(pagetable_t table, uint64 sz)
{
  uvmunmap(table, TRAMPOLINE, 1, 0);
  uvmunmap(table, TRAPFRAME, 1, 0);
#if BUG == 19
  uvmunmap(table, UPAGE, 1, 1);  // Bug 19: exec frees the page, which the new program needs as well.
#elif USYSCALL && BUG != 18  // Bug 18: the page stays mapped when the table is freed.
  uvmunmap(table, UPAGE, 1, 0);
#endif
  uvmfree(table, sz);
}

// Back to UNUSED. The caller holds p->lock. Also serves a process that was only half made.
static void freeproc(struct proc *p)
{
#if KPT
  kpt_free(p);
#endif
  if (p->pagetable)
    proc_freepagetable(p->pagetable, p->sz);
  if (p->trapframe)
    kfree(p->trapframe);
#if USYSCALL
  if (p->usyscall)
    kfree(p->usyscall);
  p->usyscall = 0;
#endif
#if ALARM
  p->alarm_interval = 0;
  p->in_alarm = 0;
#endif
  p->pagetable = 0;
  p->trapframe = 0;
  p->sz = 0;
  p->pid = 0;
  p->parent = 0;
  p->name[0] = 0;
  p->chan = 0;
  p->killed = 0;
  p->xstate = 0;
  p->state = UNUSED;
}

static int make(struct proc *p)
{
  p->pid = __atomic_fetch_add(&nextpid, 1, __ATOMIC_RELAXED);
  p->state = USED;
  if ((p->trapframe = kalloc()) == 0)
    return -1;
#if USYSCALL && BUG != 20
  if ((p->usyscall = kalloc()) == 0)
    return -1;
  p->usyscall->pid = p->pid;
#endif
  if ((p->pagetable = proc_pagetable(p)) == 0)
    return -1;
#if BUG == 20
  if ((p->usyscall = kalloc()) == 0)  // Bug 20: too late; the page is mapped already, at 0.
    return -1;
  p->usyscall->pid = p->pid;
#endif
#if MMAP
  memset(p->mappings, 0, sizeof(p->mappings));
  p->mapped_from = MMAPTOP;
#endif
#if KPT
  if (kpt_make(p) < 0)
    return -1;
#endif
  // The first swtch to it "returns" to forkret, on an empty kernel stack.
  memset(&p->context, 0, sizeof(p->context));
  p->context.ra = (uint64)forkret;
  p->context.sp = p->kstack + PGSIZE;
  return 0;
}

// A new process with its lock held, or 0.
static struct proc *allocproc(void)
{
  for (struct proc *p = proc; p < &proc[NPROC]; p++) {
    acquire(&p->lock);
    if (p->state == UNUSED) {
      if (make(p) == 0)
        return p;
      freeproc(p);
      release(&p->lock);
      return 0;
    }
    release(&p->lock);
  }
  return 0;
}

// The first process. It has no program yet: forkret loads /init, since only a process can wait for the disk.
void userinit(void)
{
  struct proc *p = allocproc();
  if (p == 0)
    panic("userinit");
  initproc = p;
  safestrcpy(p->name, "init", sizeof(p->name));
  p->state = RUNNABLE;
  release(&p->lock);
}

// Where a new process begins in the kernel.
static void forkret(void)
{
  struct proc *p = myproc();
  release(&p->lock);  // held since scheduler()

  if (p == initproc && p->cwd == 0) {
    fsinit();
    p->cwd = namei("/");
    int argc = exec("/init", (char *[]){"/init", 0});
    if (argc < 0)
      panic("no /init on the disk");
    p->trapframe->a0 = argc;
  }
  usertrapret();
}

// Changes the size of user memory by n bytes. 0, or -1 with nothing changed.
int growproc(int n)
{
  struct proc *p = myproc();
#if BUG == 28
  int old = p->sz, sz = old + n;  // Bug 28: 2 GiB and more is negative in an int.
#else
  uint64 old = p->sz, sz = old + n;
#endif
#if LAZY
  if (n > 0) {
    if (sz > PHYSTOP - KERNBASE && BUG != 28)  // there is not so much memory
      return -1;
  } else if (n < 0) {
#else
  if (n > 0) {
    if (sz > TRAPFRAME || (sz = uvmalloc(p->pagetable, old, sz, PTE_W)) == 0)
      return -1;
  } else if (n < 0) {
#endif
    if ((uint64)-(long)n > old)
      return -1;
    uvmdealloc(p->pagetable, old, sz);
  }
  p->sz = sz;
#if KPT
  if (kpt_mirror(p, old < sz ? old : sz, old) < 0) {
    p->sz = uvmdealloc(p->pagetable, sz, old);
    return -1;
  }
#endif
  return 0;
}

// A child that is a copy of its parent. Its pid to the parent, 0 to the child, -1 if it cannot be made.
int fork(void)
{
  struct proc *p = myproc();
  struct proc *child = allocproc();
  if (child == 0)
    return -1;

  int copied = uvmcopy(p->pagetable, child->pagetable, p->sz);
  if (copied == 0)
    child->sz = p->sz;
#if KPT
  if (copied == 0)
    copied = kpt_mirror(child, 0, 0);
#endif
  if (copied < 0) {
    freeproc(child);
    release(&child->lock);
    return -1;
  }

  *child->trapframe = *p->trapframe;
  child->trapframe->a0 = 0;
  for (int fd = 0; fd < NOFILE; fd++)
    if (p->ofile[fd])
      child->ofile[fd] = filedup(p->ofile[fd]);
  child->cwd = idup(p->cwd);
  safestrcpy(child->name, p->name, sizeof(child->name));
  int pid = child->pid;
  release(&child->lock);

  acquire(&wait_lock);
  child->parent = p;
  release(&wait_lock);

  acquire(&child->lock);
  child->state = RUNNABLE;
  release(&child->lock);
  return pid;
}

// Ends the process. It stays a ZOMBIE, with its stack still in use, until its parent has waited for it.
void exit(int status)
{
  struct proc *p = myproc();
  if (p == initproc)
    panic("init exiting");
#if MMAP
  mmap_drop(p);
#endif

  for (int fd = 0; fd < NOFILE; fd++) {
    if (p->ofile[fd]) {
      fileclose(p->ofile[fd]);
      p->ofile[fd] = 0;
    }
  }
  iput(p->cwd);
  p->cwd = 0;

  acquire(&wait_lock);
  for (struct proc *child = proc; child < &proc[NPROC]; child++) {
    if (child->parent == p) {
      child->parent = initproc;  // init waits for orphans
      wakeup(initproc);
    }
  }
  wakeup(p->parent);
  acquire(&p->lock);
  p->xstate = status;
  p->state = ZOMBIE;
  release(&wait_lock);

  sched();
  panic("exit: a zombie ran");
}

// Waits for a child to end. Its pid, or -1 if there is none; its status goes to user address `status` unless that is 0.
int wait(uint64 status)
{
  struct proc *p = myproc();
  acquire(&wait_lock);
  for (;;) {
    int children = 0;
    for (struct proc *child = proc; child < &proc[NPROC]; child++) {
      if (child->parent != p)
        continue;
      children = 1;
      acquire(&child->lock);  // once we have it, the child has left its stack
      if (child->state == ZOMBIE) {
        int pid = child->pid;
        if (status && copyout(p->pagetable, status, &child->xstate, sizeof(child->xstate)) < 0)
          pid = -1;
        else
          freeproc(child);
        release(&child->lock);
        release(&wait_lock);
        return pid;
      }
      release(&child->lock);
    }
    if (!children || killed(p)) {
      release(&wait_lock);
      return -1;
    }
    sleep(p, &wait_lock);
  }
}

// Marks the process pid to die. It does so itself, on its way back to user mode, when it holds nothing any more.
int kill(int pid)
{
  for (struct proc *p = proc; p < &proc[NPROC]; p++) {
    acquire(&p->lock);
    if (p->state != UNUSED && p->pid == pid) {
      p->killed = 1;
      if (p->state == SLEEPING)
        p->state = RUNNABLE;  // whatever it waited for may never come
      release(&p->lock);
      return 0;
    }
    release(&p->lock);
  }
  return -1;
}

void setkilled(struct proc *p)
{
  acquire(&p->lock);
  p->killed = 1;
  release(&p->lock);
}

int killed(struct proc *p)
{
  acquire(&p->lock);
  int k = p->killed;
  release(&p->lock);
  return k;
}

// Ctrl-P. Takes no locks, so that it works even when the kernel is stuck.
void procdump(void)
{
  static const char *states[] = {[UNUSED] = "unused",     [USED] = "used",       [SLEEPING] = "sleeping",
                                 [RUNNABLE] = "runnable", [RUNNING] = "running", [ZOMBIE] = "zombie"};
  printf("\npid state    name\n");
  for (struct proc *p = proc; p < &proc[NPROC]; p++)
    if (p->state != UNUSED)
      printf("%d %s %s\n", p->pid, states[p->state], p->name);
}
