// A lock for long waits, such as for the disk: the waiting process sleeps.
#pragma once

#include "spinlock.h"

struct sleeplock {
  uint locked;
  struct spinlock lk;  // guards the other fields
  char *name;
  int pid;             // the process that holds it
};
