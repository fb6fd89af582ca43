// simdjson's DOM parser as a judge.
#include "tests/fuzz/judge.h"

#include <simdjson.h>

judge_verdict
judge_document(const uint8_t *document, size_t len, const char **ret_text, size_t *ret_len)
{
    static simdjson::dom::parser parser;
    *ret_text = nullptr;
    *ret_len = 0;
    simdjson::dom::element root;
    // it copies the bytes, with its own padding behind them
    const auto error = parser.parse(reinterpret_cast<const char *>(document), len).get(root);
    if (error == simdjson::NUMBER_ERROR) {
        return JUDGE_NUMBER;
    }
    if (error != simdjson::SUCCESS) {
        return JUDGE_INVALID;
    }
    if (!root.is_object()) {
        return JUDGE_OTHER;
    }
    std::string_view text;
    if (root["a"].get(text) == simdjson::SUCCESS) {
        *ret_text = text.data();
        *ret_len = text.size();
    }
    return JUDGE_OBJECT;
}
