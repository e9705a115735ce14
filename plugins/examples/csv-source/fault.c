#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

bool fault_set(fault *into, const char *kind, const char *advice, const char *format, ...)
{
    va_list arguments;

    into->kind = kind;
    into->advice = advice;
    va_start(arguments, format);
    if (vsnprintf(into->message, sizeof(into->message), format, arguments) < 0) into->message[0] = '\0';
    va_end(arguments);
    return false;
}

const char *system_text(int number, char *text, size_t room)
{
    /* strerror belongs to one thread. */
    if (strerror_r(number, text, room) != 0) snprintf(text, room, "error %d", number);
    return text;
}

static bool is_worth_another_try(const char *kind)
{
    return strcmp(kind, KIND_INCOMPLETE) == 0 || strcmp(kind, KIND_INTERRUPTED) == 0 || strcmp(kind, KIND_PROTOCOL) == 0;
}

void fault_write(const fault *from, bytes *to)
{
    bytes_string(to, "{\"kind\":");
    json_write_text(to, from->kind, strlen(from->kind));
    bytes_string(to, is_worth_another_try(from->kind) ? ",\"directive\":\"next_run\"" : ",\"directive\":\"stop\"");
    bytes_string(to, ",\"message\":");
    json_write_text(to, from->message, strlen(from->message));
    bytes_string(to, ",\"advice\":");
    json_write_text(to, from->advice, strlen(from->advice));
    bytes_string(to, "}");
}
