/* Question JSON → struct. The pipe in it is read by common/model. */
#include "worker/probe/question.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

enum {
    DEADLINE_MS = 10000, /* when the question names none */
    SPARE_MS = 500,      /* the answer must be out before the asker gives up */
};

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static enum status read_clickhouse(struct question *question, struct err *err)
{
    const json_t *clickhouse = json_object_get(question->json, "clickhouse");
    const char *url = text_of(clickhouse, "url");
    if (url == NULL) {
        return ST_OK;
    }
    const char *password = text_of(clickhouse, "password");
    if (password != NULL && secret_set(&question->password, password, strlen(password)) != ST_OK) {
        return err_set(err, ST_NO_MEMORY, "no memory for a question");
    }
    question->has_clickhouse = true;
    question->endpoint = (struct clickhouse_endpoint){
        .url = url,
        .username = text_of(clickhouse, "username"),
        .password = &question->password,
        .ca_certificate = text_of(clickhouse, "caCertificate"),
    };
    return ST_OK;
}

enum status question_parse(const char *text, struct question *ret_question, struct err *err)
{
    *ret_question = (struct question){.json = json_loads(text, JSON_REJECT_DUPLICATES, NULL)};
    ret_question->kind = text_of(ret_question->json, "kind");
    if (ret_question->kind == NULL) {
        return err_set(err, ST_INVALID, "the question is no JSON object with a kind");
    }
    int64_t allowed_ms = json_integer_value(json_object_get(ret_question->json, "deadlineMs"));
    allowed_ms = allowed_ms > SPARE_MS ? allowed_ms : DEADLINE_MS;
    ret_question->deadline_ms = clock_monotonic_ms() + allowed_ms - SPARE_MS;
    struct pipe_problems problems = {.count = 0};
    enum status st = pipe_spec_from_json(
        json_object_get(ret_question->json, "definition"),
        json_object_get(ret_question->json, "secrets"), &problems, &ret_question->pipe, err);
    pipe_problems_done(&problems);
    return st == ST_OK ? read_clickhouse(ret_question, err) : st;
}

void question_done(struct question *question)
{
    json_decref(question->json);
    pipe_spec_free(question->pipe);
    secret_done(&question->password);
    *question = (struct question){.json = NULL};
}

const json_t *question_option(const struct question *question, const char *name)
{
    const json_t *value = json_object_get(json_object_get(question->json, "options"), name);
    return json_is_null(value) ? NULL : value;
}

int64_t question_number(
    const struct question *question, const char *name, const int64_t range[2], int64_t fallback)
{
    const json_t *value = question_option(question, name);
    if (!json_is_integer(value)) {
        return fallback;
    }
    int64_t number = json_integer_value(value);
    number = number < range[0] ? range[0] : number;
    return number > range[1] ? range[1] : number;
}
