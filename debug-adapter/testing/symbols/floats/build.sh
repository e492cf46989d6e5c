#!/bin/sh
# Builds floats.elf with Debian's gcc-riscv64-unknown-elf (12.2). Its path is recorded as /program.
set -eu
cd "$(dirname "$0")"
riscv64-unknown-elf-gcc -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-common -nostdlib -static -O1 -g \
  -ffile-prefix-map="$PWD"=/program -Wl,-T,link.ld,-z,max-page-size=4096,--build-id=none,--no-warn-rwx-segments \
  floats.c -o floats.elf
