// `make BUG=n` plants one bug in the kernel, for practice in finding it. Each is under `#if BUG == n`, with a comment
// that says what is wrong. Some need a variant of the kernel that is otherwise off; `make VARIANT=KPT` and
// `make VARIANT=COW` build the variants without a bug.
#pragma once

#ifndef BUG
#define BUG 0
#endif

// Each process has a kernel page table of its own, which also maps its user pages (kpt.c).
#ifndef KPT
#define KPT (BUG == 3 || BUG == 4 || BUG == 8 || BUG == 11 || BUG == 15)
#endif

// fork shares pages until a process writes to one (cow.c).
#ifndef COW
#define COW (BUG == 17 || BUG == 31 || BUG == 36)
#endif
