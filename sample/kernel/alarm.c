// A variant: alarms. After each so many ticks of its own time a program is interrupted by a function of its own, which
// ends with the system call sigreturn.
#include "defs.h"
#include "proc.h"

#if ALARM

// sigalarm(ticks, handler). No ticks: no alarms.
uint64 sys_sigalarm(void)
{
  struct proc *p = myproc();
  p->alarm_interval = p->alarm_left = argint(0);
  p->alarm_handler = argument(1);
  return 0;
}

// The program goes on where it was interrupted.
uint64 sys_sigreturn(void)
{
  struct proc *p = myproc();
  if (!p->in_alarm)
    return -1;
  p->in_alarm = 0;
  *p->trapframe = p->alarm_saved;
  return p->trapframe->a0;
}

// A tick has passed while p ran.
void alarm_tick(struct proc *p)
{
  if (p->alarm_interval <= 0 || p->in_alarm || --p->alarm_left > 0)
    return;
  p->alarm_left = p->alarm_interval;
#if BUG == 41
  ((void (*)(void))p->alarm_handler)();  // Bug 41: the kernel calls it, at an address of the program's.
#else
  p->in_alarm = 1;
  p->alarm_saved = *p->trapframe;
  p->trapframe->epc = p->alarm_handler;
#endif
}

#endif
