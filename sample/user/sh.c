// The shell.
//
//   list      pipeline { (';' | '&') pipeline }      & does not wait for the pipeline before it
//   pipeline  command { '|' command }
//   command   word { word | '<' word | '>' word }
//
// A line is cut up where it stands: each word gets a zero at its end, and nothing needs to be allocated.
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "user/user.h"

struct command {
  char *argv[MAXARG + 1];
  int argc;
  char *input;   // file names, or 0
  char *output;
};

static char *at;    // the rest of the line
static char found;  // the special character that ended the last word, put back here since a zero stands in its place

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

// Starts the commands of one pipeline, each in a child, and counts them. -1 after a message: the line is bad.
static int pipeline(int *children)
{
  int input = -1;  // the end to read from of the pipe before, if any
  for (;;) {
    struct command cmd;
    int next[2] = {-1, -1};
    if (parse(&cmd) < 0) {
      if (input >= 0)
        close(input);
      return -1;
    }
    int more = peek() == '|';
    if (!more && input < 0 && builtin(&cmd))
      return 0;
    if (more && pipe(next) < 0) {
      fprintf(2, "sh: no pipe\n");
      return -1;
    }

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
      ++*children;

    // A pipe ends when nobody holds its writing end: the shell must not.
    if (input >= 0)
      close(input);
    if (!more)
      return 0;
    close(next[1]);
    input = next[0];
    next_special();
  }
}

static void run_line(char *line)
{
  at = line;
  found = 0;
  while (peek()) {
    int children = 0;
    int result = pipeline(&children);
    char end = result < 0 ? 0 : peek();
    if (end == ';' || end == '&')
      next_special();
    if (end != '&')
      while (children-- > 0 && wait(0) >= 0)
        ;
    if (end == 0)
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
