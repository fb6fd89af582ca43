/* PEM → notAfter, by libcrypto. */
#include "common/model/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* False: a time that is none. */
static bool end_of(const X509 *certificate, int64_t *ret_end_s)
{
    struct tm when;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) {
        return false;
    }
    *ret_end_s = (int64_t)timegm(&when);
    return true;
}

enum status certificate_end(const char *pem, enum certificate_pick pick, int64_t *ret_end_s)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *certificate = NULL;
    bool has_any = false;
    int64_t end_s = 0;
    while (text != NULL && (pick == CERTIFICATE_LATEST || !has_any) &&
           (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        int64_t found_s = 0;
        if (end_of(certificate, &found_s)) {
            end_s = has_any && end_s > found_s ? end_s : found_s;
            has_any = true;
        }
        X509_free(certificate);
    }
    BIO_free(text);
    ERR_clear_error(); /* the end of the text is told as one */
    if (!has_any) {
        return ST_INVALID;
    }
    *ret_end_s = end_s;
    return ST_OK;
}

const char *certificate_problem(int code)
{
    return X509_verify_cert_error_string(code);
}

void certificate_soonest(
    const json_t *definition, const json_t *secrets, struct certificate_soonest *ret_soonest)
{
    const json_t *kafka = json_object_get(json_object_get(definition, "source"), "kafka");
    const struct {
        const json_t *parent;
        const char *member;
        enum certificate_pick pick;
        const char *name;
    } places[] = {
        {json_object_get(secrets, "kafka"), "certificate", CERTIFICATE_FIRST,
         "the client's certificate (source.kafka.credentials.certificate)"},
        {kafka, "caCertificate", CERTIFICATE_LATEST,
         "the brokers' CA certificate (source.kafka.caCertificate)"},
        {json_object_get(kafka, "schemaRegistry"), "caCertificate", CERTIFICATE_LATEST,
         "the registry's CA certificate (source.kafka.schemaRegistry.caCertificate)"},
    };
    *ret_soonest = (struct certificate_soonest){.name = NULL};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *pem = json_string_value(json_object_get(places[i].parent, places[i].member));
        int64_t end_s = 0;
        if (pem != NULL && certificate_end(pem, places[i].pick, &end_s) == ST_OK &&
            (ret_soonest->name == NULL || end_s < ret_soonest->end_s)) {
            *ret_soonest = (struct certificate_soonest){places[i].name, end_s};
        }
    }
}
