/* Runs a fuzz target without a fuzzing engine: `driver SEED COUNT FILE...` mutates the files, the
 * same way every time, and feeds the target the originals, all their beginnings and COUNT mutants
 * of each. With clang, -fsanitize=fuzzer takes this file's place. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(void)
{
  uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static size_t below(size_t n)
{
  return (size_t)(next() % n);
}

/* One change: a byte, a bit, a telling character, a piece cut out, doubled or moved. */
static size_t mutate(uint8_t *data, size_t size)
{
  static const char telling[] = "\"',;\t |\r\n\0{}()[]:-+.eE019LTFnaif\xEF\xFF\x80";
  if (size == 0) return size;
  size_t at = below(size), length = 1 + below(size - at < 16 ? size - at : 16);
  switch (below(6)) {
  case 0:
    data[at] = (uint8_t)next();
    break;
  case 1:
    data[at] ^= (uint8_t)(1u << below(8));
    break;
  case 2:
    data[at] = (uint8_t)telling[below(sizeof telling)];
    break;
  case 3:
    memmove(data + at, data + at + length, size - at - length);
    size -= length;
    break;
  case 4:
    if (size + length > MOST) break;
    memmove(data + at + length, data + at, size - at);
    size += length;
    break;
  default:
    memmove(data + below(size - length + 1), data + at, length);
  }
  return size;
}

static void feed(const uint8_t *data, size_t size)
{
  uint8_t *exact = malloc(size ? size : 1); /* so that the sanitizer sees a byte too far */
  if (!exact) exit(2);
  memcpy(exact, data, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

int main(int count, char **arguments)
{
  static uint8_t original[MOST], data[MOST];
  if (count < 4) return 2;
  state = strtoull(arguments[1], NULL, 10);
  long mutants = strtol(arguments[2], NULL, 10);
  for (int k = 3; k < count; k++) {
    FILE *file = fopen(arguments[k], "rb");
    if (!file) return 2;
    size_t size = fread(original, 1, MOST, file);
    fclose(file);
    for (size_t n = 0; n <= size; n++) feed(original, n);
    for (long m = 0; m < mutants; m++) {
      size_t n = size;
      memcpy(data, original, size);
      for (size_t changes = 1 + below(4); changes > 0; changes--) n = mutate(data, n);
      feed(data, n);
    }
  }
  return 0;
}
