// Supervisor mode begins here, on every hart at once. Hart 0 sets the kernel up; the others wait for it.
#include "defs.h"
#include "riscv.h"

static volatile int started;

static void inithart(void)
{
  kvminithart();
  trapinithart();
  plicinithart();
}

void main(void)
{
  if (cpuid() == 0) {
    consoleinit();
    printf("\nxv6-debug sample kernel is booting\n\n");
    kinit();
    kvminit();
    procinit();
    trapinit();
    plicinit();
    inithart();
    binit();
    iinit();
    fileinit();
    virtio_disk_init();
    userinit();
    __sync_synchronize();  // the others must see all of the above before they see started
    started = 1;
  } else {
    while (!started)
      ;
    __sync_synchronize();
    printf("hart %d starting\n", cpuid());
    inithart();
  }
  scheduler();
}
