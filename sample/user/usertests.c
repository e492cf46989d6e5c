// usertests: tests the kernel through its system calls.
//
//   usertests            all tests
//   usertests -q         all but the slow ones
//   usertests name ...   these
#include "user/tests.h"

static const struct test *const groups[] = {process_tests, memory_tests, pipe_tests, file_tests};

int must_fork(void)
{
  int pid = fork();
  CHECK(pid >= 0);
  return pid;
}

int in_child(int (*function)(void))
{
  int status, pid = must_fork();
  if (pid == 0)
    exit(function());
  CHECK(wait(&status) == pid);
  return status;
}

char pattern(int seed, int position)
{
  return seed * 31 + position * 7 + position / 251;
}

// How many pages a process can get. All of them are free again afterwards, if the kernel loses none.
static int count_free_pages(void)
{
  int fd[2], go[2], pages = -1;
  CHECK(pipe(fd) == 0 && pipe(go) == 0);
  int pid = must_fork();
  if (pid == 0) {
    // A kernel that copies on write must be able to copy the parent's pages as long as there are free ones.
    read(go[0], &pages, 1);
    for (pages = 0; sbrk(PGSIZE) != (char *)-1; pages++)
      ;
    write(fd[1], &pages, sizeof(pages));
    exit(0);
  }
  close(fd[1]);
  CHECK(write(go[1], "!", 1) == 1);
  CHECK(read(fd[0], &pages, sizeof(pages)) == sizeof(pages));
  close(fd[0]);
  close(go[0]);
  close(go[1]);
  wait(0);
  return pages;
}

static int run(const struct test *test)
{
  printf("test %s: ", test->name);
  int status = -1, pid = fork();
  if (pid == 0) {
    test->run();
    exit(0);
  }
  if (pid < 0 || wait(&status) != pid)
    status = -1;
  printf(status == 0 ? "OK\n" : "FAILED\n");
  return status == 0;
}

static int is_chosen(const struct test *test, int argc, char **argv, int quick)
{
  if (argc < 2 || quick)
    return !(quick && test->slow);
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], test->name) == 0)
      return 1;
  return 0;
}

int main(int argc, char **argv)
{
  int quick = argc == 2 && strcmp(argv[1], "-q") == 0;
  int ran = 0, failed = 0;
  int before = count_free_pages();

  for (uint g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
    for (const struct test *test = groups[g]; test->name; test++) {
      if (!is_chosen(test, argc, argv, quick))
        continue;
      ran++;
      failed += !run(test);
    }
  }

  int after = count_free_pages();
  if (after < before) {
    printf("the kernel lost %d pages\n", before - after);
    failed++;
  }
  if (ran == 0) {
    printf("usertests: no such test\n");
    return 2;
  }
  if (failed)
    printf("SOME TESTS FAILED\n");
  else
    printf("ALL TESTS PASSED\n");
  return failed != 0;
}
