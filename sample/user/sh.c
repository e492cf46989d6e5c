// The shell.
//
//   list      pipeline { (';' | '&') pipeline }      & does not wait for the pipeline before it
//   pipeline  command { '|' command }
//   command   word { word | '<' word | '>' word }
//
// A line is split in place: each word gets a zero at its end, and nothing needs to be allocated.
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "user/user.h"

#define MAXPIPE 8  // commands of a pipeline

struct command {
  char *argv[MAXARG + 1];
  int argc;
  char *input;   // file names, or 0
  char *output;
};

static char *at;    // the rest of the line
static char found;  // the special character that ended the last word: a zero is in its place now

#define SPACE " \t\r\n"
#define SPECIAL "|<>;&"

static int is_in(char c, const char *set)
{
  return c != 0 && strchr(set, c) != 0;
}

// The next character that is no space, without going past it.
static char peek(void)
{
  if (found)
    return found;
  while (is_in(*at, SPACE))
    at++;
  return *at;
}

// Goes past one special character.
static char next_special(void)
{
  char c = peek();
  if (!found)
    at++;
  found = 0;
  return c;
}

// The next word, or 0 if a special character or the end of the line comes first.
static char *word(void)
{
  char c = peek();
  if (c == 0 || is_in(c, SPECIAL))
    return 0;
  char *start = at;
  while (*at && !is_in(*at, SPACE) && !is_in(*at, SPECIAL))
    at++;
  if (is_in(*at, SPECIAL))
    found = *at;
  if (*at)
    *at++ = 0;
  return start;
}

// Reads one command. 0, or -1 after a message.
static int parse(struct command *cmd)
{
  memset(cmd, 0, sizeof(*cmd));
  for (;;) {
    char c = peek();
    if (c == '<' || c == '>') {
      next_special();
      char *file = word();
      if (file == 0) {
        fprintf(2, "sh: a file name must follow %c\n", c);
        return -1;
      }
      *(c == '<' ? &cmd->input : &cmd->output) = file;
      continue;
    }
    char *w = word();
    if (w == 0)
      break;
    if (cmd->argc == MAXARG) {
      fprintf(2, "sh: more than %d arguments\n", MAXARG);
      return -1;
    }
    cmd->argv[cmd->argc++] = w;
  }
  if (cmd->argc == 0) {
    fprintf(2, "sh: a command is missing\n");
    return -1;
  }
  return 0;
}

// Makes `fd` mean the file.
static void redirect(int fd, const char *file, int mode)
{
  close(fd);
  if (open(file, mode) != fd) {  // open takes the lowest free descriptor
    fprintf(2, "sh: cannot open %s\n", file);
    exit(1);
  }
}

// In the child: becomes the command. Programs without a slash in their name are those of the root directory.
static void run(struct command *cmd)
{
  if (cmd->input)
    redirect(0, cmd->input, O_RDONLY);
  if (cmd->output)
    redirect(1, cmd->output, O_WRONLY | O_CREATE | O_TRUNC);

  char path[MAXPATH] = "/";
  char *name = cmd->argv[0];
  if (strchr(name, '/') == 0 && strlen(name) < MAXPATH - 1) {
    strcpy(path + 1, name);
    exec(path, cmd->argv);
  } else {
    exec(name, cmd->argv);
  }
  fprintf(2, "sh: cannot run %s\n", name);
  exit(1);
}

// The shell itself must do these: a child could only change its own directory.
static int builtin(struct command *cmd)
{
  if (strcmp(cmd->argv[0], "cd") == 0) {
    char *dir = cmd->argc > 1 ? cmd->argv[1] : "/";
    if (chdir(dir) < 0)
      fprintf(2, "sh: cannot change to %s\n", dir);
    return 1;
  }
  if (strcmp(cmd->argv[0], "exit") == 0)
    exit(cmd->argc > 1 ? atoi(cmd->argv[1]) : 0);
  return 0;
}

// Replaces descriptor `to` by `from`.
static void move(int from, int to)
{
  if (from == to)
    return;
  close(to);
  dup(from);
  close(from);
}

// Starts the commands of one pipeline, each in a child. Their number, and their pids in `children`; after a message
// *bad is set: the rest of the line cannot be trusted.
static int pipeline(int children[MAXPIPE], int *bad)
{
  int n = 0;
  int input = -1;  // the end to read from of the pipe before, if any
  for (;;) {
    struct command cmd;
    int next[2];
    *bad = parse(&cmd) < 0;
    int more = !*bad && peek() == '|';
    if (more && (n == MAXPIPE - 1 || pipe(next) < 0)) {
      fprintf(2, "sh: the pipeline is too long\n");
      *bad = 1;
    }
    if (*bad || (!more && input < 0 && builtin(&cmd)))
      break;

    int pid = fork();
    if (pid == 0) {
      if (input >= 0)
        move(input, 0);
      if (more) {
        close(next[0]);
        move(next[1], 1);
      }
      run(&cmd);
    }
    if (pid < 0)
      fprintf(2, "sh: cannot fork\n");
    else
      children[n++] = pid;

    // A pipe ends when nobody holds its writing end: the shell must not.
    if (input >= 0)
      close(input);
    input = -1;
    if (!more)
      break;
    close(next[1]);
    input = next[0];
    next_special();
  }
  if (input >= 0)
    close(input);
  return n;
}

// Waits for n children, and for any that ended in the background meanwhile.
static void wait_for(int *children, int n)
{
  for (int left = n; left > 0;) {
    int pid = wait(0);
    if (pid < 0)
      return;
    for (int i = 0; i < n; i++)
      left -= children[i] == pid;
  }
}

static void run_line(char *line)
{
  at = line;
  found = 0;
  while (peek()) {
    int children[MAXPIPE], bad;
    int n = pipeline(children, &bad);
    char end = bad ? 0 : peek();
    if (end)
      next_special();  // ';' or '&': nothing else ends a pipeline
    if (end != '&')
      wait_for(children, n);
    if (bad)
      return;
  }
}

int main(void)
{
  static char line[256];
  for (;;) {
    fprintf(2, "$ ");
    if (readline(0, line, sizeof(line)) < 0)
      exit(0);
    run_line(line);
  }
}
