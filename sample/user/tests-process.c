// Tests of processes: fork, exit, wait, kill, exec, time.
#include "user/tests.h"

static int shared = 1;

// Parent and child have the same memory at first, and then each its own.
static void test_fork(void)
{
  int local = 10;
  int pid = must_fork();
  if (pid == 0) {
    CHECK(shared == 1 && local == 10);
    shared = 2;
    local = 20;
    exit(shared + local);
  }
  int status;
  CHECK(wait(&status) == pid);
  CHECK(status == 22);
  CHECK(shared == 1 && local == 10);
}

// Forks of forks: 31 processes, each of which waits for its own children.
static void test_fork_tree(void)
{
  int depth = 0, children = 0;
  while (depth < 4) {
    int pid = must_fork();
    depth++;
    if (pid == 0)
      children = 0;
    else
      children++;
  }
  for (; children > 0; children--) {
    int status = -1;
    CHECK(wait(&status) > 0);
    CHECK(status == 0);
  }
  CHECK(wait(0) == -1);
}

static void test_wait(void)
{
  CHECK(wait(0) == -1);
  for (int i = 0; i < 20; i++) {
    int status, pid = must_fork();
    if (pid == 0)
      exit(i - 10);
    CHECK(wait(&status) == pid);
    CHECK(status == i - 10);
  }
}

// A grandchild goes on when the child has ended, and the kernel buries it.
static void test_orphan(void)
{
  int fd[2];
  CHECK(pipe(fd) == 0);
  if (must_fork() == 0) {
    if (must_fork() == 0) {
      sleep(2);
      write(fd[1], "x", 1);
      exit(0);
    }
    exit(0);
  }
  CHECK(wait(0) > 0);
  CHECK(wait(0) == -1);
  close(fd[1]);
  char c;
  CHECK(read(fd[0], &c, 1) == 1 && c == 'x');
  CHECK(read(fd[0], &c, 1) == 0);
}

static volatile int spinning = 1;

static int spin(void)
{
  while (spinning)
    ;
  return 0;
}

static int sleep_long(void)
{
  sleep(100000);
  return 0;
}

static int read_forever(void)
{
  int fd[2];
  char c;
  pipe(fd);
  read(fd[0], &c, 1);
  return 0;
}

// Kill ends a process that computes, one that sleeps and one that waits for a pipe.
static void test_kill(void)
{
  int (*const kinds[])(void) = {spin, sleep_long, read_forever};
  for (int i = 0; i < 3; i++) {
    int status, pid = must_fork();
    if (pid == 0)
      exit(kinds[i]());
    sleep(1);
    CHECK(kill(pid) == 0);
    CHECK(wait(&status) == pid);
    CHECK(status == -1);
    CHECK(kill(pid) == -1);
  }
}

// More processes that compute than harts: all get their share, and time goes on.
static void test_preemption(void)
{
  int pids[10];
  for (int i = 0; i < 10; i++)
    if ((pids[i] = must_fork()) == 0)
      spin();
  int start = uptime();
  sleep(3);
  CHECK(uptime() - start >= 3);
  for (int i = 0; i < 10; i++)
    CHECK(kill(pids[i]) == 0);
  for (int i = 0; i < 10; i++)
    CHECK(wait(0) > 0);
}

static void test_exec_arguments(void)
{
  int fd[2];
  CHECK(pipe(fd) == 0);
  if (must_fork() == 0) {
    close(1);
    dup(fd[1]);
    close(fd[0]);
    close(fd[1]);
    exec("/echo", (char *[]){"echo", "one", "", "three", 0});
    exit(1);
  }
  close(fd[1]);
  char line[32];
  CHECK(readline(fd[0], line, sizeof(line)) == 10);
  CHECK(strcmp(line, "one  three") == 0);
  close(fd[0]);
  int status;
  CHECK(wait(&status) > 0 && status == 0);
}

// An exec that fails returns, and the program still has its memory.
static void test_exec_failures(void)
{
  static char huge[PGSIZE];
  char *one[] = {"x", 0};
  char *many[MAXARG + 2];
  for (int i = 0; i < MAXARG + 1; i++)
    many[i] = "x";
  many[MAXARG + 1] = 0;
  memset(huge, 'x', sizeof(huge) - 1);
  char *large[] = {huge, huge, 0};

  CHECK(exec("/nothing", one) == -1);
  CHECK(exec("/README", one) == -1);
  CHECK(exec("/", one) == -1);
  CHECK(exec("/console", one) == -1);
  CHECK(exec("/echo", many) == -1);
  CHECK(exec("/echo", large) == -1);
  CHECK(huge[0] == 'x' && strcmp(one[0], "x") == 0);
}

// Program headers that ask for the impossible.
static void test_exec_hostile(void)
{
  static const struct { int offset; uint64 value; } edits[] = {
      {16, 0x3fffffe000},           // address: the trap frame
      {16, 0xfffffffffffff000},     // address: the end wraps around
      {16, 1},                      // address: not on a page boundary
      {40, 1L << 60},               // size in memory
      {40, 0},                      // size in memory: none, below the size in the file
      {32, 1L << 40},               // size in the file
      {8, 1L << 31},                // offset in the file
  };
  static char program[16384];
  int fd = open("/echo", O_RDONLY);
  int n = read(fd, program, sizeof(program));
  CHECK(n > 1000 && n < sizeof(program));
  close(fd);

  uint64 table = *(uint64 *)(program + 32);
  int header = table;
  while (*(uint *)(program + header) != 1)  // the first that is to be loaded
    header += 56;
  for (uint i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
    uint64 *field = (uint64 *)(program + header + edits[i].offset);
    uint64 good = *field;
    *field = edits[i].value;
    CHECK((fd = open("hostile", O_CREATE | O_TRUNC | O_WRONLY)) >= 0);
    CHECK(write(fd, program, n) == n);
    close(fd);
    *field = good;
    int status, pid = must_fork();
    if (pid == 0) {
      exec("hostile", (char *[]){"hostile", 0});
      exit(3);
    }
    CHECK(wait(&status) == pid);
    CHECK(status == 3 || status == -1);  // refused, or loaded as something that faults at once
  }
  CHECK(unlink("hostile") == 0);
}

static void test_sleep(void)
{
  int start = uptime();
  CHECK(sleep(0) == 0 && sleep(-1) == 0);
  CHECK(sleep(2) == 0);
  int slept = uptime() - start;
  CHECK(slept >= 2 && slept < 50);
}

const struct test process_tests[] = {
    {"fork", test_fork},
    {"fork-tree", test_fork_tree},
    {"wait", test_wait},
    {"orphan", test_orphan},
    {"kill", test_kill},
    {"preemption", test_preemption},
    {"exec-arguments", test_exec_arguments},
    {"exec-failures", test_exec_failures},
    {"exec-hostile", test_exec_hostile},
    {"sleep", test_sleep},
    {0},
};
