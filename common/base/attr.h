#ifndef COMMON_BASE_ATTR_H
#define COMMON_BASE_ATTR_H

/*
 * Compiler attributes used everywhere. CLEANUP(f) calls f with the address of the variable when
 * its scope ends; a function for it is named <type>_freep or <type>_donep.
 */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define CLEANUP(f) __attribute__((cleanup(f)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Free what the pointer points to, for CLEANUP on memory from malloc. NULL is fine. */
void freep(void *pointer_to_pointer);

/* Close the descriptor unless it is negative, for CLEANUP. */
void closep(const int *fd);

#endif
