// From a number in a7 to a function, and from registers to its arguments.
#include "syscall.h"

#include "defs.h"
#include "proc.h"

uint64 sys_fork(void);
uint64 sys_exit(void);
uint64 sys_wait(void);
uint64 sys_pipe(void);
uint64 sys_read(void);
uint64 sys_kill(void);
uint64 sys_exec(void);
uint64 sys_fstat(void);
uint64 sys_chdir(void);
uint64 sys_dup(void);
uint64 sys_getpid(void);
uint64 sys_sbrk(void);
uint64 sys_sleep(void);
uint64 sys_uptime(void);
uint64 sys_open(void);
uint64 sys_write(void);
uint64 sys_unlink(void);
uint64 sys_mkdir(void);
uint64 sys_close(void);
uint64 sys_sigalarm(void);
uint64 sys_sigreturn(void);
uint64 sys_pgaccess(void);
uint64 sys_mmap(void);
uint64 sys_munmap(void);

static uint64 (*const syscalls[])(void) = {
    [SYS_fork] = sys_fork,     [SYS_exit] = sys_exit,     [SYS_wait] = sys_wait,   [SYS_pipe] = sys_pipe,
    [SYS_read] = sys_read,     [SYS_kill] = sys_kill,     [SYS_exec] = sys_exec,   [SYS_fstat] = sys_fstat,
    [SYS_chdir] = sys_chdir,   [SYS_dup] = sys_dup,       [SYS_getpid] = sys_getpid, [SYS_sbrk] = sys_sbrk,
    [SYS_sleep] = sys_sleep,   [SYS_uptime] = sys_uptime, [SYS_open] = sys_open,   [SYS_write] = sys_write,
    [SYS_unlink] = sys_unlink, [SYS_mkdir] = sys_mkdir,   [SYS_close] = sys_close,
#if ALARM
    [SYS_sigalarm] = sys_sigalarm, [SYS_sigreturn] = sys_sigreturn,
#endif
#if USYSCALL
    [SYS_pgaccess] = sys_pgaccess,
#endif
#if MMAP
    [SYS_mmap] = sys_mmap, [SYS_munmap] = sys_munmap,
#endif
};

// The n-th argument, 0 to 5, as it stands in register a<n>.
uint64 argument(int n)
{
  return (&myproc()->trapframe->a0)[n];
}

int argint(int n)
{
  return (int)argument(n);
}

// The n-th argument is a string: copies it to buf[max]. Its length, or -1.
int argstr(int n, char *buf, int max)
{
  return copyinstr(myproc()->pagetable, buf, argument(n), max);
}

void syscall(void)
{
  struct proc *p = myproc();
  uint64 number = p->trapframe->a7;
  if (number < sizeof(syscalls) / sizeof(syscalls[0]) && syscalls[number]) {
    p->trapframe->a0 = syscalls[number]();
  } else {
    printf("%s (pid %d): unknown system call %ld\n", p->name, p->pid, number);
    p->trapframe->a0 = -1;
  }
}
