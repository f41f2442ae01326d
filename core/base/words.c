/* words.c: the edit distance of words, by dynamic programming over their letters, a row of the
 * table at a time, of which it needs the last two (words.h). */
#include "base/words.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t least_of(size_t a, size_t b)
{
  return a < b ? a : b;
}

size_t lat_word_distance(const char *a, const char *b)
{
  size_t rows[3][LONGEST + 1], n = strlen(a), m = strlen(b);
  if (n >= LONGEST || m >= LONGEST) return LONGEST;
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = j;
  for (size_t i = 1; i <= n; i++) {
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = least_of(replaced, least_of(last[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = least_of(row[j], before[j - 2] + 1);
    }
    size_t *free_row = before;
    before = last, last = row, row = free_row;
  }
  return last[m];
}

size_t lat_word_reach(const char *word)
{
  size_t n = strlen(word);
  if (n >= LONGEST) return 0;
  return n < 7 ? 2 : (n + 1) / 4 + 1;
}

size_t lat_words_apart(const char *word, const char *known)
{
  size_t n = strlen(word);
  return n > 2 && strncmp(word, known, n) == 0 ? 1 : lat_word_distance(word, known);
}

const char *lat_nearest_word(const char *word, const char *const *words)
{
  const char *nearest = NULL;
  size_t least = lat_word_reach(word);
  for (; *words; words++) {
    size_t distance = lat_words_apart(word, *words);
    bool alike = strlen(word) > 3 && strncmp(word, *words, 2) == 0; /* "alfa", "alpha" */
    if (distance < least + (alike && !nearest)) least = distance, nearest = *words;
  }
  return nearest;
}
