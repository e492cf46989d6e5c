# Where firmware enters the kernel: with a hart's id in a0 and the device tree's address in a1 at the start, or what hart_start was
# given as its last argument (SBI specification 2.0, sections 3 and 9.1). Each hart has a stack of 4096 bytes.

    .section .text.entry
    .globl _start
_start:
    call    set_stack
    call    main
1:  j       1b

    .globl start_hart
start_hart:
    call    set_stack
    call    hart_main
1:  j       1b

set_stack:
    la      sp, stacks
    addi    t0, a0, 1
    slli    t0, t0, 12
    add     sp, sp, t0
    ret

# Enters on(cause) with everything saved that C may change.
    .globl trap_vector
    .balign 4
trap_vector:
    addi    sp, sp, -128
    sd      ra, 0(sp)
    .irp    n, 0, 1, 2, 3, 4, 5, 6
    sd      t\n, 8 + 8 * \n(sp)
    .endr
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
    sd      a\n, 64 + 8 * \n(sp)
    .endr
    csrr    a0, scause
    call    on_interrupt
    ld      ra, 0(sp)
    .irp    n, 0, 1, 2, 3, 4, 5, 6
    ld      t\n, 8 + 8 * \n(sp)
    .endr
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
    ld      a\n, 64 + 8 * \n(sp)
    .endr
    addi    sp, sp, 128
    sret

    .bss
    .balign 4096
stacks:
    .space  4096 * 8
