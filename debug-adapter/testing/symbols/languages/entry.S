# Start of the programs.
        .section .text.entry, "ax"
        .global entry
entry:
        la sp, stack_top
        call main
spin:
        j spin

        .bss
        .balign 16
        .space 4096
stack_top:
