/*
 * What answers lead to: an entry is known, waits for its references, is tried again, or is given
 * up for a while.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/percent.h"
#include "common/base/utf8.h"

#include "worker/replica/registry/registry_machine.h"

enum {
    RACE_MS = 5000,      /* a new id may reach us before the registry's other nodes have it */
    RACE_EVERY_MS = 250, /* so often it is asked for meanwhile */
    RACES_MAX = 8,       /* unknown ids in a row; then the next ones get no such time */
    UNKNOWN_MS = 10000,  /* how long an unknown id is not asked for again */
    NAME_BYTES = 256,
};

static bool is_refresh(const struct registry *registry, const struct registry_entry *entry)
{
    return registry->pinned != NULL && entry == registry->pinning;
}

static void entry_forget_document(struct registry *registry, struct registry_entry *entry)
{
    registry->cache.text_bytes -= entry->document.text_bytes;
    registry_document_done(&entry->document);
    free(entry->targets);
    entry->targets = NULL;
}

/* Try again after wait_ms, or with the entry's own growing wait when that is 0. */
static void entry_wait(struct registry *registry, struct registry_entry *entry, int64_t wait_ms)
{
    entry->state = REGISTRY_WANTED;
    entry->due_ms = registry->now_ms + (wait_ms > 0 ? wait_ms : backoff_next_ms(&entry->backoff));
}

/* The decoders get entry->text as the reason. */
static void entry_give_up(struct registry *registry, struct registry_entry *entry)
{
    entry_forget_document(registry, entry);
    entry->state = REGISTRY_UNKNOWN;
    entry->trouble = PIPE_REASON_NONE;
    entry->was_unknown = true;
    entry->is_missing = false;
    entry->due_ms = registry->now_ms + UNKNOWN_MS;
    backoff_reset(&entry->backoff);
    registry->version++;
}

static void PRINTF_LIKE(2, 3) entry_say(struct registry_entry *entry, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(entry->text, sizeof(entry->text), format, arguments); /* cut is fine */
    va_end(arguments);
    utf8_repair(entry->text);
}

static void take_missing(
    struct registry *registry, struct registry_entry *entry, const struct registry_finding *finding)
{
    char name[NAME_BYTES];
    registry_entry_name(entry, name, sizeof(name));
    if (!entry->is_missing) {
        entry->is_missing = true;
        entry->missing_since_ms = registry->now_ms;
    }
    bool has_time = !entry->was_unknown && registry->races_lost < RACES_MAX &&
                    registry->now_ms - entry->missing_since_ms < RACE_MS;
    entry->trouble = PIPE_REASON_NONE;
    entry_say(entry, "the schema registry has no %s (%s)", name, finding->text);
    if (has_time) {
        entry_wait(registry, entry, RACE_EVERY_MS);
        return;
    }
    if (entry == registry->pinning) {
        /* No record is to blame, and none could be decoded: wait for a person. */
        entry->trouble = PIPE_REASON_REGISTRY_UNREACHABLE;
        entry_wait(registry, entry, 0);
        return;
    }
    registry->races_lost++;
    entry_give_up(registry, entry);
}

static void take_later(
    struct registry *registry, struct registry_entry *entry, const struct registry_finding *finding)
{
    char name[NAME_BYTES];
    registry_entry_name(entry, name, sizeof(name));
    entry->trouble = finding->verdict == REGISTRY_REFUSED ? PIPE_REASON_REGISTRY_AUTHENTICATION
                                                          : PIPE_REASON_REGISTRY_UNREACHABLE;
    entry_say(entry, "asking for %s: %s", name, finding->text);
    entry_wait(registry, entry, finding->wait_ms);
    if (finding->wait_ms > 0) {
        registry->paused_ms = registry->now_ms + finding->wait_ms;
    }
}

/* The entry of a reference; NULL without memory. */
static struct registry_entry *
link_target(struct registry *registry, const struct registry_link *link)
{
    struct buf subject;
    buf_init(&subject, REGISTRY_URL_MAX_BYTES);
    struct registry_entry *target = NULL;
    if (percent_add(&subject, link->subject) == ST_OK) {
        target = registry_cache_by_version(&registry->cache, buf_text(&subject), link->version);
        if (target == NULL) {
            target = registry_cache_add(
                &registry->cache, REGISTRY_BY_VERSION, SCHEMA_PINNED, buf_text(&subject),
                link->version);
        } else if (target->state == REGISTRY_UNKNOWN && registry->now_ms >= target->due_ms) {
            target = registry_cache_want(&registry->cache, target) ? target : NULL;
        }
    }
    buf_done(&subject);
    return target;
}

static bool entry_find_targets(struct registry *registry, struct registry_entry *entry)
{
    size_t count = entry->document.links_count;
    if (count == 0) {
        return true;
    }
    entry->targets = calloc(count, sizeof(struct registry_entry *));
    for (size_t i = 0; entry->targets != NULL && i < count; i++) {
        entry->targets[i] = link_target(registry, &entry->document.links[i]);
        if (entry->targets[i] == NULL) {
            return false;
        }
    }
    return entry->targets != NULL;
}

static void take_schema(
    struct registry *registry, struct registry_entry *entry, struct registry_finding *finding)
{
    if (is_refresh(registry, entry) &&
        registry_document_equals(&registry->pinned->document, &finding->document)) {
        entry->state = REGISTRY_UNKNOWN; /* nothing new: dropped with the next settling */
        return;
    }
    if (registry->cache.text_bytes + finding->document.text_bytes > REGISTRY_CACHE_MAX_BYTES) {
        entry_say(
            entry, "the schemas of this pipe are larger than %d MB together",
            REGISTRY_CACHE_MAX_BYTES / 1024 / 1024);
        entry_give_up(registry, entry);
        return;
    }
    entry->document = finding->document; /* now the entry's */
    finding->document = (struct registry_document){.text = NULL};
    registry->cache.text_bytes += entry->document.text_bytes;
    entry->state = REGISTRY_FETCHED;
    entry->trouble = PIPE_REASON_NONE;
    entry->is_missing = false;
    if (!entry_find_targets(registry, entry)) {
        entry_forget_document(registry, entry);
        entry_wait(registry, entry, 0); /* no memory */
    }
}

void registry_take(
    struct registry *registry, struct registry_entry *entry, struct registry_finding *finding)
{
    char name[NAME_BYTES];
    if (is_refresh(registry, entry) && finding->verdict != REGISTRY_SCHEMA) {
        entry->state = REGISTRY_UNKNOWN; /* what is known goes on; the next time is soon enough */
        return;
    }
    switch (finding->verdict) {
    case REGISTRY_SCHEMA:
        take_schema(registry, entry, finding);
        break;
    case REGISTRY_MISSING:
        take_missing(registry, entry, finding);
        break;
    case REGISTRY_UNUSABLE:
        registry_entry_name(entry, name, sizeof(name));
        entry_say(entry, "%s cannot be used: %s", name, finding->text);
        entry_give_up(registry, entry);
        break;
    case REGISTRY_REFUSED:
    case REGISTRY_LATER:
        take_later(registry, entry, finding);
        break;
    }
}

/* Settling: fetched schemas become known when all they refer to is */

static void entry_become_known(struct registry *registry, struct registry_entry *entry)
{
    backoff_reset(&entry->backoff);
    registry->races_lost = 0;
    registry->version++;
    if (entry != registry->pinning) {
        return;
    }
    registry->pinned = entry;
    registry->pinning = NULL;
    registry->was_pinned_used = false;
    registry->latest_due_ms = registry->now_ms + REGISTRY_LATEST_EVERY_MS;
}

/* False if it still waits for one of its references. */
static bool entry_settle(struct registry *registry, struct registry_entry *entry)
{
    char name[NAME_BYTES];
    for (size_t i = 0; i < entry->document.links_count; i++) {
        const struct registry_entry *target = entry->targets[i];
        if (target->state == REGISTRY_UNKNOWN) {
            entry_say(entry, "it refers to %s: %s", entry->document.links[i].name, target->text);
            entry_give_up(registry, entry);
            return true;
        }
        if (target->state != REGISTRY_KNOWN) {
            return false;
        }
    }
    enum status st = registry_entry_resolve(entry);
    if (st == ST_OK) {
        entry_become_known(registry, entry);
    } else if (st == ST_REJECTED) {
        char reason[REGISTRY_TEXT_BYTES];
        (void)snprintf(reason, sizeof(reason), "%s", entry->text);
        registry_entry_name(entry, name, sizeof(name));
        entry_say(entry, "%s cannot be used: %s", name, reason);
        entry_give_up(registry, entry);
    } else {
        entry_forget_document(registry, entry);
        entry_wait(registry, entry, 0); /* no memory */
    }
    return true;
}

/* One round over what was fetched; ret_is_open: something is still to come. */
static bool settle_round(struct registry *registry, bool *ret_is_open)
{
    bool has_changed = false;
    *ret_is_open = false;
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        struct registry_entry *entry = registry->cache.active[i];
        if (entry->state == REGISTRY_FETCHED) {
            has_changed = entry_settle(registry, entry) || has_changed;
        }
        *ret_is_open =
            *ret_is_open || entry->state == REGISTRY_WANTED || entry->state == REGISTRY_ASKING;
    }
    return has_changed;
}

void registry_settle(struct registry *registry)
{
    bool is_open = false;
    while (settle_round(registry, &is_open)) {
    }
    for (size_t i = 0; !is_open && i < registry->cache.active_count; i++) {
        struct registry_entry *entry = registry->cache.active[i];
        if (entry->state == REGISTRY_FETCHED) {
            entry_say(entry, "its references lead back to itself");
            entry_give_up(registry, entry);
        }
    }
    registry_cache_settle(&registry->cache);
    if (registry->pinning != NULL && is_refresh(registry, registry->pinning) &&
        registry->pinning->state == REGISTRY_UNKNOWN) {
        registry_cache_drop(&registry->cache, registry->pinning);
        registry->pinning = NULL;
        registry->was_pinned_used = false;
        registry->latest_due_ms = registry->now_ms + REGISTRY_LATEST_EVERY_MS;
    }
}
