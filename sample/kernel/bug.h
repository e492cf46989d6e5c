// `make BUG=n` plants one bug in the kernel, for practice in finding it. Each is under `#if BUG == n`, with a comment
// that says what is wrong. Some need a variant of the kernel that is otherwise off; `make VARIANT=KPT` and so on build
// the variants without a bug.
#pragma once

#ifndef BUG
#define BUG 0
#endif

// Each process has its own kernel stack's page, which no other table maps. Needs KPT.
#ifndef OWNSTACK
#define OWNSTACK (BUG == 1 || BUG == 2 || BUG == 5 || BUG == 6)
#endif

// Each process has a kernel page table of its own, which also maps its user pages (kpt.c).
#ifndef KPT
#define KPT (OWNSTACK || (BUG >= 1 && BUG <= 13) || BUG == 15)
#endif

// A page that programs may read, so that getpid needs no system call; and which pages a program has used (usyscall.c).
#ifndef USYSCALL
#define USYSCALL (BUG >= 18 && BUG <= 22)
#endif

// Memory in pieces of 2 MiB where a program asks for that much (superpage.c).
#ifndef SUPER
#define SUPER (BUG >= 23 && BUG <= 25)
#endif

// sbrk gives addresses, and a page is allocated when it is first used (lazy.c).
#ifndef LAZY
#define LAZY (BUG >= 26 && BUG <= 30)
#endif

// fork shares pages until a process writes to one (cow.c).
#ifndef COW
#define COW (BUG == 17 || (BUG >= 31 && BUG <= 38))
#endif

// Files as memory (mmap.c).
#ifndef MMAP
#define MMAP (BUG == 39 || BUG == 40)
#endif

// The kernel calls a function of a program as time passes (alarm.c).
#ifndef ALARM
#define ALARM (BUG == 41)
#endif

// exec prints the page table of the first process (vm.c).
#ifndef VMPRINT
#define VMPRINT (BUG == 44)
#endif
