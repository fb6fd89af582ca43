/* The members one after the other, each ended by a unit separator: the library drops blanks and
 * line breaks at the ends of a property. */
#include "worker/replica/kafka/aws_login.h"

#include <string.h>

enum {
    MEMBERS = 4,
};

#define SEPARATOR "\x1f"

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ') {
            return true;
        }
    }
    return false;
}

enum status aws_login_write(const struct aws_login *login, struct buf *text, struct err *err)
{
    const char *members[MEMBERS] = {
        login->region, login->access_key_id, login->secret_key, login->role_arn};
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *member = members[i] == NULL ? "" : members[i];
        if (has_control(member)) {
            return err_set(
                err, ST_INVALID,
                "the access key, the secret key or the role has a control character");
        }
        enum status st = buf_add_text(text, member);
        st = st == ST_OK ? buf_add_text(text, SEPARATOR) : st;
        if (st != ST_OK) {
            return err_set(err, st, "the IAM login is longer than %d bytes", AWS_LOGIN_MAX_BYTES);
        }
    }
    return ST_OK;
}

enum status aws_login_read(char *text, struct aws_login *ret_login)
{
    const char *members[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) {
        char *end = strchr(text, SEPARATOR[0]);
        if (end == NULL) {
            return ST_INVALID;
        }
        *end = '\0';
        members[i] = text;
        text = end + 1;
    }
    *ret_login = (struct aws_login){members[0], members[1], members[2], members[3]};
    return ST_OK;
}

/* The label between a service's name and AWS's domain. */
static bool region_after(const char *host, const char *service, char ret_region[AWS_REGION_BYTES])
{
    const char *found = strstr(host, service);
    if (found == NULL) {
        return false;
    }
    const char *region = found + strlen(service);
    size_t len_bytes = strcspn(region, ".,:/ ");
    if (len_bytes == 0 || len_bytes >= AWS_REGION_BYTES ||
        strncmp(region + len_bytes, ".amazonaws.com", strlen(".amazonaws.com")) != 0) {
        return false;
    }
    memcpy(ret_region, region, len_bytes);
    ret_region[len_bytes] = '\0';
    return true;
}

void aws_login_region(const char *brokers, char ret_region[AWS_REGION_BYTES])
{
    ret_region[0] = '\0';
    if (!region_after(brokers, ".kafka.", ret_region)) {
        (void)region_after(brokers, ".kafka-serverless.", ret_region); /* "" if neither */
    }
}
