/* The commands: each opens a store of its own and ends. Serving is an edge and logs. */
#include "api/cli_run.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/store/services.h"
#include "common/store/store.h"

#include "api/serve.h"

static enum status migrate(const struct config *config, int *ret_applied_count, struct err *err)
{
    enum status st = config_require(config, CONFIG_DATABASE_URL, err);
    if (st != ST_OK) {
        return st;
    }
    return store_migrate(
        config_secret(config, CONFIG_DATABASE_URL)->bytes,
        (int)config_int(config, CONFIG_DATABASE_TIMEOUT_MS), ret_applied_count, err);
}

static enum status open_store(
    const struct config *config, const struct key_ring *keys, struct store **ret_store,
    struct err *err)
{
    enum status st = config_require(config, CONFIG_DATABASE_URL, err);
    if (st != ST_OK) {
        return st;
    }
    return store_open(
        config_secret(config, CONFIG_DATABASE_URL)->bytes, keys,
        (int)config_int(config, CONFIG_DATABASE_TIMEOUT_MS), ret_store, err);
}

/* Append a JSON object as one line; takes the reference. */
static enum status line_add(struct buf *output, json_t *object, struct err *err)
{
    CLEANUP(freep) char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    enum status st = text == NULL ? ST_NO_MEMORY : buf_add_format(output, "%s\n", text);
    return st == ST_OK ? ST_OK : err_set(err, st, "output");
}

/* {"organizationId","keyId","keySecret"}; the secret is null when it is not new.
 */
static enum status key_line_add(
    struct buf *output, const char *organization_id, const char *key_id,
    const struct secret *secret, struct err *err)
{
    return line_add(
        output,
        json_pack(
            "{s:s, s:s, s:s?}", "organizationId", organization_id, "keyId", key_id, "keySecret",
            secret == NULL ? NULL : secret->bytes),
        err);
}

/* The oldest admin key of the organization that is not revoked; NULL if there is none. */
static const struct api_key_row *
admin_key_find(const struct api_key_rows *keys, const char *organization_id)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct api_key_row *key = &keys->items[i];
        if (key->role == API_ROLE_ADMIN && !key->is_revoked &&
            strcmp(key->organization_id, organization_id) == 0) {
            return key;
        }
    }
    return NULL;
}

/* In a transaction that holds the organization's lock, so that two bootstraps make one key. */
static enum status
bootstrap_locked(struct store *store, const struct cli *cli, struct buf *output, struct err *err)
{
    CLEANUP(organization_row_done) struct organization_row organization = {.id = NULL};
    CLEANUP(api_key_rows_done) struct api_key_rows keys = {.items = NULL};
    const char *name = cli->organization == NULL ? "default" : cli->organization;
    enum status st = organization_ensure(store, name, &organization, err);
    if (st == ST_OK) {
        st = api_key_list(store, &keys, err);
    }
    if (st != ST_OK) {
        return st;
    }
    const struct api_key_row *known = admin_key_find(&keys, organization.id);
    if (known != NULL && !cli->wants_new_key) {
        return key_line_add(output, organization.id, known->id, NULL, err);
    }
    CLEANUP(api_key_pair_done) struct api_key_pair pair = {.id = ""};
    st = api_key_create(store, organization.id, "bootstrap", API_ROLE_ADMIN, &pair, err);
    return st == ST_OK ? key_line_add(output, organization.id, pair.id, &pair.secret, err) : st;
}

static enum status
bootstrap(const struct cli *cli, const struct config *config, struct buf *output, struct err *err)
{
    int applied_count = 0;
    CLEANUP(store_closep) struct store *store = NULL;
    enum status st = migrate(config, &applied_count, err);
    if (st == ST_OK) {
        st = open_store(config, NULL, &store, err);
    }
    if (st == ST_OK) {
        st = store_begin(store, err);
    }
    if (st == ST_OK) {
        st = bootstrap_locked(store, cli, output, err);
    }
    if (st == ST_OK) {
        st = store_commit(store, err);
    }
    return st;
}

static enum status
key_create(const struct cli *cli, const struct config *config, struct buf *output, struct err *err)
{
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(organization_row_done) struct organization_row organization = {.id = NULL};
    CLEANUP(api_key_pair_done) struct api_key_pair pair = {.id = ""};
    enum status st = open_store(config, NULL, &store, err);
    if (st == ST_OK) {
        st = organization_ensure(store, "default", &organization, err);
    }
    if (st == ST_OK) {
        st = api_key_create(store, organization.id, cli->key_name, cli->key_role, &pair, err);
    }
    return st == ST_OK ? key_line_add(output, organization.id, pair.id, &pair.secret, err) : st;
}

static enum status key_list(const struct config *config, struct buf *output, struct err *err)
{
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(api_key_rows_done) struct api_key_rows keys = {.items = NULL};
    enum status st = open_store(config, NULL, &store, err);
    if (st == ST_OK) {
        st = api_key_list(store, &keys, err);
    }
    for (size_t i = 0; st == ST_OK && i < keys.count; i++) {
        const struct api_key_row *key = &keys.items[i];
        st = line_add(
            output,
            json_pack(
                "{s:s, s:s, s:s, s:s, s:s, s:b}", "keyId", key->id, "organizationId",
                key->organization_id, "name", key->name, "role",
                key->role == API_ROLE_ADMIN ? "admin" : "reader", "createdAt", key->created_at,
                "revoked", key->is_revoked ? 1 : 0),
            err);
    }
    return st;
}

static enum status key_revoke(const struct cli *cli, const struct config *config, struct err *err)
{
    CLEANUP(store_closep) struct store *store = NULL;
    enum status st = open_store(config, NULL, &store, err);
    return st == ST_OK ? api_key_revoke(store, cli->key_id, err) : st;
}

static enum status secrets_rotate(const struct config *config, struct buf *output, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    CLEANUP(store_closep) struct store *store = NULL;
    int seen_count = 0;
    int sealed_count = 0;
    enum status st = key_ring_configured(config, &keys, err);
    if (st == ST_OK) {
        st = open_store(config, keys, &store, err);
    }
    if (st == ST_OK) {
        st = store_rotate_secrets(store, &seen_count, &sealed_count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    return line_add(
        output, json_pack("{s:i, s:i}", "stored", seen_count, "rotated", sealed_count), err);
}

/* SIGHUP: the log level may have changed in the settings file; a file that is wrong now changes
 * nothing and is told of. */
static void log_level_reload(void *context)
{
    const struct cli *cli = context;
    CLEANUP(config_freep) struct config *fresh = NULL;
    struct err err = {.text = ""};
    if (config_load(CONFIG_PROGRAM_API, cli->config_path, environ, &fresh, &err) != ST_OK) {
        log_err(LOG_ERROR, "settings_not_reloaded", &err, "%s", "");
        return;
    }
    log_set_level(config_log_level(fresh));
}

static struct serve_options
serve_options_read(const struct config *config, const struct key_ring *keys)
{
    return (struct serve_options){
        .listen = config_text(config, CONFIG_LISTEN),
        .tls_cert_file = config_text(config, CONFIG_TLS_CERT_FILE),
        .tls_key_file = config_text(config, CONFIG_TLS_KEY_FILE),
        .allow_plain_http = config_bool(config, CONFIG_ALLOW_PLAIN_HTTP),
        .database_url = config_secret(config, CONFIG_DATABASE_URL)->bytes,
        .keys = keys,
        .max_body_bytes = (size_t)config_int(config, CONFIG_MAX_BODY_BYTES),
        .connections_max = (unsigned)config_int(config, CONFIG_MAX_CONNECTIONS),
        .rate_limit_requests = config_int(config, CONFIG_RATE_LIMIT_REQUESTS),
        .rate_limit_window_s = config_int(config, CONFIG_RATE_LIMIT_WINDOW_S),
        .trusts_proxy = config_bool(config, CONFIG_TRUST_PROXY),
        .copies_events = config_bool(config, CONFIG_CLICKHOUSE_LOG),
        .stores_max = (unsigned)config_int(config, CONFIG_DATABASE_POOL_SIZE),
        .database_timeout_ms = (int)config_int(config, CONFIG_DATABASE_TIMEOUT_MS),
    };
}

enum status cli_check(const struct config *config, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    enum status st = config_require(config, CONFIG_DATABASE_URL, err);
    if (st == ST_OK) {
        st = key_ring_configured(config, &keys, err);
    }
    if (st != ST_OK) {
        return st;
    }
    const struct serve_options options = serve_options_read(config, keys);
    return serve_check(&options, err);
}

static enum status serve(const struct cli *cli, const struct config *config, struct err *err)
{
    int applied_count = 0;
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    enum status st = key_ring_configured(config, &keys, err);
    if (st == ST_OK) {
        st = migrate(config, &applied_count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (applied_count > 0) {
        log_event(LOG_INFO, "migrated", "applied=%d", applied_count);
    }
    struct cli reload_cli = *cli;
    struct serve_options options = serve_options_read(config, keys);
    options.reload = log_level_reload;
    options.reload_context = &reload_cli;
    return serve_run(&options, err);
}

enum status
cli_run(const struct cli *cli, const struct config *config, struct buf *output, struct err *err)
{
    int applied_count = 0;
    enum status st = ST_OK;
    switch (cli->command) {
    case CLI_SERVE:
        return serve(cli, config, err);
    case CLI_MIGRATE:
        st = migrate(config, &applied_count, err);
        return st == ST_OK ? line_add(output, json_pack("{s:i}", "applied", applied_count), err)
                           : st;
    case CLI_BOOTSTRAP:
        return bootstrap(cli, config, output, err);
    case CLI_KEY_CREATE:
        return key_create(cli, config, output, err);
    case CLI_KEY_LIST:
        return key_list(config, output, err);
    case CLI_KEY_REVOKE:
        return key_revoke(cli, config, err);
    case CLI_SECRETS_ROTATE:
        return secrets_rotate(config, output, err);
    }
    return st;
}
