// `make BUG=n` plants one mistake in the kernel, for practice in finding it. Each stands under `#if BUG == n` with
// a line that says what is wrong. Some need a variant of the kernel that is off otherwise; without a bug, the
// variants are built by `make VARIANT=KPT` and `make VARIANT=COW`.
#pragma once

#ifndef BUG
#define BUG 0
#endif

// Each process has a kernel page table of its own, which also maps its user pages (kpt.c).
#ifndef KPT
#define KPT (BUG == 4 || BUG == 11 || BUG == 15)
#endif

// fork shares pages until one side writes (cow.c).
#ifndef COW
#define COW (BUG == 31)
#endif
