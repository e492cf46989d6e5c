#!/bin/sh
# Builds the fixtures with Debian's gcc-riscv64-unknown-elf. Their paths are recorded as /program.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build() {
  name=$1
  shift
  for source in entry.S main.c other.c; do
    riscv64-unknown-elf-gcc -march=rv64imac -mabi=lp64 -mcmodel=medany -ffreestanding -fno-common -nostdlib \
      -fno-omit-frame-pointer -ffile-prefix-map="$PWD"=/program -Wa,--debug-prefix-map="$PWD"=/program "$@" -c "$source" -o "$work/${source%.*}.o"
  done
  riscv64-unknown-elf-ld -T link.ld -z max-page-size=16 --no-warn-rwx-segments \
    -o "../$name.elf" "$work/entry.o" "$work/main.o" "$work/other.o"
}
build dwarf2 -gdwarf-2 -O
build dwarf3 -gdwarf-3 -O0
build dwarf4 -gdwarf-4 -O0
build dwarf5 -gdwarf-5 -O2
build dwarf5-types -gdwarf-5 -O0 -fdebug-types-section
build dwarf4-types -gdwarf-4 -O1 -fdebug-types-section
build dwarf5-64 -gdwarf-5 -gdwarf64 -O1
