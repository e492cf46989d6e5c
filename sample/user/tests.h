// What the files of usertests share. Each test runs in a process of its own: it returns, or fails and exits.
#pragma once

#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"
#include "user/user.h"

struct test {
  const char *name;
  void (*run)(void);
  int slow;  // left out by usertests -q
};

extern const struct test process_tests[], memory_tests[], file_tests[], pipe_tests[];

// Ends the test unless the condition holds, and says which one did not.
#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      printf("\n  %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);      \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

// Runs a function in a child, which exits with what it returns. The child's exit status.
int in_child(int (*function)(void));
// Forks, or fails the test.
int must_fork(void);
// A pattern that distinguishes every position in a file from its neighbours.
char pattern(int seed, int position);
