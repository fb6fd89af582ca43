"""The pipe of the demo: a managed table with a column for each member of the generator's orders
(demo/generator/order.h), and Kafka's own columns beside them."""

COLUMNS = [
    ("_topic", "LowCardinality(String)"),
    ("_partition", "Int32"),
    ("_offset", "Int64"),
    ("_timestamp", "DateTime64(3)"),
    ("order_id", "UUID"),
    ("number", "UInt64"),
    ("status",
     "Enum8('new' = 1, 'paid' = 2, 'packed' = 3, 'shipped' = 4, 'delivered' = 5, 'returned' = 6)"),
    ("created_at", "DateTime64(3)"),
    ("customer_id", "UInt32"),
    ("customer",
     "Tuple(id UInt32, name String, email String, vip Bool, "
     "address Tuple(street String, city String, postcode String, country FixedString(2)))"),
    ("items", "Array(Tuple(sku String, title String, quantity UInt16, price Decimal(18, 2)))"),
    ("tags", "Array(LowCardinality(String))"),
    ("currency", "LowCardinality(String)"),
    ("amount", "Decimal(18, 4)"),
    ("shipping", "Nullable(Decimal(9, 2))"),
    ("discount", "Nullable(Float64)"),
    ("coupon", "Nullable(String)"),
    ("weight_kg", "Float64"),
    ("priority", "Int8"),
    ("paid", "Bool"),
    ("deliver_on", "Date"),
    ("attributes", "Map(String, String)"),
    ("note", "String"),
]

# A path into a nested object; all other columns read the member of their own name.
FIELD_MAPPINGS = [{"sourceField": "customer.id", "destinationField": "customer_id"}]


def create_body(brokers, topic, table):
    """Body of POST …/clickpipes."""
    return {
        "name": "demo: orders",
        "source": {"kafka": {
            "type": "kafka",
            "format": "JSONEachRow",
            "brokers": brokers,
            "topics": topic,
            "offset": {"strategy": "from_beginning"},
        }},
        "destination": {
            "database": "default",
            "table": table,
            "managedTable": True,
            "tableDefinition": {
                "engine": {"type": "MergeTree"},
                "sortingKey": ["created_at", "order_id"],
                "partitionBy": "toYYYYMM(created_at)",
            },
            "columns": [{"name": name, "type": kind} for name, kind in COLUMNS],
        },
        "fieldMappings": FIELD_MAPPINGS,
        # Rows every second rather than every five: livelier to watch.
        "settings": {"streaming_max_insert_wait_ms": 1000},
    }
