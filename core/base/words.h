/* words.h: which known word someone has meant who wrote another. */
#ifndef LAT_BASE_WORDS_H
#define LAT_BASE_WORDS_H

#include <stddef.h>

/* The edit distance of words of fewer than 64 letters (of others 64): insertions, deletions,
 * replacements, and exchanges of neighbours (Damerau, Communications of the ACM 7, 1964), each
 * letter edited once. */
size_t lat_word_distance(const char *a, const char *b);
/* The distance of what someone wrote from a word that there is: 1 for its beginning, of three
 * letters or more. */
size_t lat_words_apart(const char *word, const char *known);
/* From this distance on another word is no longer near: one slip in a short word, two from seven
 * letters on, and another for every four; 0, for long words, to which nothing is. */
size_t lat_word_reach(const char *word);
/* The word of the list (ended by NULL) nearest to it, or NULL. One that begins with the same two
 * letters as a word of four or more may be one slip further off ("alfa", "alpha"). */
const char *lat_nearest_word(const char *word, const char *const *words);

#endif
