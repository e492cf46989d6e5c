# The way from user mode into the kernel and back. satp changes on the way, so this page has the same address,
# TRAMPOLINE, in every table: the next instruction is there whichever table is in force.
# Offsets are those of struct trapframe (proc.h).

#include "bug.h"
#include "param.h"
#include "memlayout.h"

#define PGSIZE 4096
#define MAXVA (1 << 38)

.section .trampoline, "ax"
.balign 4096
.global trampoline
trampoline:

# A trap in user mode jumps here (stvec), in supervisor mode but with the user's table and all of the user's registers.
.balign 4
.global uservec
uservec:
        csrw sscratch, a0       # one register must be free to point at the trap frame
        li a0, TRAPFRAME

        sd ra, 40(a0)
        sd sp, 48(a0)
        sd gp, 56(a0)
        sd tp, 64(a0)
        sd t0, 72(a0)
        sd t1, 80(a0)
        sd t2, 88(a0)
        sd s0, 96(a0)
        sd s1, 104(a0)
        sd a1, 120(a0)
        sd a2, 128(a0)
        sd a3, 136(a0)
        sd a4, 144(a0)
        sd a5, 152(a0)
        sd a6, 160(a0)
        sd a7, 168(a0)
        sd s2, 176(a0)
        sd s3, 184(a0)
        sd s4, 192(a0)
        sd s5, 200(a0)
        sd s6, 208(a0)
        sd s7, 216(a0)
        sd s8, 224(a0)
        sd s9, 232(a0)
        sd s10, 240(a0)
        sd s11, 248(a0)
        sd t3, 256(a0)
        sd t4, 264(a0)
        sd t5, 272(a0)
        sd t6, 280(a0)

        csrr t0, sscratch
        sd t0, 112(a0)          # the user's a0

        ld t0, 0(a0)            # kernel_satp
        ld t1, 16(a0)           # kernel_trap: usertrap()
        ld sp, 8(a0)            # kernel_sp
        ld tp, 32(a0)           # kernel_hartid

#if BUG == 43
        # Bug 43: both fences are missing, so the hart may go on using translations of the table it has left.
        csrw satp, t0
#else
        sfence.vma zero, zero   # the user's stores come before the change of table
        csrw satp, t0
        sfence.vma zero, zero   # and its translations are gone after it
#endif
        jr t1                   # usertrap() does not return here

# userret(satp): usertrapret() calls this at its TRAMPOLINE address, in the kernel's table.
.global userret
userret:
#if BUG == 43
        csrw satp, a0
#else
        sfence.vma zero, zero
        csrw satp, a0
        sfence.vma zero, zero
#endif
        li a0, TRAPFRAME

        ld ra, 40(a0)
        ld sp, 48(a0)
        ld gp, 56(a0)
        ld tp, 64(a0)
        ld t0, 72(a0)
        ld t1, 80(a0)
        ld t2, 88(a0)
        ld s0, 96(a0)
        ld s1, 104(a0)
        ld a1, 120(a0)
        ld a2, 128(a0)
        ld a3, 136(a0)
        ld a4, 144(a0)
        ld a5, 152(a0)
        ld a6, 160(a0)
        ld a7, 168(a0)
        ld s2, 176(a0)
        ld s3, 184(a0)
        ld s4, 192(a0)
        ld s5, 200(a0)
        ld s6, 208(a0)
        ld s7, 216(a0)
        ld s8, 224(a0)
        ld s9, 232(a0)
        ld s10, 240(a0)
        ld s11, 248(a0)
        ld t3, 256(a0)
        ld t4, 264(a0)
        ld t5, 272(a0)
        ld t6, 280(a0)
        ld a0, 112(a0)          # last, since it was the pointer
        sret
