// Tests of files and directories.
#include "user/tests.h"

static char buf[4096];

// Writes n bytes of the pattern to a new file.
static void write_file(const char *name, int seed, int n)
{
  int fd = open(name, O_CREATE | O_TRUNC | O_WRONLY);
  CHECK(fd >= 0);
  for (int done = 0, part; done < n; done += part) {
    part = n - done < sizeof(buf) ? n - done : sizeof(buf);
    for (int i = 0; i < part; i++)
      buf[i] = pattern(seed, done + i);
    CHECK(write(fd, buf, part) == part);
  }
  CHECK(close(fd) == 0);
}

static void check_file(const char *name, int seed, int n)
{
  int fd = open(name, O_RDONLY), got = 0;
  CHECK(fd >= 0);
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.type == T_FILE && st.size == n && st.nlink == 1);
  for (int part; (part = read(fd, buf, 1000)) > 0; got += part)
    for (int i = 0; i < part; i++)
      CHECK(buf[i] == pattern(seed, got + i));
  CHECK(got == n);
  CHECK(close(fd) == 0);
}

static void test_file(void)
{
  int const sizes[] = {0, 1, BSIZE - 1, BSIZE, BSIZE + 1, NDIRECT * BSIZE, NDIRECT * BSIZE + 1, 50000};
  for (int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    write_file("f", i, sizes[i]);
    check_file("f", i, sizes[i]);
  }
  CHECK(unlink("f") == 0);
  CHECK(open("f", O_RDONLY) == -1);
  CHECK(unlink("f") == -1);
}

// The largest file, and not a byte more.
static void test_largest_file(void)
{
  write_file("large", 3, MAXFILE * BSIZE);
  check_file("large", 3, MAXFILE * BSIZE);
  int fd = open("large", O_RDWR);
  for (int i = 0; i < MAXFILE; i++)
    CHECK(read(fd, buf, BSIZE) == BSIZE);
  CHECK(write(fd, "x", 1) == -1);
  close(fd);
  CHECK(unlink("large") == 0);
}

static void test_truncate(void)
{
  write_file("t", 1, 3000);
  int fd = open("t", O_WRONLY | O_TRUNC);
  CHECK(write(fd, "ab", 2) == 2);
  close(fd);
  fd = open("t", O_RDONLY);
  CHECK(read(fd, buf, 100) == 2 && buf[0] == 'a' && buf[1] == 'b');
  CHECK(write(fd, "x", 1) == -1);
  close(fd);
  CHECK(unlink("t") == 0);
}

// A file that is open lives on without its name.
static void test_unlink_open(void)
{
  write_file("u", 2, 5000);
  int fd = open("u", O_RDONLY);
  CHECK(unlink("u") == 0);
  write_file("u", 4, 100);  // another file of the same name
  CHECK(read(fd, buf, 4000) == 4000);
  for (int i = 0; i < 4000; i++)
    CHECK(buf[i] == pattern(2, i));
  close(fd);
  check_file("u", 4, 100);
  CHECK(unlink("u") == 0);
}

static void test_directories(void)
{
  CHECK(mkdir("d") == 0);
  CHECK(mkdir("d") == -1);
  CHECK(mkdir("no/such") == -1);
  CHECK(open("d", O_RDWR) == -1 && open("d", O_CREATE | O_RDWR) == -1);
  write_file("d/f", 1, 10);
  CHECK(unlink("d") == -1);
  CHECK(mkdir("d/f/x") == -1 && open("d/f/x", O_RDONLY) == -1);

  CHECK(chdir("d") == 0);
  check_file("f", 1, 10);
  check_file("../d/./f", 1, 10);
  check_file("//d//f", 1, 10);
  CHECK(chdir("f") == -1 && chdir("nothing") == -1);
  CHECK(unlink(".") == -1 && unlink("..") == -1 && unlink("/") == -1);
  CHECK(unlink("f") == 0);
  CHECK(unlink("../d") == 0);  // the directory we are in
  CHECK(open("f", O_CREATE | O_RDWR) == -1);
  CHECK(mkdir("x") == -1);
  CHECK(chdir("/") == 0);
  CHECK(open("d", O_RDONLY) == -1);
}

// A directory of more than one block, with holes that are filled again.
static void test_many_names(void)
{
  enum { N = 40 };
  char name[] = "many/00";
  CHECK(mkdir("many") == 0);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < N; i++) {
      name[5] = '0' + i / 10;
      name[6] = '0' + i % 10;
      if (round == 0 || i % 2 == 0)
        write_file(name, i, i);
    }
    for (int i = 0; i < N; i++) {
      name[5] = '0' + i / 10;
      name[6] = '0' + i % 10;
      check_file(name, i, i);
      if (round == 1 || i % 2 == 0)
        CHECK(unlink(name) == 0);
    }
  }
  CHECK(unlink("many") == 0);
}

// Names as long as a directory entry, and longer: those are cut off.
static void test_long_names(void)
{
  char name[] = "abcdefghijklmnopqrstuvwxyz01234";
  write_file(name, 1, 5);
  name[DIRSIZ] = 0;
  check_file(name, 1, 5);
  name[DIRSIZ - 1] = 0;
  CHECK(open(name, O_RDONLY) == -1);
  name[DIRSIZ - 1] = '1';
  CHECK(unlink(name) == 0);

  char path[2 * MAXPATH];
  memset(path, '/', sizeof(path));
  path[sizeof(path) - 1] = 0;
  CHECK(open(path, O_RDONLY) == -1);
}

// Several processes make, fill, read and remove files at the same time, of different names and of the same one.
static void test_together(void)
{
  enum { WORKERS = 4 };
  for (int w = 0; w < WORKERS; w++) {
    if (must_fork() == 0) {
      char own[] = "own0";
      own[3] += w;
      for (int i = 0; i < 8; i++) {
        write_file(own, w * 10 + i, 3000 + 500 * i);
        int fd = open("common", O_CREATE | O_RDWR);
        if (fd >= 0)
          write(fd, own, 4), close(fd);
        check_file(own, w * 10 + i, 3000 + 500 * i);
        unlink("common");
        CHECK(unlink(own) == 0);
      }
      exit(0);
    }
  }
  for (int w = 0; w < WORKERS; w++) {
    int status;
    CHECK(wait(&status) > 0 && status == 0);
  }
  unlink("common");
}

// A full disk refuses, and what is removed can be used again.
static void test_full_disk(void)
{
  char name[] = "fullx";
  int files = 0, full = 0, blocks = 0;
  for (; !full; files++) {
    name[4] = 'a' + files;
    int fd = open(name, O_CREATE | O_TRUNC | O_WRONLY);
    CHECK(fd >= 0);
    int n = 0;
    while (n < MAXFILE && write(fd, buf, BSIZE) == BSIZE)
      n++;
    full = n < MAXFILE;
    blocks += n;
    close(fd);
  }
  CHECK(blocks > 2 * MAXFILE);
  CHECK(mkdir("fulldir") == -1);
  while (files-- > 0) {
    name[4] = 'a' + files;
    CHECK(unlink(name) == 0);
  }
  write_file("again", 1, MAXFILE * BSIZE);
  check_file("again", 1, MAXFILE * BSIZE);
  CHECK(unlink("again") == 0);
}

static void number_name(char name[5], int n)
{
  strcpy(name, "i000");
  name[1] += n / 100;
  name[2] += n / 10 % 10;
  name[3] += n % 10;
}

// The inodes run out before the blocks do, and come back.
static void test_all_inodes(void)
{
  char name[5];
  int made = 0, fd;
  for (;; made++) {
    number_name(name, made);
    if ((fd = open(name, O_CREATE | O_RDWR)) < 0)
      break;
    close(fd);
  }
  CHECK(made > 50);
  number_name(name, 0);
  CHECK(unlink(name) == 0);
  CHECK((fd = open(name, O_CREATE | O_RDWR)) >= 0);
  close(fd);
  for (int n = 0; n < made; n++) {
    number_name(name, n);
    CHECK(unlink(name) == 0);
  }
}

const struct test file_tests[] = {
    {"file", test_file},
    {"largest-file", test_largest_file, 1},
    {"truncate", test_truncate},
    {"unlink-open", test_unlink_open},
    {"directories", test_directories},
    {"many-names", test_many_names},
    {"long-names", test_long_names},
    {"together", test_together},
    {"full-disk", test_full_disk, 1},
    {"all-inodes", test_all_inodes, 1},
    {0},
};
