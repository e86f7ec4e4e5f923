//! What the formatter accepts keeps its meaning and is settled at once.
#![no_main]

#[path = "../../compiler/tests/common/mod.rs"]
mod common;
#[path = "../../compiler/tests/mutations/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(what) = properties::formats(text) {
        panic!("{what}\n{text}");
    }
});
