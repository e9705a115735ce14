/* What went wrong, until it is written as the boundary's error. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

#include "bytes.h"

#if defined(__GNUC__)
#define LIKE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define LIKE_PRINTF(text, first)
#endif

/* The words of the boundary that are needed here. */
#define KIND_CONFIG "config"
#define KIND_SCHEMA "schema"
#define KIND_DATA "data"
#define KIND_INCOMPLETE "incomplete"
#define KIND_PROTOCOL "protocol"
#define KIND_INTERRUPTED "interrupted"
#define KIND_IO "io"
#define KIND_INTERNAL "internal"

typedef struct fault {
    const char *kind;
    const char *advice;
    char message[2048]; /* more than the 500 characters that the host shows */
} fault;

/* FAIL(&fault, KIND_…, advice, message as of printf…): false, for the function to return. Never a value of a row. */
#define FAIL(into, kind, advice, ...) fault_set((into), (kind), (advice), __VA_ARGS__)
/* A fault of the host or of this plugin. */
#define FAIL_INTERNAL(into, ...) FAIL(into, KIND_INTERNAL, "report it with the log of this run", __VA_ARGS__)
/* The machine gave no memory. */
#define FAIL_MEMORY(into) FAIL(into, KIND_IO, NO_MEMORY_ADVICE, NO_MEMORY)
#define NO_MEMORY "the machine has no memory left for the plugin"
#define NO_MEMORY_ADVICE "end other programs, or read smaller files"

/* false. */
bool fault_set(fault *into, const char *kind, const char *advice, const char *format, ...) LIKE_PRINTF(4, 5);

/* What the operating system says of an errno, in `text`. */
const char *system_text(int number, char *text, size_t room);

/* As the output beside CSC_ERROR. */
void fault_write(const fault *from, bytes *to);

#endif
