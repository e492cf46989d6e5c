# Start of the program, a context switch in the manner of kernels, and a trap vector: assembly without call frame
# information, as a debugger meets it.
        .section .text
        .global _entry
_entry:
        la sp, stack + 4096
        li s0, 0
        call main
spin:
        j spin

        # long through(long (*function)(long), long argument): calls with a frame of its own.
        .global through
through:
        addi sp, sp, -32
        sd ra, 24(sp)
        sd s1, 16(sp)
        mv s1, a0
        mv a0, a1
        jalr s1
        ld s1, 16(sp)
        ld ra, 24(sp)
        addi sp, sp, 32
        ret

        # long leaf(long value): no frame at all.
        .global leaf
leaf:
        slli a0, a0, 1
        addi a0, a0, 3
        ret

        .balign 4
        .global vector
vector:
        addi sp, sp, -256
        sd ra, 0(sp)
        sd a0, 8(sp)
        call trapped
        ld ra, 0(sp)
        ld a0, 8(sp)
        addi sp, sp, 256
        mret

        .section .bss
        .balign 16
        .global stack
stack:
        .space 4096
