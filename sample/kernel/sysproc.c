// System calls for processes and time.
#include "defs.h"
#include "proc.h"

uint64 sys_fork(void)
{
  return fork();
}

uint64 sys_exit(void)
{
  exit(argint(0));
}

uint64 sys_wait(void)
{
  return wait(argument(0));
}

uint64 sys_kill(void)
{
  return kill(argint(0));
}

uint64 sys_getpid(void)
{
  return myproc()->pid;
}

// The address where the new memory begins.
uint64 sys_sbrk(void)
{
  uint64 old = myproc()->sz;
  return growproc(argint(0)) < 0 ? -1 : old;
}

uint64 sys_sleep(void)
{
  int n = argint(0);
  acquire(&tickslock);
  uint start = ticks;
  while (n > 0 && ticks - start < (uint)n) {
    if (killed(myproc())) {
      release(&tickslock);
      return -1;
    }
    sleep(&ticks, &tickslock);
  }
  release(&tickslock);
  return 0;
}

uint64 sys_uptime(void)
{
  acquire(&tickslock);
  uint now = ticks;
  release(&tickslock);
  return now;
}
