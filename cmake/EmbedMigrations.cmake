# Turns migrations/NNNN_name.sql into a C table (struct migration of common/pg/migrate.h).
#
#   cmake -DOUTPUT=table.c -DFOLDER=migrations -P EmbedMigrations.cmake
#
# Bytes are written as numbers: a string literal that long is more than C11 promises.
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(texts "")
set(rows "")
set(expected 0)
foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
        message(FATAL_ERROR "migrations/${name}: the name must be NNNN_words.sql")
    endif()
    math(EXPR expected "${expected} + 1")
    math(EXPR number "1${CMAKE_MATCH_1} - 10000")
    if(NOT number EQUAL expected)
        message(FATAL_ERROR "migrations/${name}: number ${expected} is missing or there twice")
    endif()
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n    "
        bytes "${bytes}")
    string(APPEND texts "static const unsigned char sql_${number}[] = {\n    ${bytes}0x00};\n\n")
    string(APPEND rows "    {${number}, \"${name}\", (const char *)sql_${number}},\n")
endforeach()
if(NOT files)
    message(FATAL_ERROR "no migrations in ${FOLDER}")
endif()
file(WRITE ${OUTPUT} "/* Made from migrations/ by cmake/EmbedMigrations.cmake. */
#include \"common/pg/migrate.h\"

${texts}const struct migration migrate_table[] = {
${rows}};
const size_t migrate_table_count = ARRAY_LEN(migrate_table);
")
