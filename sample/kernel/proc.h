// Processes and harts.
#pragma once

#include "bug.h"
#include "param.h"
#include "riscv.h"
#include "spinlock.h"

// What swtch must keep: the registers that a C function promises its caller to preserve.
struct context {
  uint64 ra;
  uint64 sp;
  uint64 s0;
  uint64 s1;
  uint64 s2;
  uint64 s3;
  uint64 s4;
  uint64 s5;
  uint64 s6;
  uint64 s7;
  uint64 s8;
  uint64 s9;
  uint64 s10;
  uint64 s11;
};

struct cpu {
  struct proc *proc;       // the process it runs, or 0
  struct context context;  // swtch here to enter scheduler()
  int noff;                // depth of push_off()
  int intena;              // were interrupts on before the first push_off()?
};

// One page of each process, mapped at TRAPFRAME without PTE_U: uservec saves the user's registers here.
// It cannot save them on the kernel stack, since the user's table does not map it. trampoline.S knows the offsets.
struct trapframe {
  /*   0 */ uint64 kernel_satp;
  /*   8 */ uint64 kernel_sp;
  /*  16 */ uint64 kernel_trap;
  /*  24 */ uint64 epc;
  /*  32 */ uint64 kernel_hartid;
  /*  40 */ uint64 ra;
  /*  48 */ uint64 sp;
  /*  56 */ uint64 gp;
  /*  64 */ uint64 tp;
  /*  72 */ uint64 t0;
  /*  80 */ uint64 t1;
  /*  88 */ uint64 t2;
  /*  96 */ uint64 s0;
  /* 104 */ uint64 s1;
  /* 112 */ uint64 a0;
  /* 120 */ uint64 a1;
  /* 128 */ uint64 a2;
  /* 136 */ uint64 a3;
  /* 144 */ uint64 a4;
  /* 152 */ uint64 a5;
  /* 160 */ uint64 a6;
  /* 168 */ uint64 a7;
  /* 176 */ uint64 s2;
  /* 184 */ uint64 s3;
  /* 192 */ uint64 s4;
  /* 200 */ uint64 s5;
  /* 208 */ uint64 s6;
  /* 216 */ uint64 s7;
  /* 224 */ uint64 s8;
  /* 232 */ uint64 s9;
  /* 240 */ uint64 s10;
  /* 248 */ uint64 s11;
  /* 256 */ uint64 t3;
  /* 264 */ uint64 t4;
  /* 272 */ uint64 t5;
  /* 280 */ uint64 t6;
};

#if MMAP
// A file, or a part of it, as memory. Pages are read when they are first used.
#define NMAPPING 4
struct mapping {
  uint64 start;
  uint64 length;  // 0: none
  int perm;
  struct file *file;
  uint offset;
};
#endif

enum procstate { UNUSED, USED, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };

struct proc {
  struct spinlock lock;

  // Guarded by lock.
  enum procstate state;
  void *chan;  // what it sleeps for
  int killed;
  int xstate;  // exit status, for the parent's wait()
  int pid;

  // Guarded by wait_lock.
  struct proc *parent;

  // The process's own: nobody else touches them while it lives.
  uint64 kstack;  // virtual address of its kernel stack
  uint64 sz;      // bytes of user memory
  pagetable_t pagetable;
  struct trapframe *trapframe;
  struct context context;  // swtch here to run it
  struct file *ofile[NOFILE];
  struct inode *cwd;
  char name[16];
#if KPT
  pagetable_t kpagetable;  // its own kernel table, see kpt.c
#endif
#if OWNSTACK
  void *stack_page;  // of its kernel stack
#endif
#if USYSCALL
  struct usyscall *usyscall;  // mapped at UPAGE
#endif
#if MMAP
  struct mapping mappings[NMAPPING];
  uint64 mapped_from;  // the lowest address that was ever mapped
#endif
#if ALARM
  int alarm_interval;  // in ticks, or 0
  int alarm_left;
  uint64 alarm_handler;
  int in_alarm;
  struct trapframe alarm_saved;  // what the handler has interrupted
#endif
};

extern struct cpu cpus[NCPU];
extern struct proc proc[NPROC];
extern struct proc *initproc;
