/* When certificates end: of a chain, of a list of CAs, of a whole pipe. */
#include <string.h>

#include "common/model/certificate.h"

#include "tests/unit/unit.h"

/* Made by `openssl ca -selfsign` with these ends of validity. */
#define EARLY                                                                                      \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBBzCBrgIBATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVlYXJseTAeFw0yMDAx\n"                           \
    "MDEwMDAwMDBaFw0yMTAyMDMwNDA1MDZaMBAxDjAMBgNVBAMMBWVhcmx5MFkwEwYH\n"                           \
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEKRZ/ITR5vpKNpmGHLrU53AcEOtI0MmBDQmBe\n"                           \
    "DU02kaUqWg6UskGIYuMyBqf+VVwEJcl7c2Fz90QMlC5mB5jsmTAKBggqhkjOPQQD\n"                           \
    "AgNIADBFAiEA5lXVjsvyILUHC1Ve+TS1WAQIyCvkmtHvt6MOECx7DlwCICRIOTPE\n"                           \
    "Nb+Q4FVIElhQmdWI95kuHzUZsHqucKEmSF/1\n"                                                       \
    "-----END CERTIFICATE-----\n"
#define LATE                                                                                       \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBBzCBrgIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARsYXRlMCAXDTIwMDEw\n"                           \
    "MTAwMDAwMFoYDzIwOTkxMjMxMjM1OTU5WjAPMQ0wCwYDVQQDDARsYXRlMFkwEwYH\n"                           \
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEXiTuio0XbtGl/hE4HBZP8WAu/Darvad9rD58\n"                           \
    "7O/Xqh0x4LxglUvO6vKS2UQ68vhzoMPdcaKWjZQjNARYWxJFoTAKBggqhkjOPQQD\n"                           \
    "AgNIADBFAiEAuIkROJO2eFZhAj1efKSjLmU7yRakbf1HPiWpFkBPNP8CIHzuGtxB\n"                           \
    "AFkpgo/lnb9duKHwcmMedAHDikX2yke+zzrQ\n"                                                       \
    "-----END CERTIFICATE-----\n"

enum {
    EARLY_S = 1612325106 /* 2021-02-03T04:05:06Z */
};
static const int64_t LATE_S = 4102444799; /* 2099-12-31T23:59:59Z */

static void ends(void **state)
{
    (void)state;
    int64_t end_s = 0;
    assert_int_equal(certificate_end(EARLY, CERTIFICATE_FIRST, &end_s), ST_OK);
    assert_int_equal(end_s, EARLY_S);
    assert_int_equal(certificate_end(EARLY LATE, CERTIFICATE_FIRST, &end_s), ST_OK);
    assert_int_equal(end_s, EARLY_S);
    assert_int_equal(
        certificate_end("words before\n" EARLY LATE, CERTIFICATE_LATEST, &end_s), ST_OK);
    assert_int_equal(end_s, LATE_S);
    assert_int_equal(certificate_end(LATE EARLY, CERTIFICATE_LATEST, &end_s), ST_OK);
    assert_int_equal(end_s, LATE_S);
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "no certificate", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t end_s = 7;
        assert_int_equal(certificate_end(texts[i], CERTIFICATE_LATEST, &end_s), ST_INVALID);
        assert_int_equal(end_s, 7);
    }
}

static void the_first_of_a_pipe(void **state)
{
    (void)state;
    static const struct {
        const char *client;
        const char *ca;
        const char *registry;
        const char *member;
        int64_t end_s;
    } cases[] = {
        {NULL, NULL, NULL, NULL, 0},
        {NULL, "-----BEGIN CERTIFICATE-----", NULL, NULL, 0},
        {EARLY, LATE, LATE, "source.kafka.credentials.certificate", EARLY_S},
        {LATE, EARLY, LATE, "source.kafka.caCertificate", EARLY_S},
        {NULL, LATE, EARLY, "source.kafka.schemaRegistry.caCertificate", EARLY_S},
        {NULL, EARLY LATE, NULL, "source.kafka.caCertificate", 4102444799},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *definition = json_pack(
            "{s:{s:{s:s?, s:{s:s?}}}}", "source", "kafka", "caCertificate", cases[i].ca,
            "schemaRegistry", "caCertificate", cases[i].registry);
        json_t *secrets = cases[i].client == NULL
                              ? NULL
                              : json_pack("{s:{s:s}}", "kafka", "certificate", cases[i].client);
        struct certificate_soonest soonest;
        certificate_soonest(definition, secrets, &soonest);
        assert_int_equal(soonest.end_s, cases[i].end_s);
        assert_int_equal(soonest.name != NULL, cases[i].member != NULL);
        if (soonest.name != NULL) {
            assert_non_null(strstr(soonest.name, cases[i].member));
        }
        json_decref(definition);
        json_decref(secrets);
    }
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(certificate_problem(10), "certificate has expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(the_first_of_a_pipe),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
