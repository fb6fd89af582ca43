/* STS: form-encoded questions, XML answers of which five elements matter. */
#include "worker/replica/kafka/aws_role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/percent.h"
#include "common/base/secret.h"
#include "common/http/http.h"

enum {
    STS_TIMEOUT_MS = 20000,
    STS_BODY_MAX_BYTES = 64 * 1024,
    TOKEN_FILE_MAX_BYTES = 8 * 1024,
    URL_MAX_BYTES = 256,
    HEADERS_MAX_BYTES = 16 * 1024,
    HTTP_OK = 200,
};

static const char form_type[] = "application/x-www-form-urlencoded; charset=utf-8";

/* getenv, from a thread: nothing in this process changes its environment. */
static const char *variable(const char *name)
{
    const size_t name_bytes = strlen(name);
    for (char *const *item = environ; item != NULL && *item != NULL; item++) {
        if (strncmp(*item, name, name_bytes) == 0 && (*item)[name_bytes] == '=') {
            return *item + name_bytes + 1;
        }
    }
    return NULL;
}

void aws_ambient_read(struct aws_ambient *ret_ambient)
{
    *ret_ambient = (struct aws_ambient){
        .access_key_id = variable("AWS_ACCESS_KEY_ID"),
        .secret_key = variable("AWS_SECRET_ACCESS_KEY"),
        .session_token = variable("AWS_SESSION_TOKEN"),
        .web_identity_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
        .role_arn = variable("AWS_ROLE_ARN"),
        .sts_url = variable("AWS_ENDPOINT_URL_STS"),
        .region = variable("AWS_REGION"),
    };
    if (ret_ambient->region == NULL) {
        ret_ambient->region = variable("AWS_DEFAULT_REGION");
    }
}

static void wipe_text(char **text)
{
    if (*text != NULL) {
        secret_wipe(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

static void wipe_buf(struct buf *b)
{
    secret_wipe(b->bytes, b->len_bytes);
    buf_done(b);
}

void aws_role_done(struct aws_role *role)
{
    wipe_text(&role->access_key_id);
    wipe_text(&role->secret_key);
    wipe_text(&role->session_token);
}

struct sigv4_credentials aws_role_credentials(const struct aws_role *role)
{
    return (struct sigv4_credentials){
        .access_key_id = role->access_key_id,
        .secret_key = role->secret_key,
        .session_token = role->session_token,
    };
}

/* A copy of what is between <name> and </name>; NULL if it is not there. */
static char *element(const char *xml, const char *name)
{
    char tag[64];
    (void)snprintf(tag, sizeof(tag), "<%s>", name); /* our own names */
    const char *from = strstr(xml, tag);
    if (from == NULL) {
        return NULL;
    }
    from += strlen(tag);
    const char *end = strchr(from, '<');
    return end == NULL ? NULL : strndup(from, (size_t)(end - from));
}

static enum status read_answer(
    const struct http_response *response, const char *role_arn, struct aws_role *ret_role,
    struct err *err)
{
    const char *xml = buf_text(&response->body);
    if (response->status_code != HTTP_OK) {
        char *code = element(xml, "Code");
        char *message = element(xml, "Message");
        enum status st = err_set(
            err, response->status_code >= 500 ? ST_UNAVAILABLE : ST_UNAUTHORIZED,
            "AWS STS refuses the role %s: HTTP %d %s: %s", role_arn, response->status_code,
            code == NULL ? "" : code, message == NULL ? "(no reason given)" : message);
        free(code);
        free(message);
        return st;
    }
    *ret_role = (struct aws_role){
        .access_key_id = element(xml, "AccessKeyId"),
        .secret_key = element(xml, "SecretAccessKey"),
        .session_token = element(xml, "SessionToken"),
    };
    if (ret_role->access_key_id == NULL || ret_role->secret_key == NULL ||
        ret_role->session_token == NULL) {
        aws_role_done(ret_role);
        return err_set(err, ST_UNAVAILABLE, "AWS STS answers without credentials");
    }
    return ST_OK;
}

/* What STS is sent; all borrowed. */
struct sts_question {
    const char *url;
    const char *role_arn;
    const struct buf *body;
    const struct http_header *headers;
    size_t headers_count;
};

static enum status send_question(
    struct http_client *client, const struct sts_question *question, struct aws_role *ret_role,
    struct err *err)
{
    const struct http_piece piece = {question->body->bytes, question->body->len_bytes};
    const struct http_request request = {
        .url = question->url,
        .headers = question->headers,
        .headers_count = question->headers_count,
        .body = &piece,
        .body_count = 1,
        .has_body = true,
        .timeout_ms = STS_TIMEOUT_MS,
    };
    struct http_response response = {.status_code = 0};
    struct err why = {.status = ST_OK};
    enum status st = http_perform(client, &request, &response, &why);
    st = st == ST_OK ? read_answer(&response, question->role_arn, ret_role, err)
                     : err_set(err, st, "AWS STS does not answer: %s", why.text);
    secret_wipe(response.body.bytes, response.body.len_bytes);
    http_response_done(&response);
    return st;
}

static enum status
ask(const struct sts_question *question, struct aws_role *ret_role, struct err *err)
{
    struct http_client *client = NULL;
    enum status st = http_client_new(&client, err);
    if (st != ST_OK) {
        return st;
    }
    st = send_question(client, question, ret_role, err);
    http_client_free(client);
    return st;
}

/* The signed headers of a question: each line is also part of what is signed. */
static enum status sign(
    const struct sigv4_credentials *credentials, const struct sigv4_scope *scope, const char *url,
    const struct buf *body, struct buf *ret_authorization, struct err *err)
{
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    bool is_session = credentials->session_token != NULL && credentials->session_token[0] != '\0';
    const char *names = is_session ? "content-type;host;x-amz-date;x-amz-security-token"
                                   : "content-type;host;x-amz-date";
    char date[SIGV4_DATE_BYTES];
    char scope_text[SIGV4_SCOPE_BYTES];
    char hash[SIGV4_HEX_BYTES];
    char signature[SIGV4_HEX_BYTES];
    sigv4_date(scope->at_ms, date);
    struct buf lines;
    buf_init(&lines, HEADERS_MAX_BYTES);
    enum status st = buf_add_format(
        &lines, "content-type:%s\nhost:%.*s\nx-amz-date:%s\n", form_type, (int)strcspn(host, "/"),
        host, date);
    if (st == ST_OK && is_session) {
        st = buf_add_format(&lines, "x-amz-security-token:%s\n", credentials->session_token);
    }
    st = st == ST_OK ? sigv4_scope_text(scope, scope_text, err) : st;
    st = st == ST_OK ? sigv4_hash(body->bytes, body->len_bytes, hash, err) : st;
    if (st == ST_OK) {
        const struct sigv4_request request = {
            "POST", "/", "", buf_text(&lines), names, hash,
        };
        st = sigv4_sign(&request, scope, credentials->secret_key, signature, err);
    }
    wipe_buf(&lines);
    if (st == ST_OK) {
        st = buf_add_format(
            ret_authorization, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
            credentials->access_key_id, scope_text, names, signature);
    }
    return st;
}

/* Action, role and how long; the rest is added by the caller. */
static enum status add_question(struct buf *body, const char *action, const char *role_arn)
{
    enum status st = buf_add_format(
        body, "Action=%s&Version=2011-06-15&DurationSeconds=3600&RoleSessionName=penstock&RoleArn=",
        action);
    return st == ST_OK ? percent_add(body, role_arn) : st;
}

static enum status assume_signed(
    const struct sigv4_credentials *credentials, const char *url, const struct sigv4_scope *scope,
    const char *role_arn, struct aws_role *ret_role, struct err *err)
{
    char date[SIGV4_DATE_BYTES];
    sigv4_date(scope->at_ms, date);
    struct buf body;
    struct buf authorization;
    buf_init(&body, STS_BODY_MAX_BYTES);
    buf_init(&authorization, HEADERS_MAX_BYTES);
    enum status st = add_question(&body, "AssumeRole", role_arn);
    st = st == ST_OK ? sign(credentials, scope, url, &body, &authorization, err)
                     : err_set(err, st, "the role's name is too long");
    if (st == ST_OK) {
        bool is_session =
            credentials->session_token != NULL && credentials->session_token[0] != '\0';
        const struct http_header headers[] = {
            {"Content-Type", form_type},
            {"X-Amz-Date", date},
            {"Authorization", buf_text(&authorization)},
            {"X-Amz-Security-Token", credentials->session_token},
        };
        const struct sts_question question = {url, role_arn, &body, headers, is_session ? 4 : 3};
        st = ask(&question, ret_role, err);
    }
    wipe_buf(&authorization);
    buf_done(&body);
    return st;
}

static enum status read_token_file(const char *path, struct buf *ret_token, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(
            err, ST_INVALID, errno, "cannot open %s (AWS_WEB_IDENTITY_TOKEN_FILE)", path);
    }
    char bytes[TOKEN_FILE_MAX_BYTES];
    ssize_t got = read(fd, bytes, sizeof(bytes) - 1);
    (void)close(fd); /* only read */
    if (got <= 0) {
        return err_set(err, ST_INVALID, "%s (AWS_WEB_IDENTITY_TOKEN_FILE) holds nothing", path);
    }
    bytes[got] = '\0';
    bytes[strcspn(bytes, " \t\r\n")] = '\0';
    enum status st = percent_add(ret_token, bytes);
    secret_wipe(bytes, sizeof(bytes));
    return st == ST_OK ? ST_OK : err_set(err, st, "%s is too long", path);
}

static enum status assume_by_file(
    const char *path, const char *url, const char *role_arn, struct aws_role *ret_role,
    struct err *err)
{
    struct buf body;
    buf_init(&body, STS_BODY_MAX_BYTES);
    enum status st = add_question(&body, "AssumeRoleWithWebIdentity", role_arn);
    st = st == ST_OK ? buf_add_text(&body, "&WebIdentityToken=") : st;
    st = st == ST_OK ? read_token_file(path, &body, err)
                     : err_set(err, st, "the role's name is too long");
    if (st == ST_OK) {
        const struct http_header header = {"Content-Type", form_type};
        const struct sts_question question = {url, role_arn, &body, &header, 1};
        st = ask(&question, ret_role, err);
    }
    wipe_buf(&body);
    return st;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum status assume_by_identity(
    const struct aws_ambient *ambient, const char *url, const struct sigv4_scope *scope,
    const char *role_arn, struct aws_role *ret_role, struct err *err)
{
    const char *own = is_set(ambient->role_arn) ? ambient->role_arn : role_arn;
    struct aws_role first = {NULL, NULL, NULL};
    enum status st = assume_by_file(ambient->web_identity_file, url, own, &first, err);
    if (st != ST_OK || strcmp(own, role_arn) == 0) {
        *ret_role = first;
        return st;
    }
    const struct sigv4_credentials credentials = aws_role_credentials(&first);
    st = assume_signed(&credentials, url, scope, role_arn, ret_role, err);
    aws_role_done(&first);
    return st;
}

enum status aws_role_assume(
    const struct aws_ambient *ambient, const char *region, const char *role_arn, int64_t at_ms,
    struct aws_role *ret_role, struct err *err)
{
    *ret_role = (struct aws_role){NULL, NULL, NULL};
    char regional[URL_MAX_BYTES];
    (void)snprintf(/* a region too long to fit is refused with its scope */
                   regional, sizeof(regional), "https://sts.%s.amazonaws.com%s", region,
                   strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    const char *url = is_set(ambient->sts_url) ? ambient->sts_url : regional;
    const struct sigv4_scope scope = {.region = region, .service = "sts", .at_ms = at_ms};
    if (is_set(ambient->access_key_id) && is_set(ambient->secret_key)) {
        const struct sigv4_credentials credentials = {
            ambient->access_key_id, ambient->secret_key, ambient->session_token};
        return assume_signed(&credentials, url, &scope, role_arn, ret_role, err);
    }
    if (is_set(ambient->web_identity_file)) {
        return assume_by_identity(ambient, url, &scope, role_arn, ret_role, err);
    }
    return err_set(
        err, ST_UNAUTHORIZED,
        "IAM_ROLE needs AWS credentials in the worker's environment, which may assume the role: "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_WEB_IDENTITY_TOKEN_FILE (the metadata "
        "services of EC2 and ECS are not asked)");
}
