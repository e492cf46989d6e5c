// What user programs may call: the system calls (usys.S) and a small library (ulib.c, printf.c).
#pragma once

#include "kernel/types.h"

struct stat;

// System calls. Those that return int give -1 when they fail.
int fork(void);
void exit(int status) __attribute__((noreturn));
int wait(int *status);
int pipe(int fd[2]);
int read(int fd, void *buf, int n);
int write(int fd, const void *buf, int n);
int close(int fd);
int kill(int pid);
int exec(const char *path, char **argv);
int open(const char *path, int mode);
int unlink(const char *path);
int fstat(int fd, struct stat *st);
int mkdir(const char *path);
int chdir(const char *path);
int dup(int fd);
int getpid(void);
char *sbrk(int n);     // the old end of memory, (char *)-1 on failure
int sleep(int ticks);  // a tenth of a second each
int uptime(void);

// ulib.c
int strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strcpy(char *dst, const char *src);
char *strchr(const char *s, char c);
void *memset(void *dst, int c, uint64 n);
void *memcpy(void *dst, const void *src, uint64 n);
int memcmp(const void *a, const void *b, uint64 n);
int atoi(const char *s);
int readline(int fd, char *buf, int max);

// printf.c: %d %u %x %ld %lx %p %s %c %%
void fprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
