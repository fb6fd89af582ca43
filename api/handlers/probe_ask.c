/* Questions to probes: options checked, asked, the answer's failure as a status. */
#include "api/handlers/probe_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/probes.h"
#include "common/store/services.h"

#include "api/wire/time_wire.h"

enum {
    NAME_BYTES = 64
};

void probe_question_done(struct probe_question *question)
{
    json_decref(question->definition);
    json_decref(question->secrets);
    json_decref(question->options);
    *question = (struct probe_question){.kind = NULL};
}

static enum status
clickhouse_json(const struct request *request, json_t **ret_clickhouse, struct err *err)
{
    struct service_row service = {0};
    enum status status = service_get_with_secret(
        request->store, request->key.organization_id, request->service.id, &service, err);
    if (status != ST_OK) {
        return status;
    }
    *ret_clickhouse = json_pack(
        "{s:s, s:s?, s:s?, s:s?}", "url", service.url, "username", service.username, "password",
        service.password.bytes, "caCertificate", service.ca_certificate);
    service_row_done(&service);
    return *ret_clickhouse != NULL ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for a question");
}

static enum status question_json(
    const struct request *request, const struct probe_question *question, json_t **ret_json,
    struct err *err)
{
    json_t *clickhouse = NULL;
    enum status status =
        question->has_clickhouse ? clickhouse_json(request, &clickhouse, err) : ST_OK;
    if (status != ST_OK) {
        return status;
    }
    *ret_json = json_pack(
        "{s:s, s:O, s:O*, s:O*, s:o*, s:i}", "kind", question->kind, "definition",
        question->definition, "secrets", question->secrets, "options", question->options,
        "clickhouse", clickhouse, "deadlineMs", question->deadline_ms);
    return *ret_json != NULL ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for a question");
}

/* What an answer without "ok" means for the request. */
static enum status judge(const json_t *answer, struct err *err)
{
    if (json_is_true(json_object_get(answer, "ok"))) {
        return ST_OK;
    }
    const char *word = json_string_value(json_object_get(answer, "status"));
    const char *code = json_string_value(json_object_get(answer, "code"));
    const char *message = json_string_value(json_object_get(answer, "message"));
    const char *hint = json_string_value(json_object_get(answer, "hint"));
    enum status status = ST_REJECTED;
    if (word != NULL && strcmp(word, status_text(ST_CONFLICT)) == 0) {
        status = ST_CONFLICT;
    } else if (
        word != NULL && (strcmp(word, status_text(ST_INTERNAL)) == 0 ||
                         strcmp(word, status_text(ST_NO_MEMORY)) == 0)) {
        status = ST_INTERNAL;
    }
    bool has_code = code != NULL && strcmp(code, "INTERNAL") != 0;
    return err_set(
        err, status, "%s%s%s%s%s", has_code ? code : "", has_code ? ": " : "",
        message == NULL ? "no reason was given" : message,
        hint == NULL || hint[0] == '\0' || !has_code ? "" : ". ",
        hint == NULL || !has_code ? "" : hint);
}

static enum status
ask(const struct request *request, const struct probe_question *question, const json_t *json,
    json_t **ret_result, struct err *err)
{
    char job[UUID_TEXT_BYTES];
    enum status status =
        question->lock_name == NULL
            ? probe_ask(request->store, json, question->deadline_ms, job, err)
            : probe_ask_alone(
                  request->store, json, question->deadline_ms, question->lock_name, job, err);
    json_t *answer = NULL;
    if (status == ST_OK) {
        status = probe_wait(request->store, job, question->deadline_ms, &answer, err);
    }
    if (status == ST_OK) {
        status = judge(answer, err);
    }
    if (status == ST_OK) {
        *ret_result = json_incref(json_object_get(answer, "result"));
    }
    json_decref(answer);
    return status;
}

enum status probe_question_ask(
    const struct request *request, const struct probe_question *question, json_t **ret_result,
    struct err *err)
{
    bool has_worker = false;
    enum status status = probe_has_worker(request->store, &has_worker, err);
    if (status == ST_OK && !has_worker) {
        status = err_set(err, ST_NO_WORKER, "no worker runs that could do this: start one");
    }
    json_t *json = NULL;
    if (status == ST_OK) {
        status = question_json(request, question, &json, err);
    }
    if (status == ST_OK) {
        status = ask(request, question, json, ret_result, err);
    }
    json_decref(json);
    return status;
}

/* ---- options ---- */

static void check_number(
    const json_t *value, const struct probe_option *option, const char *pointer,
    struct pipe_problems *problems)
{
    if (!json_is_integer(value) || json_integer_value(value) < option->min ||
        json_integer_value(value) > option->max) {
        pipe_problems_add(
            problems, pointer, "must be a whole number between %lld and %lld",
            (long long)option->min, (long long)option->max);
    }
}

static void check_place(const json_t *item, size_t index, struct pipe_problems *problems)
{
    static const struct probe_option PARTITION = {"partition", PROBE_OPTION_NUMBER, 0, INT32_MAX};
    static const struct probe_option OFFSET = {"offset", PROBE_OPTION_NUMBER, 0, INT64_MAX};
    char pointer[NAME_BYTES];
    (void)snprintf(pointer, sizeof(pointer), "/offsets/%zu/topic", index); /* fits */
    if (!json_is_string(json_object_get(item, "topic"))) {
        pipe_problems_add(problems, pointer, "must be a text");
    }
    (void)snprintf(pointer, sizeof(pointer), "/offsets/%zu/partition", index); /* fits */
    check_number(json_object_get(item, "partition"), &PARTITION, pointer, problems);
    (void)snprintf(pointer, sizeof(pointer), "/offsets/%zu/offset", index); /* fits */
    check_number(json_object_get(item, "offset"), &OFFSET, pointer, problems);
}

static void check_places(
    const json_t *value, const struct probe_option *option, const char *pointer,
    struct pipe_problems *problems)
{
    const size_t count = json_array_size(value);
    if (!json_is_array(value) || (json_int_t)count < option->min ||
        (json_int_t)count > option->max) {
        pipe_problems_add(
            problems, pointer, "must be a list of %lld to %lld {topic, partition, offset}",
            (long long)option->min, (long long)option->max);
        return;
    }
    for (size_t i = 0; i < count && !problems->has_more; i++) {
        check_place(json_array_get(value, i), i, problems);
    }
}

/* A time becomes milliseconds under another name. False: no memory. */
static bool
set_time(json_t *options, const char *name, const json_t *value, struct pipe_problems *problems)
{
    char text[NAME_BYTES];
    int64_t time_ms = 0;
    const char *time = json_string_value(value);
    if (time == NULL || wire_time_parse(time, &time_ms) != ST_OK) {
        (void)snprintf(text, sizeof(text), "/%s", name); /* fits */
        pipe_problems_add(problems, text, "not a time as in 2026-01-02T03:04:05Z");
        return true;
    }
    (void)snprintf(text, sizeof(text), "%sMs", name); /* fits */
    return json_object_set_new(options, text, json_integer(time_ms)) == 0;
}

/* False: no memory. */
static bool read_option(
    json_t *value, const struct probe_option *option, json_t *options,
    struct pipe_problems *problems)
{
    char pointer[NAME_BYTES];
    (void)snprintf(pointer, sizeof(pointer), "/%s", option->name); /* fits */
    switch (option->form) {
    case PROBE_OPTION_TEXT:
        if (!json_is_string(value)) {
            pipe_problems_add(problems, pointer, "must be a text");
        }
        break;
    case PROBE_OPTION_BOOL:
        if (!json_is_boolean(value)) {
            pipe_problems_add(problems, pointer, "must be true or false");
        }
        break;
    case PROBE_OPTION_NUMBER:
        check_number(value, option, pointer, problems);
        break;
    case PROBE_OPTION_TIME:
        return set_time(options, option->name, value, problems);
    case PROBE_OPTION_OFFSETS:
        check_places(value, option, pointer, problems);
        break;
    }
    return json_object_set(options, option->name, value) == 0;
}

enum status probe_options_read(
    const json_t *body, const struct probe_option *options, size_t count,
    struct pipe_problems *problems, json_t **ret_options, struct err *err)
{
    json_t *made = json_object();
    bool has_memory = made != NULL;
    for (size_t i = 0; has_memory && i < count; i++) {
        json_t *value = json_object_get(body, options[i].name);
        if (value != NULL && !json_is_null(value)) {
            has_memory = read_option(value, &options[i], made, problems);
        }
    }
    if (!has_memory) {
        json_decref(made);
        return err_set(err, ST_NO_MEMORY, "no memory for a question");
    }
    *ret_options = made;
    return ST_OK;
}

void probe_options_only(
    const json_t *body, const struct probe_option *options, size_t count,
    struct pipe_problems *problems)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(options[i].name, name) != 0) {
            i++;
        }
        if (i == count) {
            char pointer[NAME_BYTES];
            (void)snprintf(pointer, sizeof(pointer), "/%s", name); /* a long name may be cut */
            pipe_problems_add(problems, pointer, "there is no such member");
        }
    }
}
