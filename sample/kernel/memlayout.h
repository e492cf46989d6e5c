// Where things are: QEMU's "virt" board in physical addresses, then our own choices in virtual ones.
#pragma once

// Physical:
//   0c000000  PLIC, the interrupt controller
//   10000000  UART
//   10001000  virtio disk
//   80000000  RAM: kernel text, kernel data, then free pages up to PHYSTOP
#define PLIC 0x0c000000L
#define PLIC_SIZE 0x400000L
#define UART0 0x10000000L
#define UART0_IRQ 10
#define VIRTIO0 0x10001000L
#define VIRTIO0_IRQ 1
#define KERNBASE 0x80000000L
#define PHYSTOP (KERNBASE + 128 * 1024 * 1024)

// The trampoline page sits at the same address in every table, so that satp can change under it.
#define TRAMPOLINE (MAXVA - PGSIZE)

// In the kernel's table: below the trampoline one kernel stack for each process. The page below each stack
// stays unmapped: a stack that overflows faults there instead of running into its neighbour.
#define KSTACK(i) (TRAMPOLINE - ((i) + 1) * 2 * PGSIZE)

// In a process's table: text, data, guard page, stack and heap from 0 up to p->sz; at the top the trap frame.
#define TRAPFRAME (TRAMPOLINE - PGSIZE)
