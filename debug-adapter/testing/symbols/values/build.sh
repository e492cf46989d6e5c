#!/bin/sh
# Builds the fixtures with Debian's gcc-riscv64-unknown-elf (12.2) and clang (14). Their paths are recorded as /program.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options="-march=rv64imac -mabi=lp64 -mcmodel=medany -ffreestanding -fno-common -fno-omit-frame-pointer -nostdlib"
build() {
  name=$1
  shift
  "$@" $options -ffile-prefix-map="$PWD"=/program -c values.c -o "$work/values.o"
  riscv64-unknown-elf-ld -X -T link.ld -z max-page-size=16 --no-warn-rwx-segments -o "$name.elf" "$work/values.o"
}

# With the debug information in a file of its own, and this in a package.
split() {
  name=$1
  shift
  cp values.c "$work"
  (
    cd "$work"
    $gcc $options -ffile-prefix-map="$work"=/program -gsplit-dwarf "$@" -c values.c -o values.o
    llvm-dwp values.dwo -o values.dwp
  )
  riscv64-unknown-elf-ld -X -T link.ld -z max-page-size=16 --no-warn-rwx-segments -o "$name.elf" "$work/values.o"
  mv "$work/values.dwo" "$name.dwo"
  mv "$work/values.dwp" "$name.dwp"
}

gcc=riscv64-unknown-elf-gcc
clang="clang --target=riscv64 -mno-relax"
build gcc-2 $gcc -gdwarf-2 -O0
build gcc-3 $gcc -gdwarf-3 -O0
build gcc-4 $gcc -gdwarf-4 -O2
build gcc-5 $gcc -gdwarf-5 -O0
build clang-2 $clang -gdwarf-2 -O0
build clang-4 $clang -gdwarf-4 -O0
build clang-5 $clang -gdwarf-5 -glldb -O0
# GNU as leaves the lengths in location lists of version 4 at 0, so these are for unoptimized code only.
split split-4 -gdwarf-4 -O0 -mno-relax
split split-5 -gdwarf-5 -O1 -mno-relax
# The linker may shorten this code, whose lengths are then unknown to the .dwo file.
split split-relaxed -gdwarf-5 -O0
