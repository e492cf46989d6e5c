// The first program. Opens the console, keeps a shell running, and waits for processes whose parents are gone.
#include "kernel/fcntl.h"
#include "user/user.h"

static void start_shell(void)
{
  char *argv[] = {"sh", 0};
  exec("/sh", argv);
  printf("init: cannot run sh\n");
  sleep(10);  // init will try again: not too often
  exit(1);
}

int main(void)
{
  open("/console", O_RDWR);  // becomes 0, standard input
  dup(0);                    // 1, standard output
  dup(0);                    // 2, standard error

  for (;;) {
    printf("init: starting sh\n");
    int shell = fork();
    if (shell < 0) {
      printf("init: cannot fork\n");
      exit(1);
    }
    if (shell == 0)
      start_shell();

    int pid;
    do {
      pid = wait(0);
    } while (pid != shell && pid >= 0);
  }
}
