// Machine mode does as little as it can: it hands traps, time and memory over to supervisor mode, and goes there.
#include "defs.h"
#include "param.h"
#include "riscv.h"

void main(void);

// One page of stack a hart, for boot and for its scheduler.
__attribute__((aligned(PGSIZE))) char stack0[PGSIZE * NCPU];

// Supervisor mode programs its own timer (the Sstc extension): an interrupt is pending while time >= stimecmp.
static void timerinit(void)
{
  csr_set(CSR_MENVCFG, MENVCFG_STCE);
  csr_set(mcounteren, MCOUNTEREN_TM);
  csr_write(CSR_STIMECMP, csr_read(time) + TICK);
}

void start(void)
{
  // mret will "return" to main in supervisor mode.
  uint64 mstatus = csr_read(mstatus) & ~MSTATUS_MPP_MASK;
  csr_write(mstatus, mstatus | MSTATUS_MPP_S);
  csr_write(mepc, main);

  csr_write(satp, 0);  // no paging yet

  // Exceptions and interrupts go straight to supervisor mode.
  csr_write(medeleg, 0xffff);
  csr_write(mideleg, 0xffff);
  csr_set(sie, SIE_SEIE | SIE_STIE);

  // Without an entry in PMP, supervisor mode could reach no memory at all. One entry covers everything: RWX, TOR.
  csr_write(pmpaddr0, 0x3fffffffffffffL);
  csr_write(pmpcfg0, 0xf);

  timerinit();
  w_tp(csr_read(mhartid));
  asm volatile("mret");
}
