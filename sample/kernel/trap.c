// Traps: system calls, faults and interrupts, from user mode and from the kernel itself.
#include "defs.h"
#include "memlayout.h"
#include "proc.h"
#include "riscv.h"
#include "spinlock.h"

extern char trampoline[], uservec[], userret[];  // trampoline.S
void kernelvec(void);                            // kernelvec.S

struct spinlock tickslock;
uint ticks;  // clock ticks since boot

enum interrupt { NONE, DEVICE, TIMER };

void trapinit(void)
{
  initlock(&tickslock, "time");
}

void trapinithart(void)
{
  csr_write(stvec, kernelvec);
}

// The exceptions of table 4.2 of the privileged specification.
static const char *exception_name(uint64 scause)
{
  static const char *names[] = {
      [0] = "instruction address misaligned",
      [1] = "instruction access fault",
      [2] = "illegal instruction",
      [3] = "breakpoint",
      [4] = "load address misaligned",
      [5] = "load access fault",
      [6] = "store address misaligned",
      [7] = "store access fault",
      [8] = "system call from user mode",
      [9] = "system call from supervisor mode",
      [12] = "instruction page fault",
      [13] = "load page fault",
      [15] = "store page fault",
  };
  if (scause >= sizeof(names) / sizeof(names[0]) || names[scause] == 0)
    return "unknown trap";
  return names[scause];
}

static void clockintr(void)
{
  if (cpuid() == 0) {
    acquire(&tickslock);
    ticks++;
    wakeup(&ticks);
    release(&tickslock);
  }
  csr_write(CSR_STIMECMP, csr_read(time) + TICK);  // also takes the present interrupt back
}

// Serves the interrupt that scause names. NONE if it names something else.
static enum interrupt devintr(uint64 scause)
{
  stop_if_panicked();
  if (scause == SCAUSE_TIMER) {
    clockintr();
    return TIMER;
  }
  if (scause != SCAUSE_DEVICE)
    return NONE;

  int irq = plic_claim();
  if (irq == UART0_IRQ)
    uartintr();
  else if (irq == VIRTIO0_IRQ)
    virtio_disk_intr();
  if (irq)
    plic_complete(irq);
  return DEVICE;
}

// A user program did something forbidden: prints that and kills it.
static void fault(struct proc *p, uint64 scause)
{
#if COW
  if (scause == SCAUSE_STORE_PAGE_FAULT && cow_break(p->pagetable, csr_read(stval)) == 0)
    return;
#endif
#if LAZY || MMAP
  if ((scause == SCAUSE_LOAD_PAGE_FAULT || scause == SCAUSE_STORE_PAGE_FAULT) && page_in(p, csr_read(stval)) == 0)
    return;
#endif
  printf("%s (pid %d): %s, scause=0x%lx sepc=0x%lx stval=0x%lx\n", p->name, p->pid, exception_name(scause), scause,
         p->trapframe->epc, csr_read(stval));
  setkilled(p);
}

// From uservec: something happened in user mode.
void usertrap(void)
{
  if (csr_read(sstatus) & SSTATUS_SPP)
    panic("usertrap: not from user mode");
  csr_write(stvec, kernelvec);  // from here on, traps are the kernel's own

  struct proc *p = myproc();
  p->trapframe->epc = csr_read(sepc);  // another trap would overwrite sepc

  uint64 scause = csr_read(scause);
  enum interrupt interrupt = NONE;
  if (scause == SCAUSE_ECALL_USER) {
    if (killed(p))
      exit(-1);
    p->trapframe->epc += 4;  // go on after the ecall
    intr_on();               // the trap's registers have been read
    syscall();
  } else if ((interrupt = devintr(scause)) == NONE) {
    fault(p, scause);
  }

  if (killed(p))
    exit(-1);
#if ALARM
  if (interrupt == TIMER)
    alarm_tick(p);
#endif
  if (interrupt == TIMER)
    yield();
  usertrapret();
}

// Goes (back) to user mode: prepares the next uservec, then what sret needs, and jumps to userret.
void usertrapret(void)
{
  struct proc *p = myproc();

  // Until sret, a trap would be the kernel's but run through uservec.
  intr_off();
  csr_write(stvec, TRAMPOLINE + (uservec - trampoline));

  p->trapframe->kernel_satp = csr_read(satp);
  p->trapframe->kernel_sp = p->kstack + PGSIZE;
  p->trapframe->kernel_trap = (uint64)usertrap;
  p->trapframe->kernel_hartid = r_tp();

  csr_clear(sstatus, SSTATUS_SPP);
  csr_set(sstatus, SSTATUS_SPIE);
  csr_write(sepc, p->trapframe->epc);

  void (*to_user)(uint64) = (void (*)(uint64))(TRAMPOLINE + (userret - trampoline));
  to_user(MAKE_SATP(p->pagetable));
}

// From kernelvec: something happened in the kernel. Only interrupts may.
void kerneltrap(void)
{
  // yield() may let other traps happen, so keep what sret needs.
  uint64 sepc = csr_read(sepc);
  uint64 sstatus = csr_read(sstatus);
  uint64 scause = csr_read(scause);

  if ((sstatus & SSTATUS_SPP) == 0)
    panic("kerneltrap: not from supervisor mode");
  if (intr_get())
    panic("kerneltrap: interrupts are on");

  enum interrupt interrupt = devintr(scause);
  if (interrupt == NONE) {
    printf("hart %d: %s in the kernel, scause=0x%lx sepc=0x%lx stval=0x%lx\n", cpuid(), exception_name(scause), scause,
           sepc, csr_read(stval));
    panic("kerneltrap");
  }
  if (interrupt == TIMER && myproc())
    yield();

  csr_write(sepc, sepc);
  csr_write(sstatus, sstatus);
}
