# A system call from C: the arguments are in a0 to a5 already, the number goes to a7, and the result comes in a0.
#include "kernel/syscall.h"

#define SYSCALL(name) .global name; .type name, @function; name: li a7, SYS_##name; ecall; ret; .size name, . - name

.section .text

SYSCALL(fork)
SYSCALL(exit)
SYSCALL(wait)
SYSCALL(pipe)
SYSCALL(read)
SYSCALL(write)
SYSCALL(close)
SYSCALL(kill)
SYSCALL(exec)
SYSCALL(open)
SYSCALL(unlink)
SYSCALL(fstat)
SYSCALL(mkdir)
SYSCALL(chdir)
SYSCALL(dup)
SYSCALL(getpid)
SYSCALL(sbrk)
SYSCALL(sleep)
SYSCALL(uptime)
