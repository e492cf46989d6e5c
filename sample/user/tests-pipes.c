// Tests of pipes and file descriptors.
#include "user/tests.h"

// More than a pipe holds, in odd pieces: every byte arrives, in order, and then the end.
static void test_pipe(void)
{
  enum { TOTAL = 20000 };
  static char buf[1033];
  int fd[2];
  CHECK(pipe(fd) == 0);
  int pid = must_fork();
  if (pid == 0) {
    close(fd[0]);
    for (int sent = 0; sent < TOTAL;) {
      int n = TOTAL - sent < sizeof(buf) ? TOTAL - sent : sizeof(buf);
      for (int i = 0; i < n; i++)
        buf[i] = pattern(1, sent + i);
      CHECK(write(fd[1], buf, n) == n);
      sent += n;
    }
    exit(0);
  }
  close(fd[1]);
  int got = 0;
  for (int n, ask = 1; (n = read(fd[0], buf, ask)) > 0; got += n, ask = ask * 3 % 1000 + 1)
    for (int i = 0; i < n; i++)
      CHECK(buf[i] == pattern(1, got + i));
  CHECK(got == TOTAL);
  int status;
  CHECK(wait(&status) == pid && status == 0);
}

// Nobody reads any more: a write fails, also one that waits already.
static void test_pipe_without_reader(void)
{
  int fd[2];
  CHECK(pipe(fd) == 0);
  int pid = must_fork();
  if (pid == 0) {
    static char large[2000];
    close(fd[0]);
    exit(write(fd[1], large, sizeof(large)) == -1 ? 5 : 6);
  }
  sleep(1);
  close(fd[0]);
  int status;
  CHECK(wait(&status) == pid && status == 5);
  CHECK(write(fd[1], "x", 1) == -1);
}

// Each end does one thing only, and a closed descriptor nothing.
static void test_pipe_ends(void)
{
  int fd[2];
  char c;
  CHECK(pipe(fd) == 0);
  CHECK(write(fd[0], "x", 1) == -1);
  CHECK(read(fd[1], &c, 1) == -1);
  CHECK(write(fd[1], "x", 1) == 1);
  close(fd[1]);
  CHECK(read(fd[0], &c, 1) == 1 && c == 'x');
  CHECK(read(fd[0], &c, 1) == 0);
  close(fd[0]);
  CHECK(read(fd[0], &c, 1) == -1);
  CHECK(close(fd[0]) == -1);
}

static void test_descriptors(void)
{
  int first = dup(0), last = first;
  CHECK(first > 2);
  for (int fd; (fd = dup(0)) >= 0; last = fd)
    CHECK(fd == last + 1);
  CHECK(last == NOFILE - 1);
  int ends[2];
  CHECK(pipe(ends) == -1);
  CHECK(open("/README", O_RDONLY) == -1);
  close(last);
  CHECK(pipe(ends) == -1);  // room for one end only
  CHECK(open("/README", O_RDONLY) == last);
  for (int fd = first; fd <= last; fd++)
    CHECK(close(fd) == 0);

  char c;
  struct stat st;
  int const bad[] = {-1, NOFILE, 1000000, -0x7fffffff, first};
  for (uint i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    CHECK(read(bad[i], &c, 1) == -1 && write(bad[i], &c, 1) == -1);
    CHECK(close(bad[i]) == -1 && dup(bad[i]) == -1 && fstat(bad[i], &st) == -1);
  }
}

// dup and fork share the place in the file, two opens do not.
static void test_shared_offset(void)
{
  char a, b, c, d;
  int fd = open("/README", O_RDONLY), same = dup(fd), other = open("/README", O_RDONLY);
  CHECK(read(fd, &a, 1) == 1 && read(same, &b, 1) == 1);
  if (must_fork() == 0) {
    read(fd, &c, 1);
    exit(0);
  }
  wait(0);
  CHECK(read(same, &d, 1) == 1);
  char all[4];
  CHECK(read(other, all, 4) == 4);
  CHECK(all[0] == a && all[1] == b && all[3] == d);
}

const struct test pipe_tests[] = {
    {"pipe", test_pipe},
    {"pipe-without-reader", test_pipe_without_reader},
    {"pipe-ends", test_pipe_ends},
    {"descriptors", test_descriptors},
    {"shared-offset", test_shared_offset},
    {0},
};
