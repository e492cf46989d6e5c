// Where things are: QEMU's "virt" board in physical addresses, then our own choices in virtual ones.
#pragma once

// Physical:
//   02000000  CLINT, whose timers the kernel leaves alone
//   0c000000  PLIC, the interrupt controller
//   10000000  UART
//   10001000  virtio disk
//   80000000  RAM: kernel text, kernel data, then free pages up to PHYSTOP
#define CLINT 0x02000000L
#define CLINT_SIZE 0x10000L
#define PLIC 0x0c000000L
#define PLIC_SIZE 0x400000L
#define UART0 0x10000000L
#define UART0_IRQ 10
#define VIRTIO0 0x10001000L
#define VIRTIO0_IRQ 1
#define KERNBASE 0x80000000L
#define PHYSTOP (KERNBASE + 128 * 1024 * 1024)
#define SUPERBASE (PHYSTOP - 16 * 1024 * 1024)  // from here on RAM is in pieces of 2 MiB, where superpage.c is used

// The trampoline page sits at the same address in every table, so that satp can change under it.
#define TRAMPOLINE (MAXVA - PGSIZE)

// In the kernel's table: below the trampoline one kernel stack for each process. The page below each stack
// stays unmapped: a stack that overflows faults there instead of running into its neighbour.
#define KSTACK(i) (TRAMPOLINE - ((i) + 1) * 2 * PGSIZE)

// In a process's table: text, data, guard page, stack and heap from 0 up to p->sz; at the top the trap frame.
#define TRAPFRAME (TRAMPOLINE - PGSIZE)
// Variants have more below it: the page of struct usyscall (usyscall.h), or files (mmap.c), which grow downwards.
#define UPAGE (TRAPFRAME - PGSIZE)
#define MMAPTOP (TRAPFRAME - PGSIZE)
