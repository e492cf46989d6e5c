// forktest: forks until the kernel can make no more processes, and sees that each child can be waited for.
#include "kernel/param.h"
#include "user/user.h"

int main(void)
{
  int made = 0;
  for (; made < 2 * NPROC; made++) {
    int pid = fork();
    if (pid < 0)
      break;
    if (pid == 0)
      exit(0);
  }
  printf("forktest: %d children\n", made);
  if (made == 2 * NPROC) {
    printf("forktest: the kernel ran out of nothing, though it has room for only %d processes\n", NPROC);
    return 1;
  }

  for (int i = 0; i < made; i++) {
    if (wait(0) < 0) {
      printf("forktest: only %d children ended\n", i);
      return 1;
    }
  }
  if (wait(0) >= 0) {
    printf("forktest: one child too many\n");
    return 1;
  }
  printf("forktest: OK\n");
  return 0;
}
