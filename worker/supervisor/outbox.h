#ifndef WORKER_SUPERVISOR_OUTBOX_H
#define WORKER_SUPERVISOR_OUTBOX_H

/*
 * What a replica has to say in words, kept until PostgreSQL took it: the reason it waits for, the
 * failure that needs a person, events. Texts from a child are untrusted: they are made valid UTF-8,
 * codes and severities are checked. Bounded: the oldest event goes when there are too many.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/runtime.h"

#include "worker/protocol/protocol.h"

enum {
    OUTBOX_EVENTS_MAX = 32
};

struct outbox_event {
    char type[PROTOCOL_EVENT_NAME_BYTES];
    char severity[PROTOCOL_EVENT_NAME_BYTES];
    char text[PROTOCOL_EVENT_TEXT_BYTES];
    char details[PROTOCOL_EVENT_TEXT_BYTES]; /* a JSON object or empty */
};

struct outbox_note {
    bool is_pending;
    char code[PROTOCOL_EVENT_NAME_BYTES]; /* a pipe reason; "" = all well again */
    char text[PROTOCOL_EVENT_TEXT_BYTES];
};

struct outbox {
    struct outbox_note reason;
    struct outbox_note failure;
    struct outbox_event *events; /* owned; OUTBOX_EVENTS_MAX or NULL */
    size_t events_count;
    size_t dropped_count; /* events that were never stored */
};

void outbox_init(struct outbox *outbox);
void outbox_done(struct outbox *outbox);

/* Say what the pipe waits for; code "" = nothing any more. The last one counts. */
void outbox_set_reason(struct outbox *outbox, const char *code, const char *text);

/* Say that the pipe needs a person. The first one counts. */
void outbox_set_failure(struct outbox *outbox, const char *code, const char *text);

/* Queue an event (an outbox_event's members; longer texts are cut). */
void outbox_add_event(
    struct outbox *outbox, const char *type, const char *severity, const char *text,
    const char *details);

/* Take a checked message of a child: "reason", "failed" or an event. */
void outbox_take_message(struct outbox *outbox, const struct protocol_event *message);

/* Store what is pending. What PostgreSQL refuses for good is dropped (counted), what may work later
 * stays. ST_OK, or the status of a failure that may pass: try again later. */
enum status outbox_flush(
    struct outbox *outbox, struct store *store, const char *owner, const struct lease *lease,
    struct err *err) MUST_CHECK;

bool outbox_is_empty(const struct outbox *outbox);

/* Copy text and make it valid UTF-8 without control characters: other bytes become '?', a
 * character cut at the end goes. */
void outbox_clean_text(const char *text, char *ret_text, size_t size_bytes);

#endif
