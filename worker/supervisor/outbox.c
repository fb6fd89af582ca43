/* Reasons, failures and events of a replica on their way to PostgreSQL. */
#include "worker/supervisor/outbox.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/pipe_state.h"
#include "common/store/guarantees.h"
#include "common/store/pipes.h"

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){0};
}

void outbox_done(struct outbox *outbox)
{
    free(outbox->events);
    outbox_init(outbox);
}

/* Bytes of the UTF-8 character at text (RFC 3629: shortest form, no surrogates), 0 if it is none.
 */
static size_t character_bytes(const unsigned char *text)
{
    const unsigned char c = text[0];
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }
    const size_t len_bytes = c < 0xe0 ? 2 : (c < 0xf0 ? 3 : 4);
    for (size_t i = 1; i < len_bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) { /* the zero byte at the end stops here, too */
            return 0;
        }
    }
    const bool is_bad = (c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) ||
                        (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f);
    return is_bad ? 0 : len_bytes;
}

void outbox_clean_text(const char *text, char *ret_text, size_t size_bytes)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t used_bytes = 0;
    while (*from != '\0') {
        size_t len_bytes = character_bytes(from);
        const bool is_plain = len_bytes > 1 || (len_bytes == 1 && *from >= 0x20 && *from != 0x7f);
        if (used_bytes + (is_plain ? len_bytes : 1) >= size_bytes) {
            break;
        }
        if (is_plain) {
            memcpy(ret_text + used_bytes, from, len_bytes);
            used_bytes += len_bytes;
            from += len_bytes;
            continue;
        }
        /* The bytes of a character that was cut at the end of the text vanish. */
        const size_t rest_bytes = strlen((const char *)from);
        if (*from >= 0xc2 && rest_bytes < 4) {
            break;
        }
        ret_text[used_bytes++] = len_bytes == 1 ? ' ' : '?';
        from++;
    }
    ret_text[used_bytes] = '\0';
}

static void note_set(struct outbox_note *note, const char *code, const char *text)
{
    note->is_pending = true;
    /* An unknown code becomes INTERNAL, so that nothing else reaches the summary. */
    outbox_clean_text(
        pipe_reason_text(pipe_reason_from_text(code)), note->code, sizeof(note->code));
    outbox_clean_text(text, note->text, sizeof(note->text));
}

void outbox_set_reason(struct outbox *outbox, const char *code, const char *text)
{
    note_set(&outbox->reason, code, text);
}

void outbox_set_failure(struct outbox *outbox, const char *code, const char *text)
{
    if (!outbox->failure.is_pending) {
        note_set(&outbox->failure, code[0] == '\0' ? "INTERNAL" : code, text);
    }
}

static void drop_first_event(struct outbox *outbox)
{
    outbox->events_count--;
    memmove(outbox->events, outbox->events + 1, outbox->events_count * sizeof(*outbox->events));
}

void outbox_add_event(
    struct outbox *outbox, const char *type, const char *severity, const char *text,
    const char *details)
{
    if (outbox->events == NULL) {
        outbox->events = calloc(OUTBOX_EVENTS_MAX, sizeof(*outbox->events));
    }
    if (outbox->events == NULL) {
        outbox->dropped_count++;
        return;
    }
    if (outbox->events_count == OUTBOX_EVENTS_MAX) {
        drop_first_event(outbox);
        outbox->dropped_count++;
    }
    struct outbox_event *event = &outbox->events[outbox->events_count++];
    const bool is_known = strcmp(severity, "warning") == 0 || strcmp(severity, "critical") == 0;
    outbox_clean_text(type, event->type, sizeof(event->type));
    outbox_clean_text(is_known ? severity : "info", event->severity, sizeof(event->severity));
    outbox_clean_text(text, event->text, sizeof(event->text));
    outbox_clean_text(details, event->details, sizeof(event->details));
}

void outbox_take_message(struct outbox *outbox, const struct protocol_event *message)
{
    if (strcmp(message->event, "reason") == 0) {
        outbox_set_reason(outbox, message->name, message->text);
    } else if (strcmp(message->event, "failed") == 0) {
        outbox_set_failure(outbox, message->name, message->text);
    } else {
        outbox_add_event(outbox, message->event, message->name, message->text, message->details);
    }
}

static int64_t number_at(const json_t *object, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(object, name));
}

/* What a replica found out about its table. */
static enum status store_guarantee(
    const struct outbox_event *event, const json_t *details, struct store *store, const char *owner,
    const struct lease *lease, struct err *err)
{
    const char *mode = json_string_value(json_object_get(details, "mode"));
    struct guarantee_report report = {
        .guarantee =
            {.mode = guarantee_mode_from_text(mode),
             .inserts = number_at(details, "inserts"),
             .seconds = number_at(details, "seconds")},
        .severity = event->severity,
        .table_uuid = json_string_value(json_object_get(details, "tableUuid")),
        .table_hash = json_string_value(json_object_get(details, "tableHash")),
        .table_change = json_string_value(json_object_get(details, "tableChange")),
    };
    (void)snprintf(/* the event's text is longer than a detail; cut is fine */
                   report.guarantee.detail, sizeof(report.guarantee.detail), "%.*s",
                   (int)sizeof(report.guarantee.detail) - 1, event->text);
    return guarantee_report_store(store, owner, lease, &report, err);
}

static enum status store_event(
    const struct outbox_event *event, struct store *store, const char *owner,
    const struct lease *lease, struct err *err)
{
    json_t *details = NULL;
    if (event->details[0] != '\0') {
        details = json_loads(event->details, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!json_is_object(details)) {
        json_decref(details);
        details = NULL;
    }
    if (strcmp(event->type, "guarantee") == 0) {
        enum status st = store_guarantee(event, details, store, owner, lease, err);
        json_decref(details);
        return st;
    }
    const struct pipe_event row = {
        .type = event->type,
        .severity = event->severity,
        .message = event->text,
        .details = details,
    };
    enum status st = pipe_add_event(store, lease->pipe_id, &row, err);
    json_decref(details);
    return st;
}

/* A lock timeout or a deadlock is a conflict that passes. */
static bool outbox_may_retry(enum status st)
{
    return status_may_retry(st) || st == ST_CONFLICT;
}

enum status outbox_flush(
    struct outbox *outbox, struct store *store, const char *owner, const struct lease *lease,
    struct err *err)
{
    while (outbox->events_count > 0) {
        enum status st = store_event(&outbox->events[0], store, owner, lease, err);
        if (outbox_may_retry(st)) {
            return st;
        }
        outbox->dropped_count += st != ST_OK;
        drop_first_event(outbox);
    }
    if (outbox->reason.is_pending) {
        enum status st =
            runtime_set_reason(store, owner, lease, outbox->reason.code, outbox->reason.text, err);
        if (outbox_may_retry(st)) {
            return st;
        }
        outbox->reason.is_pending = false;
    }
    if (outbox->failure.is_pending) {
        enum status st = runtime_set_failed(
            store, owner, lease, outbox->failure.code, outbox->failure.text, err);
        if (outbox_may_retry(st)) {
            return st;
        }
        outbox->failure.is_pending = false;
    }
    return ST_OK;
}

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->events_count == 0 && !outbox->reason.is_pending && !outbox->failure.is_pending;
}
