// kill: ends processes, by their numbers. Ctrl-P lists them.
#include "user/user.h"

int main(int argc, char **argv)
{
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    if (kill(atoi(argv[i])) < 0) {
      fprintf(2, "kill: no process %s\n", argv[i]);
      failed = 1;
    }
  }
  return failed;
}
