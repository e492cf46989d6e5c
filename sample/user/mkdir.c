// mkdir: makes directories.
#include "user/user.h"

int main(int argc, char **argv)
{
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    if (mkdir(argv[i]) < 0) {
      fprintf(2, "mkdir: cannot make %s\n", argv[i]);
      failed = 1;
    }
  }
  return failed;
}
