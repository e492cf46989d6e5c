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

# Macros, in the three forms that they are recorded in. Those that the compiler defines itself are left out.
macros() {
  name=$1
  shift
  build "$name" -O1 -g3 -undef -DPAGE=4096 '-DROUND(x)=(((x)+PAGE-1)&~(PAGE-1))' '-DBIT(n)=(1UL<<(n))' -DFLAGS='(BIT(0)|BIT(3))' \
    '-DNODE(i)=nodes[i]' '-DMOST(a,b)=((a)>(b)?(a):(b))' -DSELF='SELF+1' '-DBODY=do{}while(0)' '-DPASTE(a)=a##1' -DEMPTY= "$@"
}
macros macinfo -gdwarf-2 -gstrict-dwarf
macros macro4 -gdwarf-4
macros macro5 -gdwarf-5
