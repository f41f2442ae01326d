/* requests.c: a client that asks a server of HTTP/1.1 on this machine, one request after the other.
 *
 *   requests PORT N < PATHS     asks for each line's path in turn, N times in all, over connections that are kept
 *
 * Prints the body that each path got last, and to standard error "N answers" and the median time in microseconds.
 * Anything else than 200 ends it with a message. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATHS = 1000, LONGEST = 512, ANSWER = 4096 };

static char paths[PATHS][LONGEST], bodies[PATHS][ANSWER];

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int dial(int port)
{
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((unsigned short)port),
                           .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  int s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("connect");
    exit(1);
  }
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return s;
}

/* The body within a whole answer; NULL while there is more to come. */
static char *body_of(char *answer, size_t length)
{
  char *end = strstr(answer, "\r\n\r\n");
  char *size = end ? strcasestr(answer, "content-length:") : NULL;
  if (!size || size > end) return NULL;
  end += 4;
  return answer + length >= end + strtoul(size + 15, NULL, 10) ? end : NULL;
}

/* Whether there is an answer; a connection that the server has closed gives none. */
static int ask(int s, const char *path, char *answer, char **body)
{
  char request[LONGEST + 64];
  int count = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
  if (send(s, request, (size_t)count, MSG_NOSIGNAL) != count) return 0;
  size_t length = 0;
  for (*body = NULL; !*body;) {
    ssize_t more = recv(s, answer + length, ANSWER - 1 - length, 0);
    if (more <= 0) return 0;
    answer[length += (size_t)more] = 0;
    *body = body_of(answer, length);
  }
  return 1;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments)
{
  if (count != 3) return 2;
  int port = atoi(arguments[1]), lines = 0;
  size_t wanted = strtoul(arguments[2], NULL, 10);
  while (lines < PATHS && fgets(paths[lines], LONGEST, stdin))
    paths[lines][strcspn(paths[lines], "\n")] = 0, lines++;
  double *times = calloc(wanted, sizeof *times);
  if (!times || lines == 0) return 2;
  int s = dial(port);
  for (size_t i = 0; i < wanted; i++) {
    static char answer[ANSWER];
    size_t line = i % (size_t)lines;
    char *body;
    double begin = now();
    if (!ask(s, paths[line], answer, &body)) {
      close(s);
      if (!ask(s = dial(port), paths[line], answer, &body)) {
        fprintf(stderr, "no answer to request %zu\n", i);
        return 1;
      }
    }
    times[i] = now() - begin;
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
      fprintf(stderr, "request %zu: %s\n", i, answer);
      return 1;
    }
    strcpy(bodies[line], body);
  }
  close(s);
  for (int i = 0; i < lines; i++) fputs(bodies[i], stdout);
  qsort(times, wanted, sizeof *times, ascending);
  fprintf(stderr, "%zu answers, median %.0f us\n", wanted, wanted ? times[wanted / 2] : 0.);
  free(times);
  return 0;
}
