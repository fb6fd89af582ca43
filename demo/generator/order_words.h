#ifndef DEMO_GENERATOR_ORDER_WORDS_H
#define DEMO_GENERATOR_ORDER_WORDS_H

/*
 * What the orders are made of. Every text is the inside of a JSON string: escaped where JSON wants
 * it, and now and then where it only may be.
 */

#include "common/base/attr.h"

struct place {
    const char *city;
    const char *country; /* two letters */
    const char *street;
    const char *zone; /* offset as RFC 3339 writes it */
    int zone_minutes;
};

struct product {
    const char *sku;
    const char *title;
    unsigned price_cents;
    unsigned weight_grams;
};

static const char *const statuses[] = {"new", "paid", "packed", "shipped", "delivered", "returned"};

static const char *const given_names[] = {
    "Anna",       "Žofie", "Łukasz", "Søren", "Zoë",           "José",  "李娜",
    "Ren\\u00e9", "Olga",  "Ahmed",  "Yuki",  "O\\u0027Brian", "Mahsa", "Kofi",
};

static const char *const family_names[] = {
    "Nováková", "Müller", "García", "O'Neill", "Smith", "Østergård", "Татарин",
    "Tanaka",   "Kovács", "Dubois", "Okafor",  "Silva", "de Vries",  "Ng",
};

static const struct place places[] = {
    {"Praha", "CZ", "Na Příkopě", "+01:00", 60},
    {"Berlin", "DE", "Karl-Marx-Straße", "+01:00", 60},
    {"Lisboa", "PT", "Rua da Prata", "Z", 0},
    {"New York", "US", "West 42nd Street", "-05:00", -300},
    {"S\\u00e3o Paulo", "BR", "Avenida Paulista", "-03:00", -180},
    {"भुवनेश्वर", "IN", "Janpath", "+05:30", 330},
    {"京都市", "JP", "四条通", "+09:00", 540},
    {"Αθήνα", "GR", "Ερμού", "+02:00", 120},
};

static const struct product products[] = {
    {"BK-0001", "Notebook A5, \\\"dotted\\\"", 1290, 320},
    {"EL-0417", "USB-C cable 1 m", 899, 45},
    {"KT-0233", "Teapot / 0.9 l", 3450, 870},
    {"GA-1101", "Seeds: tomato \\u2018Roma\\u2019", 249, 12},
    {"TY-0099", "Wooden train 🚂", 2999, 640},
    {"FO-7781", "Espresso beans 1 kg", 2150, 1000},
    {"SP-3320", "Yoga mat", 3999, 1350},
    {"HM-0500", "Desk lamp, 4000 K", 5480, 1120},
    {"AU-0808", "Headphones “Stille”", 14900, 260},
    {"XX-0042", "Gift card", 5000, 5},
};

static const char *const tags[] = {"gift",        "express",  "b2b",   "fragile",
                                   "first-order", "preorder", "bulky", "loyalty"};

static const char *const notes[] = {
    "Leave at the \\\"back\\\" door.",
    "Line one\\nline two\\tand a tab",
    "Prosím zazvoňte dvakrát",
    "C:\\\\orders\\\\today",
    "Happy birthday \\ud83c\\udf82!",
    "ring \\/ knock",
    "٣ قطع من فضلك",
};

static const char *const sources[] = {"shop-eu", "shop-us", "shop-apac", "marketplace"};
static const char *const channels[] = {"web", "ios", "android", "phone"};
static const char *const campaigns[] = {"spring-sale", "newsletter-42", "retargeting", "none"};
static const char *const currencies[] = {"EUR", "USD", "CZK", "JPY", "INR"};

#endif
