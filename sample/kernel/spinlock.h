// A lock for short critical sections: the waiting hart spins, the holding hart takes no interrupts.
#pragma once

#include "types.h"

struct spinlock {
  uint locked;
  char *name;
  struct cpu *cpu;  // the hart that holds it
};
