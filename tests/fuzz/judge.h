#ifndef TESTS_FUZZ_JUDGE_H
#define TESTS_FUZZ_JUDGE_H

/* simdjson's word on a document: the independent judge of the JSON target. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum judge_verdict {
    JUDGE_OBJECT,  /* valid JSON, an object */
    JUDGE_OTHER,   /* valid JSON, no object */
    JUDGE_INVALID, /* not JSON */
    JUDGE_NUMBER,  /* a number it cannot hold, or a broken one: it does not say which */
};

/* ret_text, ret_len: the text of member "a" if it is a string, NULL if not; borrowed until the
 * next call. */
enum judge_verdict
judge_document(const uint8_t *document, size_t len, const char **ret_text, size_t *ret_len);

#ifdef __cplusplus
}
#endif

#endif
