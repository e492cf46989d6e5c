# The first instructions. The boot ROM jumps to 0x80000000 with every hart in machine mode.
# C needs a stack: hart i gets the i-th page of stack0 (start.c).

.section .text
.global _entry
_entry:
        csrr t0, mhartid
        addi t0, t0, 1          # a stack grows down from the end of its page
        slli t0, t0, 12
        la sp, stack0
        add sp, sp, t0
        call start
1:      wfi                     # start does not return
        j 1b
