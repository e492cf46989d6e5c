# The system calls of the kernel's variants, for the programs that want them.
#include "kernel/syscall.h"

#define SYSCALL(name) .global name; .type name, @function; name: li a7, SYS_##name; ecall; ret; .size name, . - name

.section .text

SYSCALL(sigalarm)
SYSCALL(sigreturn)
SYSCALL(pgaccess)
SYSCALL(mmap)
SYSCALL(munmap)
