//! JSON Schema for C: compile once, check documents. The C side is json_schema.c; numbers and
//! layouts here and in json_schema_engine.h are the same.
//!
//! No panic leaves this library: every entry catches, and answers ANSWER_PANIC with the message.
//! Nothing is ever fetched: a `$ref` is answered from the references the caller gave, or refused.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::raw::{c_char, c_int};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde::de::Deserialize;
use serde_json::Value;

const ANSWER_OK: c_int = 0;
const ANSWER_REJECTED: c_int = 1;
const ANSWER_NOT_JSON: c_int = 2;
const ANSWER_INVALID: c_int = 3;
const ANSWER_NO_MEMORY: c_int = 4;
const ANSWER_PANIC: c_int = 5;

/// Levels of a document; the decoder refuses deeper ones, too.
const DEPTH_MAX: usize = 1000;
/// A value of serde_json takes up to this many times the bytes of its text ("[0,0,0…").
const MEMORY_FACTOR: usize = 48;
/// Bounds of one pattern: its program's size, and steps of one match that has to backtrack.
const PATTERN_BYTES_MAX: usize = 4 << 20;
const BACKTRACK_STEPS_MAX: usize = 100_000;
/// Values of the instance or the schema that a message may show.
const SHOWN_BYTES: usize = 200;
/// Where a schema without an identifier lives.
const BASE: &str = "json-schema:///";

#[repr(C)]
pub struct Text {
    bytes: *const u8,
    len: usize,
}

#[repr(C)]
pub struct Reference {
    name: Text,
    text: Text,
}

pub struct Schema {
    validator: Validator,
}

impl Text {
    /// Bytes that the caller lends for the call.
    unsafe fn as_bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.bytes, self.len)
    }
}

/// Where a message goes: cut at a character's border, always zero-terminated.
struct Message {
    at: *mut c_char,
    bytes: usize,
}

impl Message {
    fn set(&self, text: &str) {
        if self.bytes == 0 {
            return;
        }
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut len = clean.len().min(self.bytes - 1);
        if len < clean.len() {
            len = len.saturating_sub(3);
        }
        while !clean.is_char_boundary(len) {
            len -= 1;
        }
        let mut out = clean[..len].to_owned();
        if len < clean.len() && self.bytes > 4 {
            out.push_str("...");
        }
        let count = out.len().min(self.bytes - 1);
        unsafe {
            std::ptr::copy_nonoverlapping(out.as_ptr(), self.at.cast::<u8>(), count);
            *self.at.add(count) = 0;
        }
    }
}

/// Answers `$ref` from what the registry gave, by the reference's name or its `$id`.
struct References {
    by_name: HashMap<String, Value>,
}

impl References {
    fn find(&self, uri: &str) -> Option<&Value> {
        if let Some(value) = self.by_name.get(uri) {
            return Some(value);
        }
        let named = self
            .by_name
            .iter()
            .filter(|(name, _)| {
                uri.strip_suffix(name.as_str()).is_some_and(|head| head.ends_with('/'))
            })
            .max_by_key(|(name, _)| name.len());
        if let Some((_, value)) = named {
            return Some(value);
        }
        self.by_name.values().find(|value| {
            let id = value.get("$id").and_then(Value::as_str).unwrap_or("");
            !id.is_empty() && id.trim_end_matches('#') == uri
        })
    }
}

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        self.find(uri.as_str()).cloned().ok_or_else(|| {
            let shown = uri.as_str().strip_prefix(BASE).unwrap_or(uri.as_str());
            format!("\"{shown}\" is not among the schema's references in the registry").into()
        })
    }
}

/// True if the text nests deeper than DEPTH_MAX. Only a bound: broken texts are the parser's.
fn is_too_deep(text: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut i = 0;
    while i < text.len() {
        match text[i] {
            b'\\' if in_string => i += 1,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        i += 1;
    }
    false
}

enum Fault {
    NotJson(String),
    NoMemory,
}

/// A strict RFC 8259 document; a leading byte-order mark is skipped.
fn parse(text: &[u8]) -> Result<Value, Fault> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if is_too_deep(text) {
        return Err(Fault::NotJson(format!("more than {DEPTH_MAX} levels")));
    }
    // Rust ends the process when the heap refuses: ask for as much as parsing can take before.
    let mut room: Vec<u8> = Vec::new();
    let wanted = text.len().saturating_mul(MEMORY_FACTOR);
    if room.try_reserve_exact(wanted).is_err() {
        return Err(Fault::NoMemory);
    }
    drop(room);
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    let value =
        Value::deserialize(&mut reader).map_err(|error| Fault::NotJson(error.to_string()))?;
    reader.end().map_err(|error| Fault::NotJson(error.to_string()))?;
    Ok(value)
}

fn shorten(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    let mut len = SHOWN_BYTES;
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    format!("{}...", &text[..len])
}

/// `keyword at "path": reason`. The instance's own value is not shown: it may be large or private.
fn describe(error: &ValidationError<'_>) -> String {
    let mut text = String::new();
    let path = error.instance_path().as_str();
    let place = if path.is_empty() { "the document" } else { path };
    let reason = error.masked_with("the value").to_string();
    let _ = write!(
        text,
        "{} at {}: {}",
        error.kind().keyword(),
        shorten(place),
        shorten(&reason)
    );
    text
}

fn references(list: &[Reference]) -> Result<References, String> {
    let mut by_name = HashMap::new();
    for reference in list {
        let (name, text) = unsafe { (reference.name.as_bytes(), reference.text.as_bytes()) };
        let name = String::from_utf8_lossy(name).into_owned();
        let value = parse(text).map_err(|fault| match fault {
            Fault::NotJson(why) => format!("the referenced schema \"{name}\" is not JSON: {why}"),
            Fault::NoMemory => "out of memory for a schema".to_owned(),
        })?;
        by_name.insert(name, value);
    }
    Ok(References { by_name })
}

fn compile(text: &[u8], list: &[Reference]) -> Result<Schema, (c_int, String)> {
    let document = parse(text).map_err(|fault| match fault {
        Fault::NotJson(why) => (ANSWER_INVALID, format!("the schema is not JSON: {why}")),
        Fault::NoMemory => (ANSWER_NO_MEMORY, "out of memory for a schema".to_owned()),
    })?;
    if !document.is_object() && !document.is_boolean() {
        return Err((ANSWER_INVALID, "a JSON Schema is an object or a boolean".to_owned()));
    }
    let retriever = references(list).map_err(|why| (ANSWER_INVALID, why))?;
    let mut options = jsonschema::options()
        .with_retriever(retriever)
        .with_pattern_options(
            PatternOptions::fancy_regex()
                .backtrack_limit(BACKTRACK_STEPS_MAX)
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX),
        )
        .with_base_uri(BASE);
    if document.get("$schema").is_none() {
        options = options.with_draft(Draft::Draft7);
    }
    let validator = options
        .build(&document)
        .map_err(|error| (ANSWER_INVALID, describe_schema(&error)))?;
    Ok(Schema { validator })
}

/// Why a schema cannot be compiled. Its own words are shown: they are the operator's.
fn describe_schema(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    let reason = shorten(&error.to_string());
    if path.is_empty() {
        return reason;
    }
    format!("at {}: {}", shorten(path), reason)
}

fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    let word = cause
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    format!("the validator failed: {word}")
}

/// Panics are answered, not printed.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

/// Compile a schema. ret_schema is set on ANSWER_OK only (penstock_json_schema_free).
///
/// # Safety
/// All pointers are valid for their lengths; message has message_bytes.
#[no_mangle]
pub unsafe extern "C" fn penstock_json_schema_compile(
    text: *const u8,
    text_bytes: usize,
    list: *const Reference,
    list_count: usize,
    ret_schema: *mut *mut Schema,
    message: *mut c_char,
    message_bytes: usize,
) -> c_int {
    let message = Message { at: message, bytes: message_bytes };
    quiet_panics();
    let made = catch_unwind(AssertUnwindSafe(|| {
        let text = Text { bytes: text, len: text_bytes };
        let list = if list_count == 0 {
            &[]
        } else {
            std::slice::from_raw_parts(list, list_count)
        };
        compile(text.as_bytes(), list)
    }));
    match made {
        Ok(Ok(schema)) => {
            *ret_schema = Box::into_raw(Box::new(schema));
            ANSWER_OK
        }
        Ok(Err((answer, why))) => {
            message.set(&why);
            answer
        }
        Err(cause) => {
            message.set(&panic_text(cause.as_ref()));
            ANSWER_PANIC
        }
    }
}

/// Check one document.
///
/// # Safety
/// schema is of penstock_json_schema_compile; pointers are valid for their lengths.
#[no_mangle]
pub unsafe extern "C" fn penstock_json_schema_validate(
    schema: *const Schema,
    text: *const u8,
    text_bytes: usize,
    message: *mut c_char,
    message_bytes: usize,
) -> c_int {
    let message = Message { at: message, bytes: message_bytes };
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let text = Text { bytes: text, len: text_bytes };
        let document = match parse(text.as_bytes()) {
            Ok(document) => document,
            Err(Fault::NotJson(why)) => return (ANSWER_NOT_JSON, why),
            Err(Fault::NoMemory) => return (ANSWER_NO_MEMORY, "out of memory".to_owned()),
        };
        let validator = &(*schema).validator;
        // The quick answer first: most documents are as they should be.
        if validator.is_valid(&document) {
            return (ANSWER_OK, String::new());
        }
        let answer = match validator.validate(&document) {
            Ok(()) => (ANSWER_OK, String::new()),
            Err(error) => (ANSWER_REJECTED, describe(&error)),
        };
        answer
    }));
    let (answer, why) = match checked {
        Ok(found) => found,
        Err(cause) => (ANSWER_PANIC, panic_text(cause.as_ref())),
    };
    if answer != ANSWER_OK {
        message.set(&why);
    }
    answer
}

/// Free a compiled schema; null is fine.
///
/// # Safety
/// schema is of penstock_json_schema_compile and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn penstock_json_schema_free(schema: *mut Schema) {
    if !schema.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(schema))));
    }
}
