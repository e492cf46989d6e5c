// The platform-level interrupt controller: routes device interrupts to harts. From the RISC-V PLIC specification.
// Each hart has two contexts on this board, machine mode at 2 * hart and supervisor mode at 2 * hart + 1.
#include "defs.h"
#include "memlayout.h"
#include "riscv.h"

#define WORD(offset) (*(volatile uint32 *)(PLIC + (offset)))
#define CONTEXT(hart) (2 * (hart) + 1)
#define PRIORITY(irq) WORD(4 * (irq))
#define ENABLE(hart) WORD(0x2000 + 0x80 * CONTEXT(hart))
#define THRESHOLD(hart) WORD(0x200000 + 0x1000 * CONTEXT(hart))
#define CLAIM(hart) WORD(0x200004 + 0x1000 * CONTEXT(hart))

void plicinit(void)
{
  PRIORITY(UART0_IRQ) = 1;
  PRIORITY(VIRTIO0_IRQ) = 1;
}

void plicinithart(void)
{
  ENABLE(cpuid()) = 1 << UART0_IRQ | 1 << VIRTIO0_IRQ;
  THRESHOLD(cpuid()) = 0;
}

// Which interrupt should this hart serve? 0 for none: another hart was faster.
int plic_claim(void)
{
  return CLAIM(cpuid());
}

void plic_complete(int irq)
{
  CLAIM(cpuid()) = irq;
}
