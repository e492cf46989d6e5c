// The parts of RV64 that C cannot say: control registers, fences, and the format of Sv39 page tables.
// Numbers come from the RISC-V privileged specification, version 1.12.
#pragma once

#include "types.h"

// Control and status registers are named by the assembler, so the name is pasted into the instruction.
#define CSR_TEXT(csr) #csr
#define csr_read(csr)                                            \
  ({                                                             \
    uint64 value_;                                               \
    asm volatile("csrr %0, " CSR_TEXT(csr) : "=r"(value_));      \
    value_;                                                      \
  })
#define csr_write(csr, value) asm volatile("csrw " CSR_TEXT(csr) ", %0" ::"r"((uint64)(value)) : "memory")
#define csr_set(csr, bits) asm volatile("csrs " CSR_TEXT(csr) ", %0" ::"r"((uint64)(bits)) : "memory")
#define csr_clear(csr, bits) asm volatile("csrc " CSR_TEXT(csr) ", %0" ::"r"((uint64)(bits)) : "memory")

// Younger than many assemblers, so by number.
#define CSR_STIMECMP 0x14d
#define CSR_MENVCFG 0x30a

#define MSTATUS_MPP_MASK (3L << 11)  // the mode that mret returns to
#define MSTATUS_MPP_S (1L << 11)
#define MENVCFG_STCE (1L << 63)      // supervisor mode may use stimecmp
#define MCOUNTEREN_TM (1L << 1)      // supervisor mode may read time

#define SSTATUS_SIE (1L << 1)        // interrupts are on
#define SSTATUS_SPIE (1L << 5)       // interrupts will be on after sret
#define SSTATUS_SPP (1L << 8)        // the mode the trap came from: 1 supervisor, 0 user

#define SIE_STIE (1L << 5)           // let timer interrupts in
#define SIE_SEIE (1L << 9)           // let device interrupts in

#define SCAUSE_INTERRUPT (1L << 63)
#define SCAUSE_TIMER (SCAUSE_INTERRUPT | 5)
#define SCAUSE_DEVICE (SCAUSE_INTERRUPT | 9)
#define SCAUSE_ECALL_USER 8
#define SCAUSE_LOAD_PAGE_FAULT 13
#define SCAUSE_STORE_PAGE_FAULT 15

static inline void intr_on(void) { csr_set(sstatus, SSTATUS_SIE); }
static inline void intr_off(void) { csr_clear(sstatus, SSTATUS_SIE); }
static inline int intr_get(void) { return (csr_read(sstatus) & SSTATUS_SIE) != 0; }

// Stop until an interrupt is pending. It also ends when the interrupt is masked by sstatus.SIE.
static inline void wait_for_interrupt(void) { asm volatile("wfi" ::: "memory"); }

// Translations may be cached; this makes the hart see every page-table store before it.
static inline void sfence_vma(void) { asm volatile("sfence.vma zero, zero" ::: "memory"); }

// The kernel keeps the hart's number in tp: supervisor mode cannot read mhartid.
static inline uint64 r_tp(void)
{
  uint64 tp;
  asm volatile("mv %0, tp" : "=r"(tp));
  return tp;
}
static inline void w_tp(uint64 tp) { asm volatile("mv tp, %0" ::"r"(tp)); }

#define PGSIZE 4096
#define PGSHIFT 12
#define PGROUNDUP(a) (((uint64)(a) + PGSIZE - 1) & ~(uint64)(PGSIZE - 1))
#define PGROUNDDOWN(a) ((uint64)(a) & ~(uint64)(PGSIZE - 1))
#define SUPERPGSIZE (512L * PGSIZE)  // of a leaf one level above the lowest
#define SUPERPGROUNDUP(a) (((uint64)(a) + SUPERPGSIZE - 1) & ~(uint64)(SUPERPGSIZE - 1))
#define SUPERPGROUNDDOWN(a) ((uint64)(a) & ~(uint64)(SUPERPGSIZE - 1))

// Sv39: a table is one page of 512 entries, and there are three levels.
//
//   63        39 38    30 29    21 20    12 11        0
//   [  zero    ] [ VPN2 ] [ VPN1 ] [ VPN0 ] [ offset  ]   a virtual address
//
//   63   54 53                        10 9  8 7 6 5 4 3 2 1 0
//   [  0  ] [  physical page number    ] [RSW] D A G U X W R V   a page-table entry
typedef uint64 pte_t;
typedef uint64 *pagetable_t;

#define PTE_V (1L << 0)
#define PTE_R (1L << 1)
#define PTE_W (1L << 2)
#define PTE_X (1L << 3)
#define PTE_U (1L << 4)
#define PTE_A (1L << 6)      // the hart has used the page
#define PTE_COW (1L << 8)    // one of the two bits left to software: copy this page before it is written
#define PTE_SUPER (1L << 9)  // the other: this leaf maps 2 MiB

#define PA2PTE(pa) (((uint64)(pa) >> PGSHIFT) << 10)
#define PTE2PA(pte) (((uint64)(pte) >> 10) << PGSHIFT)
#define PTE_FLAGS(pte) ((pte) & 0x3ff)
#define PTE_LEAF(pte) (((pte) & (PTE_R | PTE_W | PTE_X)) != 0)

#define PX(level, va) (((uint64)(va) >> (PGSHIFT + 9 * (level))) & 0x1ff)

// Half of what Sv39 can reach: bit 38 stays 0, so that no address needs its sign extended.
#define MAXVA (1L << 38)

#define SATP_SV39 (8L << 60)
#define MAKE_SATP(root) (SATP_SV39 | ((uint64)(root) >> PGSHIFT))
