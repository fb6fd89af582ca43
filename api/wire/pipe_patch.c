/*
 * Member by member, each with its own rule of absence and null.
 */
#include "api/wire/pipe_patch.h"

#include <assert.h>
#include <string.h>

#include "api/wire/pipe_wire.h"

bool wire_is_terraform(const char *user_agent)
{
    static const char PREFIX[] = "terraform-provider-clickhouse/";
    return user_agent != NULL && strncmp(user_agent, PREFIX, sizeof(PREFIX) - 1) == 0;
}

void wire_patch_done(struct pipe_patch *patch)
{
    json_decref(patch->definition);
    patch->definition = NULL;
    json_decref(patch->secrets);
    patch->secrets = NULL;
}

static bool is_given(const json_t *value)
{
    return value != NULL && !json_is_null(value);
}

/* What a member's absence means. */
enum absence {
    ABSENT_KEEPS,
    ABSENT_CLEARS,
};

/* target[name] = source[name]; null and "" clear it when can_clear, else keep it. */
static bool copy_member(
    json_t *target, const json_t *source, const char *name, bool can_clear, enum absence absence)
{
    json_t *value = json_object_get(source, name);
    bool is_empty = json_is_string(value) && json_string_length(value) == 0;
    if (is_given(value) && !(can_clear && is_empty)) {
        return json_object_set_new(target, name, json_deep_copy(value)) == 0;
    }
    bool clears = can_clear && (value != NULL || absence == ABSENT_CLEARS);
    if (clears) {
        (void)json_object_del(target, name); /* absent is fine */
    }
    return true;
}

/* One of the pipe's credentials; NULL keeps it, null removes it. */
static bool set_secret(struct pipe_patch *patch, const char *name, json_t *value)
{
    if (value == NULL) {
        return true;
    }
    patch->has_new_secrets = true;
    if (patch->secrets == NULL) {
        patch->secrets = json_object();
    }
    if (json_is_null(value)) {
        (void)json_object_del(patch->secrets, name); /* absent is fine */
        return true;
    }
    return json_object_set_new(patch->secrets, name, json_deep_copy(value)) == 0;
}

static bool patch_kafka(const json_t *given, bool is_terraform, struct pipe_patch *patch)
{
    json_t *kafka = json_object_get(json_object_get(patch->definition, "source"), "kafka");
    enum absence absence = is_terraform ? ABSENT_CLEARS : ABSENT_KEEPS;
    bool is_ok = copy_member(kafka, given, "authentication", false, ABSENT_KEEPS);
    is_ok = is_ok && copy_member(kafka, given, "iamRole", true, absence);
    is_ok = is_ok && copy_member(kafka, given, "caCertificate", true, absence);
    is_ok = is_ok && copy_member(kafka, given, "reversePrivateEndpointIds", true, ABSENT_KEEPS);
    json_t *credentials = json_object_get(given, "credentials");
    if (is_given(credentials)) {
        is_ok = is_ok && set_secret(patch, "kafka", credentials);
    }
    const char *auth = json_string_value(json_object_get(kafka, "authentication"));
    bool is_role = auth != NULL && strcmp(auth, "IAM_ROLE") == 0;
    if (is_role && json_object_get(patch->secrets, "kafka") != NULL) {
        is_ok = is_ok && set_secret(patch, "kafka", json_null());
    }
    if (!is_role) {
        (void)json_object_del(kafka, "iamRole"); /* absent is fine */
    }
    return is_ok;
}

static enum status check_refused(const json_t *body, struct err *err)
{
    const json_t *kafka = json_object_get(json_object_get(body, "source"), "kafka");
    const json_t *registry = json_object_get(kafka, "schemaRegistry");
    if (is_given(json_object_get(registry, "credentials"))) {
        return err_set(
            err, ST_INVALID,
            "/source/kafka/schemaRegistry/credentials: cannot be changed after create");
    }
    const json_t *columns = json_object_get(json_object_get(body, "destination"), "columns");
    if (is_given(json_object_get(body, "fieldMappings")) && !is_given(columns)) {
        return err_set(err, ST_INVALID, "Columns are required if field mappings are provided");
    }
    return ST_OK;
}

enum status
wire_patch_apply(json_t *body, bool is_terraform, struct pipe_patch *patch, struct err *err)
{
    assert(patch->definition != NULL);
    enum status status = check_refused(body, err);
    if (status != ST_OK) {
        return status;
    }
    bool is_ok = copy_member(patch->definition, body, "name", false, ABSENT_KEEPS);
    const json_t *kafka = json_object_get(json_object_get(body, "source"), "kafka");
    if (is_given(kafka)) {
        is_ok = is_ok && patch_kafka(kafka, is_terraform, patch);
    }
    const json_t *destination = json_object_get(body, "destination");
    if (is_given(json_object_get(destination, "columns"))) {
        json_t *target = json_object_get(patch->definition, "destination");
        is_ok = is_ok && copy_member(target, destination, "columns", false, ABSENT_KEEPS);
        is_ok = is_ok && copy_member(
                             patch->definition, body, "fieldMappings", true,
                             is_terraform ? ABSENT_CLEARS : ABSENT_KEEPS);
    }
    if (!is_ok) {
        return err_set(err, ST_NO_MEMORY, "no memory for the change");
    }
    const json_t *settings = json_object_get(body, "settings");
    bool has_settings =
        is_given(settings) && !(json_is_object(settings) && json_object_size(settings) == 0);
    if (!has_settings) {
        return ST_OK;
    }
    return wire_settings_put(json_object_get(body, "settings"), false, patch->definition, err);
}

/* True if the object has this member and no other. */
static bool has_only(const json_t *object, const char *name)
{
    return json_object_size(object) == 1 && json_object_get(object, name) != NULL;
}

bool wire_source_is_login(const json_t *body)
{
    const json_t *kafka = json_object_get(body, "kafka");
    const json_t *registry = json_object_get(kafka, "schemaRegistry");
    size_t logins_count = json_object_get(kafka, "credentials") == NULL ? 0 : 1;
    if (registry != NULL) {
        logins_count += has_only(registry, "credentials") ? 1 : 0;
    }
    return has_only(body, "kafka") && logins_count > 0 && json_object_size(kafka) == logins_count;
}

static bool patch_source(json_t *given, const json_t *known, struct pipe_patch *patch)
{
    json_t *kafka = json_object_get(json_object_get(patch->definition, "source"), "kafka");
    bool is_ok = true;
    const char *name;
    json_t *value;
    json_object_foreach(given, name, value)
    {
        json_t *taken = json_object_get(known, name);
        if (strcmp(name, "schemaRegistry") == 0 && has_only(value, "credentials")) {
            continue; /* the same registry with another login */
        }
        if (taken != NULL) {
            is_ok = is_ok && json_object_set_new(kafka, name, json_deep_copy(taken)) == 0;
        } else if (json_is_null(value) || json_is_string(value)) {
            (void)json_object_del(kafka, name); /* cleared, or a member nobody knows */
        }
    }
    json_t *registry = json_object_get(given, "schemaRegistry");
    json_t *of_registry =
        json_is_null(registry) ? registry : json_object_get(registry, "credentials");
    return is_ok && set_secret(patch, "kafka", json_object_get(given, "credentials")) &&
           set_secret(patch, "schemaRegistry", of_registry);
}

enum status wire_source_patch(json_t *body, struct pipe_patch *patch, struct err *err)
{
    json_t *given = json_object_get(body, "kafka");
    if (!json_is_object(given)) {
        return err_set(err, ST_INVALID, "/kafka: required, an object");
    }
    json_t *whole = json_pack("{s:O}", "source", body);
    json_t *definition = NULL;
    json_t *secrets = NULL;
    enum status status = whole == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the change")
                                       : wire_pipe_split(whole, &definition, &secrets, err);
    if (status == ST_OK) {
        const json_t *source = json_object_get(definition, "source");
        status = patch_source(given, json_object_get(source, "kafka"), patch)
                     ? ST_OK
                     : err_set(err, ST_NO_MEMORY, "no memory for the change");
    }
    json_decref(whole);
    json_decref(definition);
    json_decref(secrets);
    return status;
}

/* Keys that are not null, over what was there. */
static bool merge(json_t *target, json_t *given)
{
    const char *name;
    json_t *value;
    bool is_ok = true;
    json_object_foreach(given, name, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(target, name); /* absent is fine */
        } else {
            is_ok = is_ok && json_object_set_new(target, name, json_deep_copy(value)) == 0;
        }
    }
    return is_ok;
}

enum status wire_settings_put(json_t *body, bool is_terraform, json_t *definition, struct err *err)
{
    if (!json_is_object(body)) {
        return err_set(err, ST_INVALID, "/settings: must be an object");
    }
    if (json_object_size(body) == 0 && !is_terraform) {
        return err_set(
            err, ST_INVALID, "no settings given; null clears one, e.g. {\"name\": null}");
    }
    json_t *old = json_object_get(definition, "settings");
    json_t *settings = is_terraform || old == NULL ? json_object() : json_deep_copy(old);
    if (settings == NULL || !merge(settings, body)) {
        json_decref(settings);
        return err_set(err, ST_NO_MEMORY, "no memory for the settings");
    }
    if (json_object_set_new(definition, "settings", settings) != 0) {
        return err_set(err, ST_NO_MEMORY, "no memory for the settings");
    }
    return ST_OK;
}
