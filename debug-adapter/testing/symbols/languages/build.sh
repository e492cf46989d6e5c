#!/bin/sh
# Builds the fixtures with Debian's gcc-riscv64-unknown-elf (12.2) and clang (14), and a nightly rustc (1.97), which alone can do
# without the crate core. Their paths are recorded as /program.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
machine="-march=rv64imac -mabi=lp64 -mcmodel=medany"
link() {
  riscv64-unknown-elf-gcc $machine -c entry.S -o "$work/entry.o"
  riscv64-unknown-elf-ld -X -T ../values/link.ld -z max-page-size=16 --no-warn-rwx-segments -o "$1.elf" "$work/entry.o" "$2"
}
cpp() {
  name=$1
  shift
  "$@" $machine -ffreestanding -nostdlib -fno-exceptions -fno-rtti -fno-omit-frame-pointer \
    -ffile-prefix-map="$PWD"=/program -c shapes.cc -o "$work/shapes.o"
  link "$name" "$work/shapes.o"
}
cpp gcc riscv64-unknown-elf-g++ -gdwarf-5 -O0
cpp gcc-4 riscv64-unknown-elf-g++ -gdwarf-4 -O1
cpp clang clang++ --target=riscv64 -mno-relax -gdwarf-5 -O0
rustc +nightly --target riscv64imac-unknown-none-elf --crate-type lib --emit=obj -g -C panic=abort -C opt-level=0 \
  -C relocation-model=static -C code-model=medium --remap-path-prefix "$PWD"=/program -o "$work/rust.o" kernel.rs
link rust "$work/rust.o"
